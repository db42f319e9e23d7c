"""What the judge says of one quantity: a difference between executions, or how far one of them is off."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from keras_parity.protocol.cause import Cause, StepCause
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import Results, Value

Seen = TypeVar("Seen", bound=Hashable)
# The results of each execution, by its name.
Everyone = Mapping[str, Results]


@dataclass(frozen=True)
class Difference:
    """One quantity of one call on which an execution stands alone, or on which no two agree (`execution` None).

    Attributes:
        quantity: What differs.
        execution: The one that is alone.
        pair: The two that were compared.
        cause: The class of cause; None where neighbours must still tell meaning from rounding.
        max_abs_error: Largest absolute difference, NaN without one.
        units: That in rounding units, NaN without one.
        detail: The rest of the sentence.
        whole_numbers: Whether the results are no real numbers, and so were compared exactly.
        step_cause: What in Keras's own training step it comes from, where that was found.
    """

    quantity: Quantity
    execution: str | None
    pair: tuple[str, str] | None
    cause: Cause | None
    max_abs_error: float
    units: float
    detail: str
    whole_numbers: bool = False
    step_cause: StepCause | None = None

    @property
    def concerned(self) -> set[str]:
        """Whose results it is about: the execution that is alone, or else both of the pair."""
        return {self.execution} if self.execution is not None else set(self.pair or ())


@dataclass(frozen=True)
class Error:
    """The error of one quantity in one execution, in rounding units; `allowed` is how large a sound one may be."""

    quantity: Quantity
    execution: str
    max_abs_error: float
    units: float
    allowed: float = np.nan


def raised(quantity: Quantity, execution: str, text: str) -> Difference:
    """Return the difference that one execution raises an error where another does not."""
    return Difference(quantity, execution, None, Cause.ERROR, np.nan, np.nan, text)


def minority(
    quantity: Quantity, seen: Mapping[str, Seen], cause: Cause, describe: Callable[[Seen], str]
) -> list[Difference]:
    """Return a difference for each execution that shows what most do not; where there is no most, one for all.

    Args:
        quantity: What is compared.
        seen: What each execution shows.
        cause: The cause of such a difference.
        describe: Puts what is seen into words.
    """
    values = list(seen.values())
    distinct = list(dict.fromkeys(values))
    if len(distinct) < 2:
        return []
    counts = sorted((values.count(value) for value in distinct), reverse=True)
    if counts[0] == counts[1]:
        text = ", ".join(f"{name}: {describe(value)}" for name, value in seen.items())
        return [Difference(quantity, None, None, cause, np.nan, np.nan, text)]
    usual = max(distinct, key=values.count)
    partner = next(name for name, value in seen.items() if value == usual)
    return [
        Difference(
            quantity, name, (name, partner), cause, np.nan, np.nan, f"{describe(value)}; {partner}: {describe(usual)}"
        )
        for name, value in seen.items()
        if value != usual
    ]


def quantities_of(results: Everyone) -> list[Quantity]:
    """Return all quantities that anyone computed, in the order of the first one's."""
    return list(dict.fromkeys(quantity for values in results.values() for quantity in values))


def comparable(results: Everyone) -> Iterator[tuple[Quantity, dict[str, Value]]]:
    """Yield each quantity with its holders, where at least two hold it in the same shape."""
    for quantity in quantities_of(results):
        holders = {name: values[quantity] for name, values in results.items() if quantity in values}
        shapes = [value.array.shape for value in holders.values()]
        common = max(set(shapes), key=shapes.count)
        holders = {name: value for name, value in holders.items() if value.array.shape == common}
        if len(holders) > 1:
            yield quantity, holders


def count_compared(results: Everyone) -> int:
    """Return how many results were compared: of each quantity those that hold a finite entry, if there are two."""
    counts = [sum(has_finite(value.array) for value in holders.values()) for _, holders in comparable(results)]
    return sum(count for count in counts if count > 1)


def has_finite(array: np.ndarray) -> bool:
    """Return whether an array holds a finite number, or what is no number, or nothing at all."""
    return array.dtype.kind not in "fc" or not array.size or bool(np.isfinite(array).any())


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest absolute difference over the entries finite in both."""
    if first.size == 0:
        return 0.0
    with np.errstate(invalid="ignore", over="ignore"):  # infinities of one sign on both sides
        moves = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return float(np.max(moves, initial=0.0, where=np.isfinite(moves)))


def signature(array: np.ndarray) -> bytes:
    """Return where an array is NaN or infinite, and with which sign."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return b""
    kinds: np.ndarray = np.isnan(array) + 2 * np.isposinf(array) + 3 * np.isneginf(array)
    return bytes(kinds.astype(np.int8).tobytes())


def describe_signature(found: bytes) -> str:
    """Return what is not finite: `finite`, or `2 NaN, 1 infinite of 12`."""
    nans, infinite = found.count(1), found.count(2) + found.count(3)
    counts = [f"{count} {name}" for count, name in ((nans, "NaN"), (infinite, "infinite")) if count]
    return f"{', '.join(counts)} of {len(found)}" if counts else "finite"


def largest(arrays: Sequence[np.ndarray]) -> float:
    """Return the largest finite magnitude in float arrays; 1 where there is none."""
    sizes = [np.max(np.abs(a), initial=0.0, where=np.isfinite(a)) for a in arrays if a.dtype.kind == "f"]
    return float(max(sizes, default=1.0))
