"""What rounding alone makes of a training: weights moved to neighbouring floating-point numbers."""

import keras
import numpy as np


def perturb_weights(model: keras.Model, generator: np.random.Generator) -> None:
    """Move each entry of a model's weights to a neighbouring floating-point number, as `move_to_neighbours` does."""
    for weight in model.weights:
        if keras.backend.is_float_dtype(weight.dtype):
            weight.assign(move_to_neighbours(keras.ops.convert_to_numpy(weight.value), generator))


def move_to_neighbours(values: np.ndarray | np.floating, generator: np.random.Generator) -> np.ndarray:
    """Return `values` with each entry moved to a neighbouring floating-point number, up or down; zeros stay."""
    towards = np.where(generator.random(values.shape) < 0.5, -np.inf, np.inf).astype(values.dtype)
    return np.where(values == 0, values, np.nextafter(values, towards))
