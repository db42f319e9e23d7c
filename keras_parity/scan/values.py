"""The numbers that a configuration's inputs hold, drawn by NumPy from a seed."""

import math
import zlib
from collections.abc import Callable

import numpy as np

from keras_parity.scan.configuration import Configuration, Tensor

BATCH_SIZE = 4

# Zeros of both signs, rounding at halves, the kinks of relu6, hard_sigmoid, hard_shrink and their kin, and ordinary
# numbers. Sizes are kept together: errors are measured against the largest entry.
EDGES = np.array(
    [
        *[0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.5, -2.5, 3.0, -3.0, 6.0, -6.0],
        *[1e-3, -1e-3, 1e-30, -1e-30, 0.3, -0.7, 1.9, -2.2, 7.25, -4.4],
    ],
    np.float32,
)
SATURATED = np.array([20.0, -20.0, 40.0, -40.0, 89.0, -89.0, 104.0, -104.0, 1e4, -1e4, 1e30, -1e30], np.float32)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 1e-40, -1e-40, 0.5, -1.25, 2.0], np.float32)


def draw_inputs(configuration: Configuration, floatx: str, batch_size: int = BATCH_SIZE) -> list[np.ndarray]:
    """Return one array per input of the configuration, the same on every machine.

    Args:
        configuration: The configuration.
        floatx: The dtype of the inputs whose dtype is `float`. float16 and bfloat16 are left to the model's cast.
        batch_size: The number of examples where the configuration leaves it open.

    Returns:
        Arrays `(batch, *shape)`; those of dtype `float` are float64 where floatx is float64, and float32 otherwise.
    """
    arrays = []
    for position, tensor in enumerate(configuration.inputs):
        # By name, so that a configuration's numbers do not depend on the others.
        rng = np.random.default_rng(zlib.crc32(f"{configuration.name} {position}".encode()))
        shape = (tensor.batch or batch_size, *tensor.shape)
        dtype = tensor.dtype
        if dtype in ("float", "bfloat16"):
            dtype = "float64" if floatx == "float64" else "float32"
        arrays.append(draw(tensor, shape, rng, position).astype(dtype))
    return arrays


def draw(tensor: Tensor, shape: tuple[int, ...], rng: np.random.Generator, position: int = 0) -> np.ndarray:
    """Return values of the tensor's kind.

    Args:
        tensor: Its kind is used, its shape is not.
        shape: The whole shape, batch included.
        rng: Where the numbers come from.
        position: Which input this is: listed values come in another order for each, so that pairs are all different.
    """
    kind, _, argument = tensor.values.partition(" ")
    if kind == "below":
        return rng.integers(0, int(argument), shape)
    if kind in LISTED:
        return _cycle(LISTED[kind], shape, position)
    return DRAWN[kind](rng, shape)


def _cycle(listed: np.ndarray, shape: tuple[int, ...], position: int) -> np.ndarray:
    """Fill the shape with listed values; the second input moves one on each time the first has gone round."""
    index = np.arange(math.prod(shape))
    index = index + position * (index // len(listed)) if position else index
    values: np.ndarray = listed[index % len(listed)].reshape(shape)
    return values


def _float32(values: np.ndarray) -> np.ndarray:
    """Round to float32: both precisions shall start from the same numbers."""
    return values.astype("float32")


def _definite(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    root = rng.standard_normal(shape)
    return _float32(root @ np.swapaxes(root, -1, -2) + shape[-1] * np.eye(shape[-1]))


def _probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = rng.uniform(0.1, 1, shape)
    return _float32(values / values.sum(-1, keepdims=True))


def _masked(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = _float32(rng.standard_normal(shape))
    for row in range(shape[0]):
        values[row, max(0, shape[1] - row) :] = 0  # row 0 has no padding
    values[-1] = 0
    return values


def _constant(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 0.75, "float32")


def _lengths(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 1 + np.arange(math.prod(shape)).reshape(shape)


LISTED: dict[str, np.ndarray] = {"edges": EDGES, "saturated": SATURATED, "special": SPECIAL}
DRAWN: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda rng, shape: _float32(rng.standard_normal(shape)),
    "positive": lambda rng, shape: _float32(rng.uniform(0.1, 4, shape)),
    "unit": lambda rng, shape: _float32(rng.uniform(0.01, 0.99, shape)),
    "symmetric": lambda rng, shape: _float32(rng.uniform(-0.99, 0.99, shape)),
    "image": lambda rng, shape: rng.integers(0, 64, shape) * 4.0 + 1.5,
    "tied": lambda rng, shape: rng.integers(-2, 3, shape).astype("float32"),
    "definite": _definite,
    "constant": _constant,
    "probabilities": _probabilities,
    "integers": lambda rng, shape: rng.integers(-9, 10, shape),
    "boolean": lambda rng, shape: rng.integers(0, 2, shape) > 0,
    "lengths": _lengths,
    "masked": _masked,
}
