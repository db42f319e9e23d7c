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

# Draws an array of a shape, from the values of parameters.
_Make = Callable[..., np.ndarray]
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


def _drawn(
    generator: np.random.Generator,
    shape: _Shape,
    make: _Make,
    dtype: str | None = None,
    parameters: Sequence[Any] = (),
) -> Tensor:
    """Return a tensor of what `make` draws; in a graph that does not know it all yet, it is drawn when the graph runs.

    Args:
        generator: The generator; each run of a graph draws from it what a call outside a graph draws.
        shape: Sizes, which a graph may not know before it runs.
        make: Draws an array of a shape, from the values of the parameters.
        dtype: Of the tensor; None takes floatx.
        parameters: Numbers or tensors; no gradient goes through them.
    """
    sizes, values = _known_sizes(shape), _known_values(parameters)
    if sizes is not None and values is not None:
        return _tensor(make(generator, sizes, *values), dtype)
    state = generator.bit_generator.state

    def draw(sizes: Sequence[Any], *values: Any) -> np.ndarray:
        again = np.random.Generator(np.random.Philox())
        again.bit_generator.state = state
        found = make(again, tuple(int(size) for size in sizes), *map(np.asarray, values))
        return np.asarray(found, np.float64)

    wanted = dtype or keras.config.floatx()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        sizes_then = tf.stack([tf.cast(size, "int64") for size in shape])
        drawn = tf.numpy_function(draw, [sizes_then, *map(tf.convert_to_tensor, parameters)], tf.float64)
        drawn.set_shape([size if isinstance(size, int) else None for size in shape])
        return tf.cast(drawn, wanted)
    if keras.backend.backend() == "jax" and sizes is not None:
        import jax

        result = jax.ShapeDtypeStruct(sizes, wanted)
        fixed = jax.lax.stop_gradient(tuple(parameters))
        return jax.pure_callback(lambda *values: draw(sizes, *values).astype(wanted), result, *fixed)
    return ops.zeros(shape, wanted)  # shapes alone are asked for, with symbols for sizes or values


def _known_values(parameters: Sequence[Any]) -> list[np.ndarray] | None:
    """Return the parameters' values; None where one is none yet: a tensor of a graph, or one without values."""
    try:
        return [np.asarray(ops.convert_to_numpy(parameter)) for parameter in parameters]
    except Exception:  # each backend raises its own
        return None


def _scaled(
    generator: np.random.Generator, shape: _Shape, make: _Make, scale: Any, shift: Any, dtype: str | None
) -> Tensor:
    """Return what `make` draws, scaled and shifted: by tensors as the model computes, so that gradients go through."""
    if not (ops.is_tensor(scale) or ops.is_tensor(shift)):
        return _drawn(generator, shape, lambda g, sizes: make(g, sizes) * scale + shift, dtype)
    return ops.cast(_drawn(generator, shape, make, dtype) * scale + shift, dtype or keras.config.floatx())


def _normal(
    generator: np.random.Generator, shape: _Shape, mean: Any = 0.0, stddev: Any = 1.0, dtype: str | None = None
) -> Tensor:
    return _scaled(generator, shape, lambda g, sizes: g.standard_normal(sizes), stddev, mean, dtype)


def _uniform(
    generator: np.random.Generator, shape: _Shape, minval: Any = 0.0, maxval: Any = 1.0, dtype: str | None = None
) -> Tensor:
    return _scaled(generator, shape, lambda g, sizes: g.random(sizes), maxval - minval, minval, dtype)


def _truncated_normal(
    generator: np.random.Generator, shape: _Shape, mean: Any = 0.0, stddev: Any = 1.0, dtype: str | None = None
) -> Tensor:
    def make(g: np.random.Generator, sizes: tuple[int, ...]) -> np.ndarray:
        values = g.standard_normal(sizes)
        while (outside := np.abs(values) > 2).any():
            values[outside] = g.standard_normal(outside.sum())
        return values

    return _scaled(generator, shape, make, stddev, mean, dtype)


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


def _gamma(generator: np.random.Generator, shape: _Shape, alpha: Any, dtype: str | None = None) -> Tensor:
    return _drawn(generator, shape, lambda g, sizes, alpha: g.gamma(alpha, size=sizes), dtype, [alpha])


def _binomial(
    generator: np.random.Generator, shape: _Shape, counts: Any, probabilities: Any, dtype: str | None = None
) -> Tensor:
    def make(g: np.random.Generator, sizes: tuple[int, ...], counts: np.ndarray, probable: np.ndarray) -> np.ndarray:
        return np.asarray(g.binomial(counts.astype("int64"), probable, sizes))

    return _drawn(generator, shape, make, dtype, [counts, probabilities])


def _beta(generator: np.random.Generator, shape: _Shape, alpha: Any, beta: Any, dtype: str | None = None) -> Tensor:
    return _drawn(generator, shape, lambda g, sizes, alpha, beta: g.beta(alpha, beta, sizes), dtype, [alpha, beta])


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
