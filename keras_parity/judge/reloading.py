"""Whether a model that one execution has saved is the same when another one has loaded it."""

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, unavoidable
from keras_parity.judge.difference import Difference, distance, raised, signature
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Reloaded, Value


def compare_reloaded(answer: Reloaded | Raised, reader: str, writer: str) -> list[Difference]:
    """Return what a model read from a file holds or computes otherwise than the reader's own, bit by bit.

    Args:
        answer: Both models' weights and outputs; or what loading raised.
        reader: The execution that loaded the file.
        writer: The one that saved it.
    """
    if isinstance(answer, Raised):
        return [raised(Quantity(Kind.LOADING), reader, f"{writer}'s file: {answer.text}")]
    found = []
    for quantity, own in answer.own.items():
        loaded = answer.loaded.get(quantity)
        if loaded is None or loaded.array.shape != own.array.shape or loaded.dtype != own.dtype:
            text = f"{reader} does not find it in {writer}'s file as it was"
            found.append(Difference(quantity, reader, (reader, writer), Cause.STRUCTURE, np.nan, np.nan, text))
        elif not np.array_equal(own.array, loaded.array, equal_nan=own.array.dtype.kind == "f"):
            size = distance(own.array, loaded.array)
            text = f"{reader} reads other values from {writer}'s file"
            found.append(Difference(quantity, reader, (reader, writer), Cause.SEMANTIC, size, np.nan, text))
    return found


def is_accurate(value: Value, other: Value) -> bool:
    """Return whether two executions' results are the same but for rounding in their dtype."""
    if value.array.shape != other.array.shape or value.dtype != other.dtype or value.array.dtype.kind != "f":
        return False
    if signature(value.array) != signature(other.array):
        return False
    return distance(value.array, other.array) <= ACCURATE * unavoidable(0.0, [other.array], value.dtype)
