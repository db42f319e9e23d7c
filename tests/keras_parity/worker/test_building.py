"""A model is built from each form of source, its weights among it, and from the user's files as they are now."""

import os
from dataclasses import replace

import numpy as np
import pytest

from keras_parity.errors import RemoteError
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.source import describe_source
from tests.keras_parity.errands import weights
from tests.keras_parity.worker.asking import ask

MODULE = """
import keras

UNITS = {units}
number = 3


def build(units=UNITS):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])


class Group:
    build = staticmethod(build)


def broken():
    raise ArithmeticError("no")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a module of the user's."""
    (tmp_path / "users_models.py").write_text(MODULE.format(units=4))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def build_alone():
    """Build a model."""
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def save(path: str) -> np.ndarray:
    """Save a model; return its kernel. Runs in a worker."""
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5)])
    model.save(path)
    return model.get_weights()[0]


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_function_is_called_by_its_name_or_as_it_is(backend, folder):
    """With arguments; a dotted name is followed."""
    sources = [
        describe_source("users_models:build"),
        describe_source("users_models:Group.build"),
        describe_source("users_models:build", {"units": 7}),
        describe_source(build_alone),
    ]

    assert [ask(backend, weights, source)[0].shape for source in sources] == [(3, 4), (3, 4), (3, 7), (3, 2)]


def test_a_file_is_loaded_with_its_weights(folder):
    """Written by one backend and read by all."""
    kernel = ask("torch", save, str(folder / "model.keras"))

    for backend in TRAINING_BACKENDS:
        np.testing.assert_array_equal(ask(backend, weights, describe_source("model.keras"))[0], kernel)


def test_a_module_that_was_edited_is_read_again(folder):
    """A worker outlives many versions of a model."""
    path = folder / "edited_models.py"
    path.write_text(MODULE.format(units=4))
    source = describe_source("edited_models:build")
    assert ask("jax", weights, source)[0].shape == (3, 4)

    path.write_text(MODULE.format(units=6))
    os.utime(path, ns=(1, 1))

    assert ask("jax", weights, source)[0].shape == (3, 6)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("users_models:number", "UsageError: users_models:number is an int, not a function"),
        ("users_models:bild", "UsageError: the module users_models has no bild; did you mean build?"),
        ("users_models:broken", "ArithmeticError: no"),
    ],
)
def test_what_builds_no_model_is_told(folder, reference, said):
    """A wrong name in one line; what the user's function raises as it is."""
    source = replace(describe_source("users_models:build"), label=reference, reference=reference)

    with pytest.raises(RemoteError, match=said):
        ask("jax", weights, source)
