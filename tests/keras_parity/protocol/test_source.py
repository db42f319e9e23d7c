"""What to build travels as a value, and its pickled parts are not printed."""

import dataclasses
import pickle

import pytest

from keras_parity.protocol.source import ModelSource, PickledObject

SOURCE = ModelSource("build", "function", pickled=b"\x80secret", kwargs=b"\x80secret", sys_path=("/models",))


def test_it_says_what_it_is_without_its_pickles():
    """A message that quotes it stays short."""
    pickled = PickledObject(b"\x80secret", {"rate": 0.1}, "Own")

    assert "build" in repr(SOURCE)
    assert "secret" not in repr(SOURCE) + repr(pickled)
    assert "rate" in repr(pickled)


def test_it_travels_and_cannot_be_changed():
    """Both sides may keep it."""
    assert pickle.loads(pickle.dumps(SOURCE)) == SOURCE
    with pytest.raises(dataclasses.FrozenInstanceError):
        SOURCE.label = "other"
