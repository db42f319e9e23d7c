"""Gradients are contracted with the cotangents that are given, the same on every backend."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask, everywhere

X, Y = np.array([1.0, 2.0, 3.0]), np.array([4.0, -5.0, 6.0])
COTANGENTS = {"product": 1.0, "square": 0.5}


def differentiate(backward: bool):
    """Evaluate a product and a square of tensors, of which one argument goes nowhere. Runs in a worker."""
    from keras import ops

    from keras_parity.worker.autodiff import evaluate
    from keras_parity.worker.capture import to_numpy
    from keras_parity.worker.replay import to_tensor

    arguments = [to_tensor(array, "float32") for array in (X, Y, np.ones(2))]

    def function(arguments, fixed):
        x, y, _ = arguments
        return {"product": x * y, "square": fixed * x * x}, {"whole": ops.cast(x, "int32")}

    draw = (lambda name, shape: np.full(shape, COTANGENTS[name])) if backward else None
    floats, others, gradients = evaluate(function, arguments, to_tensor(np.array(2.0), "float32"), draw, {}, "key")
    found = [None if g is None else to_numpy(g) for g in gradients] if gradients is not None else None
    return {n: to_numpy(v) for n, v in (floats | others).items()}, found


def count_runs() -> tuple[int, int]:
    """Evaluate a function three times under one key; count its runs, then those of a fourth without a store."""
    from keras_parity.worker.autodiff import evaluate
    from keras_parity.worker.replay import to_tensor

    runs = []

    def function(arguments, fixed):
        runs.append(0)
        return {"same": arguments[0]}, {}

    compiled: dict = {}
    for _ in range(3):
        evaluate(function, [to_tensor(X, "float32")], None, lambda _, shape: np.ones(shape), compiled, "key")
    kept = len(runs)
    for _ in range(3):
        evaluate(function, [to_tensor(X, "float32")], None, lambda _, shape: np.ones(shape), None, "key")
    return kept, len(runs) - kept


def kind_of_gradient(sparse: bool) -> str:
    """Return the class of the gradient of a table of which two rows are taken. Runs in a worker."""
    import tensorflow as tf

    from keras_parity.worker.autodiff import evaluate

    table = tf.constant(np.ones((4, 2)), tf.float32)
    _, _, [gradient] = evaluate(
        lambda arguments, fixed: ({"rows": tf.gather(arguments[0], fixed)}, {}),
        [table],
        tf.constant([1, 1]),
        lambda _, shape: np.ones(shape),
        None,
        "key",
        sparse=sparse,
    )
    return type(gradient).__name__


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_values_and_gradients_are_those_of_the_formula(backend):
    """d(xy + 0.5 · 2xx) is y + 2x and x; what nothing depends on has none, or zeros."""
    values, (by_x, by_y, unused) = ask(backend, differentiate, True)

    np.testing.assert_allclose(values["product"], X * Y, rtol=1e-6)
    np.testing.assert_allclose(values["square"], 2 * X * X, rtol=1e-6)
    np.testing.assert_array_equal(values["whole"], [1, 2, 3])
    np.testing.assert_allclose(by_x, Y + 2 * X, rtol=1e-6)
    np.testing.assert_allclose(by_y, X, rtol=1e-6)
    assert unused is None or not unused.any()


def test_without_cotangents_no_gradient_is_computed():
    """The values are."""
    for values, gradients in everywhere(differentiate, False).values():
        assert gradients is None
        np.testing.assert_allclose(values["product"], X * Y, rtol=1e-6)


def test_jax_compiles_once_what_the_others_run_each_time():
    """Tracing for the shapes and for the program; without a store of programs, each time anew."""
    runs = everywhere(count_runs)

    assert runs["tensorflow"] == runs["torch"] == (3, 3)
    kept, anew = runs["jax"]
    assert kept <= 2
    assert anew >= 3


def test_tensorflows_sparse_gradients_stay_sparse_where_asked():
    """Else they are added up."""
    assert ask("tensorflow", kind_of_gradient, True) == "IndexedSlices"
    assert ask("tensorflow", kind_of_gradient, False) == "EagerTensor"
