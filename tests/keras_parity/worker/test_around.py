"""A call is replayed with other results of what is called within it."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.tasks import ReplayAround
from tests.keras_parity.worker.asking import holding

INPUTS = np.random.default_rng(0).standard_normal((2, 3, 3))
KERNEL, OUTPUT, GRADIENT = np.eye(3), Quantity(Kind.OUTPUT), Quantity(Kind.GRADIENT, "input")


def build():
    """A layer with another one within, and a decomposition in its own code."""
    import keras

    class Around(keras.layers.Layer):
        def build(self, shape):
            self.inner = keras.layers.Dense(3, use_bias=False, name="inner")
            self.inner.build(shape)

        def call(self, x):
            left, values, right = keras.ops.svd(keras.ops.stop_gradient(x))
            return 2.0 * self.inner(x) + keras.ops.matmul(left * values[:, None, :], right)

    return keras.Sequential([keras.Input((3, 3)), Around(name="around")])


@pytest.fixture(params=TRAINING_BACKENDS)
def worker(request):
    """The worker of each backend, which holds the model's calls."""
    with holding(request.param, build, KERNEL, INPUTS) as worker:
        yield worker


def test_what_a_layer_and_a_function_within_give_is_told_and_can_be_replaced(worker):
    """Forward; the rest of the call is its own."""
    task = ReplayAround("around#0", [INPUTS], False, True, frozenset({"around/inner"}), functions=frozenset({"svd"}))
    own = worker.ask(task)
    factors = [-own.within["svd#0"][0], own.within["svd#0"][1], own.within["svd#0"][2]]
    given = {"around/inner#0": [np.ones((2, 3, 3))], "svd#0": factors}
    other = worker.ask(ReplayAround("around#0", [INPUTS], False, True, task.layers, given, functions=task.functions))

    np.testing.assert_allclose(own.within["around/inner#0"][0], INPUTS, rtol=1e-12)
    np.testing.assert_allclose(own.taken["svd#0"][0], INPUTS, rtol=1e-12)
    np.testing.assert_allclose(own.results[OUTPUT].array, 3 * INPUTS, atol=1e-12)
    np.testing.assert_allclose(other.results[OUTPUT].array, 2.0 - INPUTS, atol=1e-12)


def test_gradients_pass_what_is_replaced_by_the_same_linear_map_everywhere():
    """It is no layer's own, so that a layer that is wrong there shows in none of them."""
    gradients = []
    for backend in TRAINING_BACKENDS:
        with holding(backend, build, KERNEL, INPUTS) as worker:
            task = ReplayAround("around#0", [INPUTS], False, True, frozenset({"around/inner"}))
            gradients.append(worker.ask(task).results[GRADIENT].array)

    assert np.abs(gradients[0]).max() > 0.1
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-9)
    np.testing.assert_allclose(gradients[2], gradients[0], rtol=1e-9)
