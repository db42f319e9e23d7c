"""The smaller calls that a call may be replaced by.

NumPy alone: what shrinks a call needs no framework, only a way to ask whether the difference is still there.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from keras_parity.protocol.reducing import Reproducer, Slot, is_object

# What is no size: a smaller number there means something else.
_NO_SIZES = ("axis", "axes", "axis1", "axis2", "dims", "seed", "data_format", "interpolation_order")
# As many numbers as a reader takes in; more are drawn from a generator.
FEW = 16
# No call needs more trials; each takes a fraction of a second on each backend.
MOST_TRIALS = 200


def shrink(start: Reproducer, shows: Callable[[Reproducer], Reproducer | None], ordinary: bool) -> Reproducer:
    """Return the smallest call found that still shows the difference.

    Args:
        start: One that shows it.
        shows: Tries a call; returns it, with its weights filled in, if it shows the difference, else None.
        ordinary: Whether the difference was seen on ordinary data: then values with ties and zeros, which have
            differences of their own, are no simpler form of it.
    """
    tried = {start.digest}

    def first_that_shows(candidates: Iterator[Reproducer], most: float = math.inf) -> Reproducer | None:
        for candidate in candidates:
            if candidate.digest in tried or len(tried) >= MOST_TRIALS:
                continue
            tried.add(candidate.digest)
            found = shows(candidate)
            if found is not None and found.size <= most:  # an argument's default may be larger than what was given
                return found
        return None

    current, before = start, None
    while current is not before:
        before = current
        for smaller in (_shorter_models, _smaller_tensors, _fewer_tokens, _smaller_numbers, _shorter_configs):
            while (found := first_that_shows(smaller(current), current.size)) is not None:
                current = found
    for simpler in (_simpler_tensors, _simpler_weights):
        while (found := first_that_shows(simpler(current, ordinary))) is not None:
            current = found
    return current


def _shorter_models(case: Reproducer) -> Iterator[Reproducer]:
    """End a functional model at one of its layers, the first ones first."""
    layers = case.config.get("layers", ()) if case.is_model else ()
    for end in range(1, len(layers)):
        config = case.config | {"layers": layers[:end]}
        if case.kind == "keras.Model":
            config["output_layers"] = [layers[end - 1]["name"], 0, 0]
        yield replace(case, config=config, weights=None)


def _smaller_tensors(case: Reproducer) -> Iterator[Reproducer]:
    """Cut an axis: in all tensors that are as long along it, or in all that are as long along any axis."""
    sizes = {(axis, size) for t in case.tensors for axis, size in enumerate(t.shape) if size > 1}
    # The batch first, then what is longest.
    for axis, size in sorted(sizes, key=lambda pair: (pair[0] > 0, -pair[1], pair[0])):
        for new in _fewer(size):
            for axes in ((axis,), tuple(range(max(t.ndim for t in case.tensors)))):
                for end in (False, True):
                    tensors = tuple(_cut(tensor, axes, size, new, end) for tensor in case.tensors)
                    yield replace(case, tensors=tensors, weights=None)


def _shorter_configs(case: Reproducer) -> Iterator[Reproducer]:
    """Leave one argument to its default."""
    for config in _without_one({} if case.is_model else case.config):
        yield replace(case, config=config, weights=None)
    for name, value in case.kwargs.items():
        if isinstance(value, Slot):
            continue
        yield replace(case, kwargs={key: other for key, other in case.kwargs.items() if key != name})


def _fewer_tokens(case: Reproducer) -> Iterator[Reproducer]:
    """Number an Embedding's tokens from 0 without gaps, and leave the others out of its vocabulary."""
    if (
        type(case.config.get("input_dim")) is not int
        or len(case.tensors) != 1
        or case.tensors[0].dtype.kind not in "iu"
    ):
        return
    (tokens,) = case.tensors
    known, numbers = np.unique(tokens, return_inverse=True)
    config = case.config | {"input_dim": len(known)}
    yield replace(case, config=config, tensors=(numbers.reshape(tokens.shape).astype(tokens.dtype),), weights=None)


def _smaller_numbers(case: Reproducer) -> Iterator[Reproducer]:
    """Lower one whole number among the arguments; the size of a vocabulary must stay above its tokens."""
    kept = _NO_SIZES + (("input_dim",) if any(t.dtype.kind in "iu" for t in case.tensors) else ())
    for config in _with_smaller_number({} if case.is_model else case.config, kept):
        yield replace(case, config=config, weights=None)
    for kwargs in _with_smaller_number(case.kwargs, kept):
        yield replace(case, kwargs=kwargs)


def _simpler_tensors(case: Reproducer, ordinary: bool) -> Iterator[Reproducer]:
    for i, tensor in enumerate(case.tensors):
        for values in _simpler_values(tensor, ordinary):
            yield replace(case, tensors=(*case.tensors[:i], values, *case.tensors[i + 1 :]))


def _simpler_weights(case: Reproducer, ordinary: bool) -> Iterator[Reproducer]:
    weights = case.weights or ()
    for i, weight in enumerate(weights):
        for values in _simpler_values(weight, ordinary):
            yield replace(case, weights=(*weights[:i], values, *weights[i + 1 :]))


def _simpler_values(array: np.ndarray, ordinary: bool) -> Iterator[np.ndarray]:
    """Yield the forms that are simpler than an array's own, simplest first."""
    if array.dtype.kind != "f":
        return
    for form in simple_forms(array.shape, ordinary):
        if np.array_equal(form, array):
            return
        yield form
    if array.size <= FEW:
        for digits in (1, 2) if ordinary else (0, 1, 2):
            rounded = np.round(array, digits) + 0.0
            if np.array_equal(rounded, array, equal_nan=True):
                return
            yield rounded


def simple_forms(shape: tuple[int, ...], ordinary: bool) -> list[np.ndarray]:
    """Return the arrays of a shape that take few words to write down, simplest first."""
    few = math.prod(shape) <= FEW
    counted = [np.arange(1.0, math.prod(shape) + 1).reshape(shape)] if few else []
    drawn = [] if few else [drawn_values(shape)]
    plain = [np.zeros(shape), np.ones(shape)]
    return counted + drawn if ordinary else plain + counted + drawn


def drawn_values(shape: tuple[int, ...]) -> np.ndarray:
    """Return what the script draws where it would have to list many numbers."""
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32).astype(np.float64)


def _fewer(size: int) -> list[int]:
    return sorted({new for new in (1, 2, 3, size // 2, size - 1) if 1 <= new < size})


def _cut(tensor: np.ndarray, axes: tuple[int, ...], size: int, new: int, end: bool) -> np.ndarray:
    for axis in axes:
        if axis < tensor.ndim and tensor.shape[axis] == size:
            index = [slice(None)] * tensor.ndim
            index[axis] = slice(size - new, None) if end else slice(new)
            tensor = tensor[tuple(index)]
    return np.ascontiguousarray(tensor)


def _without_one(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of a configuration without one of its entries, or of those of an object within."""
    for name, value in config.items():
        yield {key: other for key, other in config.items() if key != name}
        if is_object(value):
            for inner in _without_one(value["config"]):
                yield config | {name: value | {"config": inner}}


def _with_smaller_number(value: Any, kept: tuple[str, ...]) -> Iterator[Any]:
    """Yield copies of a nested value in which one whole number above 1 is smaller."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in kept:
                for smaller in _with_smaller_number(inner, kept):
                    yield value | {key: smaller}
    elif isinstance(value, list | tuple):
        numbers = [v for v in value if type(v) is int]
        if len(numbers) == len(value) > 1:  # all at once, as of a kernel's sizes
            for new in (1, 2):
                yield type(value)(min(v, new) for v in value)
        for i, inner in enumerate(value):
            for smaller in _with_smaller_number(inner, kept):
                yield type(value)([*value[:i], smaller, *value[i + 1 :]])
    elif type(value) is int and value > 1:
        yield from _fewer(value)
