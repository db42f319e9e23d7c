"""Shared randomness: in every worker, random layers draw the same numbers during a check.

The numbers come from NumPy, keyed by the check's seed, the path of the layer that asks, and the count of its requests,
so that a layer gets them whether it runs within the model or alone. Outside the `with` block nothing is patched.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops
from keras.src import backend


@contextmanager
def shared_randomness(seed: int, next_draw: Callable[[], tuple]) -> Iterator[None]:
    """Let `keras.random` and the random layers draw from NumPy.

    Args:
        seed: Of the check.
        next_draw: Returns what tells one request from another, as `CallStack.next_draw`.
    """

    def generator() -> np.random.Generator:
        return keyed_generator(seed, "randomness", *next_draw())

    module = backend.random
    own = {name: getattr(module, name) for name in _DRAWS}
    for name, draw in _DRAWS.items():
        setattr(module, name, _with_generator(draw, generator))
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(module, name, function)


def keyed_generator(seed: int, *key) -> np.random.Generator:
    """Return a NumPy generator that depends on the seed and the key alone: the same in every process."""
    digest = hashlib.sha256(repr((seed, *key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def is_random_state(variable) -> bool:
    """Return whether a variable is the state of a `SeedGenerator`, whose dtype depends on the backend."""
    return variable.path.endswith("seed_generator_state")


def _with_generator(draw, generator):
    def drawn(*args, seed=None, **kwargs):
        return draw(generator(), *args, **kwargs)

    return drawn


def _tensor(values, dtype=None):
    return ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())


def _sizes(shape) -> tuple[int, ...]:
    return tuple(int(size) for size in shape)


def _normal(generator, shape, mean=0.0, stddev=1.0, dtype=None):
    return _tensor(generator.standard_normal(_sizes(shape)) * stddev + mean, dtype)


def _uniform(generator, shape, minval=0.0, maxval=1.0, dtype=None):
    return _tensor(generator.random(_sizes(shape)) * (maxval - minval) + minval, dtype)


def _truncated_normal(generator, shape, mean=0.0, stddev=1.0, dtype=None):
    values = generator.standard_normal(_sizes(shape))
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.standard_normal(outside.sum())
    return _tensor(values * stddev + mean, dtype)


def _randint(generator, shape, minval, maxval, dtype="int32"):
    return _tensor(generator.integers(int(minval), int(maxval), _sizes(shape)), dtype)


def _categorical(generator, logits, num_samples, dtype="int32"):
    # Gumbel's trick: the argument of the largest of the noisy logits.
    batch, classes = _sizes(logits.shape)
    noise = ops.cast(_tensor(generator.gumbel(size=(batch, num_samples, classes))), logits.dtype)
    return ops.cast(ops.argmax(ops.expand_dims(logits, 1) + noise, axis=-1), dtype)


def _dropout(generator, inputs, rate, noise_shape=None):
    shape = [
        size if wanted is None else wanted
        for size, wanted in zip(inputs.shape, noise_shape or inputs.shape, strict=True)
    ]
    kept = generator.random(_sizes(shape)) >= rate
    return ops.where(ops.convert_to_tensor(kept), inputs / (1 - rate), ops.zeros_like(inputs))


def _shuffle(generator, x, axis=0):
    return ops.take(x, generator.permutation(x.shape[axis]), axis=axis)


def _gamma(generator, shape, alpha, dtype=None):
    return _tensor(generator.gamma(ops.convert_to_numpy(alpha), size=_sizes(shape)), dtype)


def _binomial(generator, shape, counts, probabilities, dtype=None):
    counts, probabilities = ops.convert_to_numpy(counts), ops.convert_to_numpy(probabilities)
    return _tensor(generator.binomial(counts.astype("int64"), probabilities, _sizes(shape)), dtype)


def _beta(generator, shape, alpha, beta, dtype=None):
    return _tensor(generator.beta(ops.convert_to_numpy(alpha), ops.convert_to_numpy(beta), _sizes(shape)), dtype)


_DRAWS = {
    "normal": _normal,
    "uniform": _uniform,
    "truncated_normal": _truncated_normal,
    "randint": _randint,
    "categorical": _categorical,
    "dropout": _dropout,
    "shuffle": _shuffle,
    "gamma": _gamma,
    "binomial": _binomial,
    "beta": _beta,
}
