"""Saving a model within a worker and loading what another one has saved."""

import os
import tempfile

import keras

from keras_parity.worker import keras_internals


def save_to_bytes(model: keras.Model) -> bytes:
    """Return the contents of the model's `.keras` file."""
    with tempfile.TemporaryDirectory() as folder, keras_internals.without_tensorflow():
        path = os.path.join(folder, "model.keras")
        model.save(path)
        with open(path, "rb") as file:
            return file.read()


def load_from_bytes(contents: bytes) -> keras.Model:
    """Return the model of a `.keras` file's contents, written by another backend from the same source."""
    with tempfile.TemporaryDirectory() as folder, keras_internals.without_tensorflow():
        path = os.path.join(folder, "model.keras")
        with open(path, "wb") as file:
            file.write(contents)
        return keras.saving.load_model(path, compile=False)
