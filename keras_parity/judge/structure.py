"""What was computed at all, and in which shapes and dtypes."""

from dataclasses import replace

from keras_parity.judge.difference import Difference, Everyone, minority, quantities_of
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind, Quantity

# What a model keeps; the width of a counter among it depends on the backend.
_KEPT = (Kind.STATE, Kind.SLOT, Kind.AFTER_TRAINING, Kind.AFTER_UPDATES, Kind.WEIGHT)


def compare_structure(results: Everyone) -> list[Difference]:
    """Return differences in what was computed at all, and in shapes and dtypes.

    Args:
        results: For each execution its results in the dtype that the check asks about.
    """
    found = []
    for quantity in quantities_of(results):
        holders = {name: values[quantity] for name, values in results.items() if quantity in values}
        has = {name: name in holders for name in results}
        found += minority(quantity, has, Cause.STRUCTURE, lambda has: "computed" if has else "missing")
        shapes = {name: tuple(value.array.shape) for name, value in holders.items()}
        found += minority(replace(quantity, aspect=Aspect.SHAPE), shapes, Cause.SHAPE, str)
        if quantity.kind is not Kind.GRADIENT:
            dtypes = {name: _dtype_of(quantity, value.dtype) for name, value in holders.items()}
            found += minority(replace(quantity, aspect=Aspect.DTYPE), dtypes, Cause.DTYPE, str)
    return found


def _dtype_of(quantity: Quantity, dtype: str) -> str:
    """Return a dtype as it is compared: of a counter that a model keeps the width is left out."""
    return "whole numbers" if quantity.kind in _KEPT and dtype.lstrip("u").startswith("int") else dtype
