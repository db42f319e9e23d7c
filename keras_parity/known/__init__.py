"""Divergences of Keras itself that this project has verified: a finding that is one of them is called by its name."""

from keras_parity.known.catalogue import CATALOGUE
from keras_parity.known.causes import Decision, FindingGroup, decide, describe_known, group_causes
from keras_parity.known.divergence import NOBODY, KnownDivergence, Sign, Since
from keras_parity.known.matching import find_known, known_by_name

__all__ = [
    "CATALOGUE",
    "NOBODY",
    "Decision",
    "FindingGroup",
    "KnownDivergence",
    "Sign",
    "Since",
    "decide",
    "describe_known",
    "find_known",
    "group_causes",
    "known_by_name",
]
