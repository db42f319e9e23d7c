"""The reference computes in float64 throughout, the checked model as a user's does, and nothing is left patched."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask, everywhere

KERNEL = np.random.default_rng(0).standard_normal((3, 2))
INPUTS = np.random.default_rng(1).standard_normal((4, 3))
EXACT = 1 / (1 + np.exp(-(INPUTS @ KERNEL * 0.999)))


def compute(how: str, policy: str | None = None):
    """Compute a layer and an operation in a precision; return values and dtype. Runs in a worker."""
    import keras

    from keras_parity.worker import precision
    from keras_parity.worker.capture import to_numpy
    from keras_parity.worker.replay import to_tensor

    context = precision.reference_precision() if how == "reference" else precision.checked_precision(how)
    with context:
        layer = keras.layers.Dense(2, use_bias=False, dtype=policy)
        layer.build((None, 3))
        layer.kernel.assign(to_tensor(KERNEL, layer.kernel.dtype))
        output = layer(to_tensor(INPUTS, keras.config.floatx()))
        result = keras.ops.sigmoid(output * keras.ops.cast(0.999, output.dtype))
        return to_numpy(result), keras.backend.standardize_dtype(result.dtype), precision.compute_dtype(layer)


def settings_after() -> tuple:
    """Return Keras's settings after precisions were entered, one left by an error. Runs in a worker."""
    import keras

    from keras_parity.worker.precision import checked_precision, reference_precision

    for context in (reference_precision(), checked_precision("float64"), checked_precision("mixed_bfloat16")):
        try:
            with context:
                raise KeyError
        except KeyError:
            pass
    kind = keras.ops.add(np.float64(1), np.float32(1)).dtype if keras.backend.backend() == "torch" else "float32"
    return keras.config.floatx(), keras.config.dtype_policy().name, keras.backend.standardize_dtype(kind)


def convolve_channels_first() -> np.ndarray:
    """Convolve an image whose channels come first, in the reference's precision. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import to_numpy
    from keras_parity.worker.precision import reference_precision
    from keras_parity.worker.replay import to_tensor

    with reference_precision():
        image, kernel = to_tensor(np.ones((1, 2, 4, 4)), "float64"), to_tensor(np.ones((3, 3, 2, 1)), "float64")
        return to_numpy(keras.ops.conv(image, kernel, data_format="channels_first"))


@pytest.mark.parametrize("policy", [None, "float32", "mixed_float16"])
@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_the_reference_is_float64_whatever_a_layer_asks_for(backend, policy):
    """Within a few of float64's rounding errors of NumPy's."""
    values, dtype, computed = ask(backend, compute, "reference", policy)

    assert (dtype, computed) == ("float64", "float64")
    np.testing.assert_allclose(values, EXACT, rtol=1e-14)


@pytest.mark.parametrize(
    ("how", "dtype", "tolerance"),
    [("float32", "float32", 1e-6), ("mixed_float16", "float16", 2e-2), ("mixed_bfloat16", "bfloat16", 1e-1)],
)
def test_the_checked_model_computes_in_its_policy(how, dtype, tolerance):
    """And is off by about as much as that rounds."""
    for values, found, computed in everywhere(compute, how).values():
        assert computed == found == dtype
        np.testing.assert_allclose(values, EXACT, rtol=tolerance)
        assert np.abs(values - EXACT).max() > 1e-10


def test_settings_are_as_before_whatever_happens_within():
    """Floatx, the policy, and the promotion of dtypes."""
    assert everywhere(settings_after) == dict.fromkeys(TRAINING_BACKENDS, ("float32", "float32", "float32"))


def test_tensorflow_computes_in_float64_what_it_has_no_kernel_for():
    """XLA does."""
    np.testing.assert_array_equal(ask("tensorflow", convolve_channels_first), np.full((1, 1, 2, 2), 18.0))
