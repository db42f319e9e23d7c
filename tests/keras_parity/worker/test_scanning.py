"""A configuration of the catalogue becomes a model that holds it and nothing else."""

import pytest

from keras_parity.errors import RemoteError
from tests.keras_parity.worker.asking import ask


def describe(name: str):
    """Return the shapes that a configuration's model takes and gives. Runs in a worker."""
    from keras_parity.worker.scanning import build

    model = build(name)
    return [tuple(tensor.shape) for tensor in model.inputs], [tuple(tensor.shape) for tensor in model.outputs]


def names() -> list[str]:
    """Return Keras's public names. Runs in a worker."""
    from keras_parity.worker.scanning import public_names

    return public_names()


def test_inputs_and_outputs_are_those_of_the_expression():
    """All tensors that it gives."""
    assert ask("jax", describe, "ops.sin(x) on normal float[3, 5]") == ([(None, 3, 5)], [(None, 3, 5)])
    _, outputs = ask("jax", describe, "layers.RNN(layers.LSTMCell(4), return_state=True)(x) on normal float[5, 3]")
    assert outputs == [(None, 4)] * 3


def test_what_is_not_in_the_catalogue_is_not_evaluated():
    """A text from outside is looked up, and never run."""
    with pytest.raises(RemoteError, match="KeyError"):
        ask("jax", describe, "ops.sin(x) on nothing")


def test_public_names_are_those_of_three_modules():
    """Without private ones and modules."""
    found = ask("jax", names)

    assert {"layers.Dense", "ops.sin", "ops.image.resize"} <= set(found)
    assert not any(name.rpartition(".")[2].startswith("_") for name in found)
    assert "ops.image" not in found
