"""One call again, alone: its results and gradients are NumPy's, and perturbations move equal values alike."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask, everywhere, keyed

SEED = 3
INPUTS = np.random.default_rng(0).standard_normal((4, 3))
KERNEL, BIAS = np.random.default_rng(1).standard_normal((3, 2)), np.array([0.5, -0.5])


def replay_layer(kind: str, training: bool = False, backward: bool = True) -> dict:
    """Record a model of one layer in float64 and replay the layer's call. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import CallStack, record, watching
    from keras_parity.worker.precision import reference_precision
    from keras_parity.worker.replay import replay, to_tensor

    with reference_precision():
        layer = {
            "dense": lambda: keras.layers.Dense(2, name="layer", activity_regularizer=keras.regularizers.L2(0.5)),
            "norm": lambda: keras.layers.BatchNormalization(momentum=0.9, name="layer"),
            "mask": lambda: keras.layers.Masking(0.0, name="layer"),
        }[kind]()
        given = keras.Input((5, 3) if kind == "mask" else (3,))
        model = keras.Model(given, layer(given))
        if kind == "dense":
            layer.set_weights([KERNEL, BIAS])
        array = np.zeros((1, 5, 3)) if kind == "mask" else INPUTS
        calls = record(model, to_tensor(array, "float64"), training, "float64", {}).calls
        call = next(call for call in calls if call.path == "layer")
        stack = CallStack()
        with watching(stack):
            found = replay(call, stack, [array], training, SEED, backward, {})
    return {str(quantity): value.array for quantity, value in found.items()}


def names_of_variables() -> list[str]:
    """Return the names of a model's variables, of which two are called alike. Runs in a worker."""
    import keras

    from keras_parity.worker.replay import variable_names

    first, second = keras.layers.Dense(2, name="first"), keras.layers.Dense(2, use_bias=False, name="second")
    first.build((None, 3))
    second.build((None, 3))
    return variable_names([*first.weights, *second.weights])


def move(array: np.ndarray, size: float, seed: int, alike: bool) -> np.ndarray:
    """Return values moved. Runs in a worker."""
    from keras_parity.protocol.tasks import Nudge
    from keras_parity.worker.replay import perturb

    return perturb(array, Nudge(size, seed, alike))


def through_tensors(dtype: str):
    """Return what comes back of values that became tensors, and their dtype. Runs in a worker."""
    from keras_parity.worker.replay import to_tensor, to_value

    value = to_value(to_tensor(np.array([1.0, 2.5, 1e-3]), dtype))
    return value.array, value.dtype


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_dense_layers_results_and_gradients_are_numpys(backend):
    """The gradients are contracted with cotangents drawn from the seed, the call and the result."""
    found = ask(backend, replay_layer, "dense")

    output = INPUTS @ KERNEL + BIAS
    cotangent = keyed(SEED, "cotangent", "layer#0", "output").standard_normal(output.shape)
    penalty = keyed(SEED, "cotangent", "layer#0", "added loss").standard_normal(())
    by_output = cotangent + penalty * output / len(INPUTS)  # 0.5 · y² of one example on average, doubled by its slope
    assert set(found) == {"output", "added loss", "gradient of input", "gradient of kernel", "gradient of bias"}
    np.testing.assert_allclose(found["output"], output, rtol=1e-13)
    np.testing.assert_allclose(found["added loss"], 0.5 * (output**2).sum() / len(INPUTS), rtol=1e-13)
    np.testing.assert_allclose(found["gradient of input"], by_output @ KERNEL.T, rtol=1e-12)
    np.testing.assert_allclose(found["gradient of kernel"], INPUTS.T @ by_output, rtol=1e-12)
    np.testing.assert_allclose(found["gradient of bias"], by_output.sum(axis=0), rtol=1e-12)


def test_state_is_told_in_training_alone():
    """A moving mean takes a tenth of the batch's."""
    for backend in TRAINING_BACKENDS:
        trained, inferred = (ask(backend, replay_layer, "norm", training, False) for training in (True, False))

        np.testing.assert_allclose(trained["state moving_mean"], 0.1 * INPUTS.mean(axis=0), rtol=1e-12)
        assert not any(name.startswith("state") for name in inferred)
        assert not any(name.startswith("gradient") for name in trained)


def test_a_mask_is_a_result():
    """Here of rows that are all zeros."""
    for found in everywhere(replay_layer, "mask", False, False).values():
        assert not found["mask of output"].any()
        assert found["mask of output"].shape == (1, 5)


def test_names_that_are_not_unique_become_paths():
    """The others stay as they are."""
    assert ask("jax", names_of_variables) == ["first/kernel", "bias", "second/kernel"]


def test_equal_values_move_alike_and_others_by_coins():
    """By exactly the size that is given; zeros stay, whole numbers too."""
    array = np.array([1.5, 1.5, 0.0, -2.0, *np.linspace(1, 2, 200)])

    moved = ask("torch", move, array, 1e-3, 1, True)
    other = ask("torch", move, array, 1e-3, 2, True)
    apart = ask("torch", move, np.full(200, 1.5), 1e-3, 1, False)

    assert moved[0] == moved[1]
    assert moved[2] == 0
    steps = moved[moved != 0] / array[array != 0] - 1
    np.testing.assert_allclose(np.abs(steps), 1e-3, rtol=1e-9)
    assert 60 < (steps > 0).sum() < 140
    assert not np.array_equal(moved, other)
    assert len(np.unique(apart)) == 2
    np.testing.assert_array_equal(ask("torch", move, np.arange(3), 1e-3, 1, True), np.arange(3))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_values_become_tensors_of_the_dtype_that_is_asked_for(dtype):
    """Rounded once; JAX holds float64 in its wide mode alone."""
    import ml_dtypes

    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    expected = np.array([1.0, 2.5, 1e-3]).astype(kind).astype(np.float64)
    for backend in TRAINING_BACKENDS if dtype != "float64" else ("tensorflow", "torch"):
        values, found = ask(backend, through_tensors, dtype)

        assert found == dtype
        np.testing.assert_array_equal(values, expected)
