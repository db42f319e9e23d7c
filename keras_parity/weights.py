"""The weights of a check, drawn once by NumPy and given to every backend: no two initialisers are trusted to agree."""

import numpy as np

from keras_parity.rounding import round_to

# A tenth or so around what layers start with, so that no bias is zero and no scale one: such hide faults.
_SPREAD = 0.1


def draw_weights(
    weights: list[tuple[str, tuple[int, ...], str]], initial: list[np.ndarray], trainable: list[bool], seed: int
) -> list[np.ndarray]:
    """Return a value for each variable of a model.

    Args:
        weights: Path, shape and dtype of each.
        initial: What one backend's initialisers gave; kept for whole numbers and other untrained ones.
        trainable: Whether each is trained.
        seed: Of the check.

    Returns:
        float64 arrays of values that the dtypes hold exactly, and integer arrays.
    """
    return [
        _draw(path, shape, dtype, start, is_trained, np.random.default_rng([seed, 5, position]))
        for position, ((path, shape, dtype), start, is_trained) in enumerate(
            zip(weights, initial, trainable, strict=True)
        )
    ]


def _draw(path, shape, dtype, start, is_trained, generator) -> np.ndarray:
    if start.dtype.kind != "f":
        return start
    noise = generator.standard_normal(shape)
    name = path.rpartition("/")[2]
    if name in ("moving_variance", "running_var", "variance"):
        value = generator.uniform(0.5, 1.5, shape)
    elif name in ("moving_mean", "mean", "bias", "beta"):
        value = _SPREAD * noise
    elif name in ("gamma", "scale"):
        value = 1 + _SPREAD * noise
    elif not is_trained:
        value = start
    elif name == "embeddings":
        value = 0.5 * noise
    elif len(shape) >= 2:
        fan_in = np.prod(shape[:-1]) if name != "depthwise_kernel" else np.prod(shape[:-2])
        value = noise / np.sqrt(fan_in)
    else:
        value = start + _SPREAD * noise
    return round_to(np.asarray(value, np.float64), dtype)
