"""Whether executions compute the same function, decided from their float64 results."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, unavoidable
from keras_parity.judge.difference import (
    Difference,
    Everyone,
    comparable,
    describe_signature,
    distance,
    minority,
    signature,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import Value

# Two float64 results that differ by less than this part of a unit of float32 mean the same.
SAME_MEANING = 1e-4
# A smooth difference below so many float32 units may be a constant written with float32's digits; above, it is meant.
SMALL = 8.0
_OTHER_NUMBERS = "other whole numbers"
# Share of a difference that stays when its inputs move a little: near 1 where executions compute different functions,
# near one over the number of neighbours where they round differently.
SMOOTH = 0.7
# The share of a float64 difference that must be there in float32, too.
PRESENT = 0.5


def compare_meaning(
    results: Everyone, scales: Mapping[Quantity, float], noise: Mapping[Quantity, float] | None = None
) -> tuple[list[Difference], dict[Quantity, str]]:
    """Compare float64 results.

    Args:
        results: For each execution its results.
        scales: For each quantity how far it moves under perturbations of one float32 rounding unit.
        noise: The same for one unit of float64, equal values moved apart: a gradient that is truly zero, as of what a
            constant's normalisation is multiplied by, is nothing but such roundings.

    Returns:
        The differences, and for each quantity on which at least two agree one of those executions: the reference.
    """
    found, references = [], {}
    for quantity, holders in comparable(results):
        arrays = {name: value.array for name, value in holders.items()}
        finite = {name: signature(array) for name, array in arrays.items()}
        odd = minority(quantity, finite, Cause.NAN, describe_signature)
        if odd:
            found += odd
            lost = {difference.execution for difference in odd}
            arrays = {} if None in lost else {name: array for name, array in arrays.items() if name not in lost}
            if len(arrays) < 2:
                continue
        exact = all(array.dtype.kind != "f" for array in arrays.values())
        scale = unavoidable(scales.get(quantity, 0.0), list(arrays.values()), "float32")
        apart = {pair: distance(arrays[pair[0]], arrays[pair[1]]) for pair in itertools.combinations(arrays, 2)}
        # Where no majority means the very same, one that is but a float32 constant apart will do.
        rounding = ACCURATE * (noise or {}).get(quantity, 0.0)
        for tolerance in (0.0,) if exact else (max(SAME_MEANING * scale, rounding), max(SMALL * scale, rounding)):
            groups = _groups(list(arrays), {pair: size <= tolerance for pair, size in apart.items()})
            majority = len(groups[0]) > 1 and (len(groups) == 1 or len(groups[1]) < len(groups[0]))
            if majority:
                break
        alone: list[tuple[str | None, tuple[str, str]]]
        if majority:
            references[quantity] = groups[0][0]
            alone = [(name, (name, groups[0][0])) for group in groups[1:] for name in group]
        else:
            # No majority: one difference, between the two that are furthest apart.
            alone = [(None, max(apart, key=lambda pair: apart[pair]))]
        for name, pair in alone:
            size = distance(arrays[pair[0]], arrays[pair[1]])
            cause = Cause.SEMANTIC if exact else None
            detail = _OTHER_NUMBERS if exact else ""
            found.append(Difference(quantity, name, pair, cause, size, size / scale, detail, whole_numbers=exact))
    return found, references


def smoothness(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
    """Return which share of two executions' difference stays when their inputs move a little, from 0 to 1.

    Args:
        first: One execution's results at neighbouring inputs.
        second: The other's, at the same ones.
    """
    with np.errstate(invalid="ignore"):  # infinities
        differences = [
            np.nan_to_num(one - other, posinf=0, neginf=0).ravel() for one, other in zip(first, second, strict=True)
        ]
    size = max((np.max(np.abs(difference), initial=0.0) for difference in differences), default=0.0)
    if size == 0:
        return 0.0
    differences = [difference / size for difference in differences]  # squares of tiny numbers would underflow
    steady = np.mean(differences, axis=0)
    return float(steady @ steady / np.mean([difference @ difference for difference in differences]))


def presence(reference: np.ndarray, checked: np.ndarray) -> float:
    """Return which share of a float64 difference is there in the dtype that the check is about, too.

    The coefficient of the one in the other: rounding, of either sign, averages out; a difference of meaning gives 1.

    Args:
        reference: One execution's float64 result less another's.
        checked: The same difference in the dtype asked about.
    """
    reference, checked = (np.nan_to_num(array, posinf=0, neginf=0).ravel() for array in (reference, checked))
    size = np.max(np.abs(reference), initial=0.0)
    if size == 0:
        return 0.0
    reference, checked = reference / size, checked / size  # squares of tiny numbers would underflow
    return float(checked @ reference / (reference @ reference))


def is_meant(units: float, share: float, present: float, dtype: str, least: float = SMALL) -> bool:
    """Return whether a float64 difference is one of meaning, and not of the float64 runs' rounding alone.

    Args:
        units: Its size in float32 rounding units.
        share: Its smoothness.
        present: Its presence in `dtype`.
        dtype: What the check is about.
        least: The size from which it counts.
    """
    if share <= SMOOTH:
        return False
    # Below float32's precision a small difference cannot be seen among the rounding errors.
    return units > least and present > PRESENT if dtype in ("float32", "float64") else units > ACCURATE


def differs(first: Value | None, second: Value | None) -> bool:
    """Return whether two results, either may be missing, differ as whole numbers or in where they are finite."""
    if first is None or second is None or first.array.shape != second.array.shape:
        return True
    if first.array.dtype.kind == "f":
        return signature(first.array) != signature(second.array)
    return not np.array_equal(first.array, second.array)


def _groups(names: list[str], same: Mapping[tuple[str, str], bool]) -> list[list[str]]:
    """Return the connected groups of executions that are the same, largest first."""
    groups: list[list[str]] = []
    for name in names:
        joined = [g for g in groups if any(same.get((other, name), same.get((name, other))) for other in g)]
        groups = [g for g in groups if g not in joined] + [[*itertools.chain.from_iterable(joined), name]]
    return sorted(groups, key=len, reverse=True)
