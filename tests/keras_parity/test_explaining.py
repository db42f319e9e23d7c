"""A fault explains another difference only where that is proven: each of two faults that are there at once is named."""

import contextlib
import functools
from unittest import mock

import pytest

from tests.keras_parity.planting import check


def scale(x):
    """Return what the layer of `build_around` makes of what its inner layer gives."""
    return 2.0 * x


def build_around():
    """A layer with another one within, and code of its own."""
    import keras
    from keras import layers

    class Around(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(4, name="inner")

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, x):
            return scale(self.inner(x))

    x = keras.Input((5,), name="x")
    return keras.Model(x, Around(name="around")(x))


def build_axes():
    """A layer that decomposes a matrix, with code of its own."""
    import keras
    from keras import layers, ops

    class Axes(layers.Layer):
        def call(self, x):
            spread = x * ops.arange(1.0, 4.0, dtype=x.dtype)
            return scale(ops.svd(ops.stop_gradient(spread), full_matrices=False)[2])

    return keras.Sequential([keras.Input((5, 3)), Axes(name="axes"), layers.Flatten(), layers.Dense(2, name="dense")])


def build_dense():
    """One layer."""
    import keras

    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="dense")], name="one")


@contextlib.contextmanager
def faulty(*faults: str):
    """Plant faults by name: `inner`, `around`, and their gradients alone, `evaluate`, `predict`."""
    import sys

    import keras

    dense, model = keras.layers.Dense, keras.Model
    right_call, right_evaluate, right_predict = dense.call, model.evaluate, model.predict

    def call(layer, inputs, training=None):
        return 1.01 * right_call(layer, inputs, training=training)

    def evaluate(self, *args, **kwargs):
        return {name: 1.01 * value for name, value in right_evaluate(self, *args, **kwargs).items()}

    def predict(self, *args, **kwargs):
        return 1.01 * right_predict(self, *args, **kwargs)

    def steeper(x):
        return 1.01 * x + keras.ops.stop_gradient(-0.01 * x)

    def call_steeper(layer, inputs, training=None):
        return steeper(right_call(layer, inputs, training=training))

    wrong = {
        "inner": (dense, "call", functools.wraps(right_call)(call)),
        "around": (sys.modules[__name__], "scale", lambda x: 2.02 * x),
        "gradient of inner": (dense, "call", functools.wraps(right_call)(call_steeper)),
        "gradient around": (sys.modules[__name__], "scale", lambda x: steeper(2.0 * x)),
        "evaluate": (model, "evaluate", evaluate),
        "predict": (model, "predict", predict),
    }
    with contextlib.ExitStack() as stack:
        for fault in faults:
            stack.enter_context(mock.patch.object(*wrong[fault]))
        yield


def culprits(build, *faults: str) -> set[tuple]:
    """Return who is blamed where faults are planted on PyTorch."""
    verdict = check(
        build, ["jax", "tensorflow", "torch"], edge=False, patches={"torch": functools.partial(faulty, *faults)}
    )
    return {(culprit.layer, culprit.execution) for culprit in verdict.culprits}


@pytest.mark.parametrize(
    ("faults", "layers"),
    [
        (("inner",), {"around/inner"}),
        (("around",), {"around"}),
        (("inner", "around"), {"around/inner", "around"}),
        (("gradient of inner",), {"around/inner"}),
        (("gradient of inner", "gradient around"), {"around/inner", "around"}),
    ],
    ids=["the inner layer", "its surroundings", "both", "the inner gradient", "both gradients"],
)
def test_a_wrong_layer_does_not_hide_a_wrong_one_around_it(faults, layers):
    """The outer one is replayed with what the inner one gives elsewhere."""
    assert culprits(build_around, *faults) == {(layer, "torch") for layer in layers}


@pytest.mark.parametrize(
    ("faults", "layers"),
    [
        (("inner",), {"dense"}),
        (("inner", "evaluate"), {"dense", "(fit)"}),
        (("inner", "predict"), {"dense", "(predict)"}),
    ],
    ids=["the layer", "and evaluate", "and predict"],
)
def test_a_wrong_layer_does_not_hide_a_wrong_loop(faults, layers):
    """`evaluate` and `predict` are held against their own batches, one by one."""
    assert culprits(build_dense, *faults) == {(layer, "torch") for layer in layers}


@pytest.mark.parametrize("faults", [(), ("around",)], ids=["sound", "a wrong layer"])
def test_signs_of_vectors_hide_nothing_else_that_a_layer_does_wrong(faults):
    """The layer is replayed with the decomposition that another backend has made; who is alone signs may still hide."""
    assert {layer for layer, _ in culprits(build_axes, *faults)} == ({"axes"} if faults else set())
