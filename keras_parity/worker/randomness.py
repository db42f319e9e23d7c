"""Shared randomness: in every worker, random layers draw the same numbers during a check.

The numbers come from NumPy, keyed by the check's seed, the path of the layer that asks, and the count of its requests,
so that a layer gets them whether it runs within the model or alone. Outside the `with` block nothing is patched.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_parity.worker import keras_internals
from keras_parity.worker.tensors import Tensor

# Draws an array of a shape.
_Make = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
# Sizes, which may be tensors or symbols.
_Shape = Sequence[Any]


@contextmanager
def shared_randomness(seed: int, next_draw: Callable[[], tuple[object, ...]]) -> Iterator[None]:
    """Let `keras.random` and the random layers draw from NumPy.

    Args:
        seed: Of the check.
        next_draw: Returns what tells one request from another, as `CallStack.next_draw`.
    """

    def generator() -> np.random.Generator:
        return keyed_generator(seed, "randomness", *next_draw())

    functions = {name: _with_generator(draw, generator) for name, draw in _DRAWS.items()}
    with keras_internals.replaced_functions(keras_internals.backend_module("random"), functions):
        yield


def keyed_generator(seed: int, *key: object) -> np.random.Generator:
    """Return a NumPy generator that depends on the seed and the key alone: the same in every process."""
    digest = hashlib.sha256(repr((seed, *key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def is_random_state(variable: keras.Variable) -> bool:
    """Return whether a variable is the state of a `SeedGenerator`, whose dtype depends on the backend."""
    return str(variable.path).endswith("seed_generator_state")


def _with_generator(draw: Callable[..., Tensor], generator: Callable[[], np.random.Generator]) -> Callable[..., Tensor]:
    def drawn(*args: Any, seed: Any = None, **kwargs: Any) -> Tensor:
        return draw(generator(), *args, **kwargs)

    return drawn


def _tensor(values: np.ndarray, dtype: str | None = None) -> Tensor:
    return ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())


def _sizes(shape: _Shape) -> tuple[int, ...]:
    return tuple(int(size) for size in shape)


def _known_sizes(shape: _Shape) -> tuple[int, ...] | None:
    """Return a shape's sizes; None where one is no number yet: it is missing, a tensor of a graph, or a symbol."""
    try:
        return _sizes(shape)
    except Exception:  # each backend raises its own
        return None


def _drawn(generator: np.random.Generator, shape: _Shape, make: _Make, dtype: str | None = None) -> Tensor:
    """Return a tensor of what `make` draws; in a graph of TensorFlow, it is drawn when the graph runs.

    Args:
        generator: The generator; each run of a graph draws from it what a call outside a graph draws.
        shape: Sizes, which a graph may not know before it runs.
        make: Draws an array of a shape.
        dtype: Of the tensor; None takes floatx.
    """
    sizes = _known_sizes(shape)
    if sizes is not None:
        return _tensor(make(generator, sizes), dtype)
    if keras.backend.backend() == "jax":  # it asks for shapes alone, with symbols for sizes
        import jax.numpy as jnp

        return jnp.zeros(shape, dtype or keras.config.floatx())
    import tensorflow as tf

    state = generator.bit_generator.state

    def draw(sizes: np.ndarray) -> np.ndarray:
        again = np.random.Generator(np.random.Philox())
        again.bit_generator.state = state
        return np.asarray(make(again, tuple(sizes)), np.float64)

    values = tf.numpy_function(draw, [tf.stack([tf.cast(size, "int64") for size in shape])], tf.float64)
    values.set_shape([size if isinstance(size, int) else None for size in shape])
    return tf.cast(values, dtype or keras.config.floatx())


def _normal(
    generator: np.random.Generator, shape: _Shape, mean: Any = 0.0, stddev: Any = 1.0, dtype: str | None = None
) -> Tensor:
    return _drawn(generator, shape, lambda g, sizes: g.standard_normal(sizes) * stddev + mean, dtype)


def _uniform(
    generator: np.random.Generator, shape: _Shape, minval: Any = 0.0, maxval: Any = 1.0, dtype: str | None = None
) -> Tensor:
    return _drawn(generator, shape, lambda g, sizes: g.random(sizes) * (maxval - minval) + minval, dtype)


def _truncated_normal(
    generator: np.random.Generator, shape: _Shape, mean: Any = 0.0, stddev: Any = 1.0, dtype: str | None = None
) -> Tensor:
    def make(g: np.random.Generator, sizes: tuple[int, ...]) -> np.ndarray:
        values = g.standard_normal(sizes)
        while (outside := np.abs(values) > 2).any():
            values[outside] = g.standard_normal(outside.sum())
        scaled: np.ndarray = values * stddev + mean
        return scaled

    return _drawn(generator, shape, make, dtype)


def _randint(generator: np.random.Generator, shape: _Shape, minval: Any, maxval: Any, dtype: str = "int32") -> Tensor:
    return _drawn(generator, shape, lambda g, sizes: g.integers(int(minval), int(maxval), sizes), dtype)


def _categorical(generator: np.random.Generator, logits: Tensor, num_samples: int, dtype: str = "int32") -> Tensor:
    # Gumbel's trick: the argument of the largest of the noisy logits.
    batch, classes = ops.shape(logits)
    noise = ops.cast(_drawn(generator, (batch, num_samples, classes), lambda g, s: g.gumbel(size=s)), logits.dtype)
    return ops.cast(ops.argmax(ops.expand_dims(logits, 1) + noise, axis=-1), dtype)


def _dropout(generator: np.random.Generator, inputs: Tensor, rate: float, noise_shape: _Shape | None = None) -> Tensor:
    own = ops.shape(inputs)
    shape = [size if wanted is None else wanted for size, wanted in zip(own, noise_shape or own, strict=True)]
    kept = _drawn(generator, shape, lambda g, sizes: (g.random(sizes) >= rate).astype(np.float64))
    return ops.where(kept > 0.5, inputs / (1 - rate), ops.zeros_like(inputs))


def _shuffle(generator: np.random.Generator, x: Tensor, axis: int = 0) -> Tensor:
    order = _drawn(generator, (ops.shape(x)[axis],), lambda g, sizes: g.permutation(sizes[0]), "int32")
    return ops.take(x, order, axis=axis)


def _gamma(generator: np.random.Generator, shape: _Shape, alpha: Tensor, dtype: str | None = None) -> Tensor:
    return _tensor(generator.gamma(ops.convert_to_numpy(alpha), size=_sizes(shape)), dtype)


def _binomial(
    generator: np.random.Generator, shape: _Shape, counts: Tensor, probabilities: Tensor, dtype: str | None = None
) -> Tensor:
    counts, probabilities = ops.convert_to_numpy(counts), ops.convert_to_numpy(probabilities)
    return _tensor(generator.binomial(counts.astype("int64"), probabilities, _sizes(shape)), dtype)


def _beta(
    generator: np.random.Generator, shape: _Shape, alpha: Tensor, beta: Tensor, dtype: str | None = None
) -> Tensor:
    return _tensor(generator.beta(ops.convert_to_numpy(alpha), ops.convert_to_numpy(beta), _sizes(shape)), dtype)


_DRAWS: dict[str, Callable[..., Tensor]] = {
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
