"""What the catalogue leaves out: public names, each with a reason, and none that it holds."""

import re

from keras_parity.scan.catalogue import CATALOGUE
from keras_parity.scan.exclusions import EXCLUSIONS


def test_every_exclusion_is_a_public_name_with_a_reason():
    """As the catalogue writes names."""
    for name, reason in EXCLUSIONS.items():
        assert re.fullmatch(r"(layers|ops|ops\.image)\.\w+", name)
        assert reason


def test_an_alias_is_of_a_layer_that_is_compared():
    """Else the layer would be compared under no name at all."""
    subjects = set().union(*(configuration.subjects for configuration in CATALOGUE.values()))
    start = "another name of "
    aliases = [reason.removeprefix(start) for reason in EXCLUSIONS.values() if reason.startswith(start)]

    assert len(aliases) > 20
    assert {f"layers.{name}" for name in aliases} <= subjects
    assert not subjects & set(EXCLUSIONS)
