"""A finding gets the name of the divergence that it is, or none."""

from dataclasses import replace

import pytest

from keras_parity.errors import UsageError
from keras_parity.known.matching import find_known, known_by_name
from keras_parity.protocol.quantity import Kind, Quantity
from tests.keras_parity.verdicts import ENVIRONMENT, finding

VERSIONS = ENVIRONMENT["versions"]
SPARSE = finding(
    "(training)",
    "tensorflow",
    layer_type="train_on_batch",
    quantity=Quantity(Kind.SLOT, "embeddings_velocity"),
    detail="900 float32 rounding units apart in float64, from sparse gradients",
)


def test_a_known_finding_is_named():
    """By the catalogue's name."""
    assert find_known(SPARSE, VERSIONS).name == "adam-sparse-gradients"


def test_without_versions_or_the_reason_nothing_is_known():
    """A newer Keras may have another fault in the same place."""
    assert find_known(SPARSE, {}) is None
    assert find_known(replace(SPARSE, detail="900 units apart"), VERSIONS) is None


def test_a_name_is_looked_up_and_a_misspelt_one_refused():
    """With the one that was meant, or with where all are listed."""
    assert known_by_name("adam-sparse-gradients") is find_known(SPARSE, VERSIONS)
    with pytest.raises(UsageError, match="did you mean adam-sparse-gradients?"):
        known_by_name("adam-sparse-gradient")
    with pytest.raises(UsageError, match="known-divergences.md lists all"):
        known_by_name("zzz")
