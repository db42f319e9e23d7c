"""A model goes into a file's bytes and comes back, on any backend."""

import numpy as np

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask


def save() -> tuple[bytes, np.ndarray]:
    """Return a model's file and its kernel. Runs in a worker."""
    import keras

    from keras_parity.worker.saving import save_to_bytes

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    return save_to_bytes(model), model.get_weights()[0]


def load(contents: bytes) -> tuple[np.ndarray, bool]:
    """Return the kernel of a model in a file, and whether it is compiled. Runs in a worker."""
    from keras_parity.worker.saving import load_from_bytes

    model = load_from_bytes(contents)
    return model.get_weights()[0], bool(model.compiled)


def test_every_backend_reads_what_one_has_written():
    """Bit by bit, and uncompiled."""
    contents, kernel = ask("torch", save)

    for backend in TRAINING_BACKENDS:
        loaded, compiled = ask(backend, load, contents)
        np.testing.assert_array_equal(loaded, kernel)
        assert not compiled
