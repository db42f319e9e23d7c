"""A normalisation of a single value is zero but for what its mean rounds."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask

X = np.array([[3.0], [-2.0], [0.5]], np.float32)
EPSILON = 1e-3


def lone(kind: str, shape: tuple, **options) -> bool:
    """Say whether a layer normalises single values. Runs in a worker."""
    import keras

    from keras_parity.worker.lone_values import has_lone_values

    return has_lone_values(getattr(keras.layers, kind)(**options), shape)


def normalised(size: float | None) -> list[np.ndarray]:
    """Normalise single values with means off by `size`, and once more afterwards. Runs in a worker."""
    import contextlib

    import keras

    from keras_parity.worker.lone_values import rounded_means

    layer = keras.layers.LayerNormalization(epsilon=EPSILON)
    layer.build(X.shape)
    layer.gamma.assign([2.0])
    layer.beta.assign([0.25])
    with contextlib.nullcontext() if size is None else rounded_means(size):
        within = keras.ops.convert_to_numpy(layer(X))
    return [within, keras.ops.convert_to_numpy(layer(X))]


@pytest.mark.parametrize(
    ("kind", "shape", "options", "expected"),
    [
        ("LayerNormalization", (None, 5, 1), {}, True),
        ("LayerNormalization", (None, 1, 5), {"axis": 1}, True),
        ("LayerNormalization", (None, 5), {}, False),
        ("LayerNormalization", (None, 1), {"rms_scaling": True}, False),
        ("GroupNormalization", (None, 4), {"groups": 4}, True),
        ("GroupNormalization", (None, 2, 4), {"groups": 4}, False),
        ("Dense", (None, 1), {"units": 1}, False),
    ],
)
def test_layers_that_take_a_value_s_mean_from_itself_are_known(kind, shape, options, expected):
    """One number in each group; more of them, no mean, or no normalisation is another matter."""
    assert ask("torch", lone, kind, shape, **options) is expected


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_mean_that_is_off_is_magnified_by_the_root_of_epsilon(backend):
    """As long as it lasts; the layer's scale and offset stay."""
    within, afterwards = ask(backend, normalised, 1e-3)

    np.testing.assert_allclose(within, 2.0 * X * 1e-3 / np.sqrt(EPSILON) + 0.25, rtol=1e-5)
    np.testing.assert_allclose(afterwards, np.full_like(X, 0.25), atol=1e-4)
