"""What whole-number results were before they were rounded: pixels of a resized picture, buckets, tokens of a float.

A value that lies on the boundary between two whole numbers, within the error that nobody can avoid, may become either.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Results, Value
from keras_parity.worker.backend_functions import around_functions
from keras_parity.worker.capture import Call, is_tensor
from keras_parity.worker.replay import to_value

_INTEGERS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@contextlib.contextmanager
def taken_in_float64(call: Call) -> Iterator[Call]:
    """Yield a call that takes whole numbers as float64 and, as far as it goes by them, gives float64 results.

    A layer that computes in whole numbers computes in float64 as long as this lasts.
    """
    layer, policy = call.operation, getattr(call.operation, "dtype_policy", None)
    if isinstance(layer, keras.Layer) and policy is not None and policy.compute_dtype in _INTEGERS:
        layer.dtype_policy = keras.DTypePolicy("float64")
    try:
        yield replace(call, dtypes=["float64" if dtype in _INTEGERS else dtype for dtype in call.dtypes])
    finally:
        if isinstance(layer, keras.Layer) and policy is not None:
            layer.dtype_policy = policy


@contextlib.contextmanager
def before_casts(rounded: Results) -> Iterator[Results]:
    """Yield what whole-number results were before a cast cut them off; it fills while the call is made anew, eagerly.

    Args:
        rounded: The call's results.
    """
    found: Results = {}

    def around(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given, cast = args[0] if args else kwargs["x"], function(*args, **kwargs)
        if is_tensor(given) and is_tensor(cast) and (before := to_value(given)).array.dtype.kind == "f":
            after = to_value(cast).array
            found.update({q: before for q, value in rounded.items() if is_rounded(q, rounded) and _same(after, value)})
        return cast

    with around_functions(around, "cast"):
        yield found


def _same(array: np.ndarray, value: Value) -> bool:
    return array.dtype.kind in "iu" and np.array_equal(array, value.array)


def bounds_of(unrounded: Results, rounded: Results, error: float) -> dict[Quantity, list[np.ndarray]]:
    """Return between which whole numbers each result may lie: the lowest and the highest, rounded, then cut off.

    Args:
        unrounded: A call's results in float64.
        rounded: The same call's results, of which the whole numbers are asked about.
        error: The part of themselves, or of one, that the unrounded values may be off by.
    """
    found = {}
    for quantity in rounded:
        exact = unrounded.get(quantity)
        if not is_rounded(quantity, rounded) or exact is None or exact.array.dtype.kind != "f":
            continue
        margin = error * np.maximum(np.abs(exact.array), 1.0)
        ends = exact.array - margin, exact.array + margin
        found[quantity] = [*map(np.rint, ends), *map(np.floor, ends)]
    return found


def range_of(exact: Results, nearby: list[Results]) -> dict[Quantity, list[np.ndarray]]:
    """Return the lowest and the highest whole numbers that a call gives at its inputs and next to them."""
    found = {}
    for quantity, value in exact.items():
        arrays = [values[quantity].array for values in (exact, *nearby) if quantity in values]
        if is_rounded(quantity, exact) and all(array.shape == value.array.shape for array in arrays):
            found[quantity] = [np.min(arrays, axis=0), np.max(arrays, axis=0)]
    return found


def is_rounded(quantity: Quantity, results: Mapping[Quantity, object]) -> bool:
    """Return whether a result is an output of whole numbers."""
    array = getattr(results[quantity], "array", None)
    return quantity.kind is Kind.OUTPUT and isinstance(array, np.ndarray) and array.dtype.kind in "iu"
