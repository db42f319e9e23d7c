"""A process leaves word of where it is, for whoever finds it crashed."""

import tempfile

import pytest

from keras_parity.protocol.place import PLACE_BYTES, read_place
from keras_parity.worker import place


@pytest.fixture
def file(monkeypatch):
    """The open file that places are left in."""
    with tempfile.TemporaryFile() as file:
        monkeypatch.setattr(place, "_file", None)
        file.truncate(PLACE_BYTES)
        yield file


def test_nothing_is_left_where_nobody_asked(file):
    """A worker's code also runs where no parent reads it."""
    place.leave_place("conv")

    assert file.read() == bytes(PLACE_BYTES)


def test_the_last_place_counts(file):
    """A shorter path leaves nothing of a longer one; of one that is too long the end stays."""
    place.leave_places_in(file.fileno())

    place.leave_place("block/convolution")
    place.leave_place("conv")
    assert read_place(file.read()) == "conv"

    file.seek(0)
    place.leave_place("outer/" * 200 + "inner")
    assert read_place(file.read()).endswith("outer/inner")
