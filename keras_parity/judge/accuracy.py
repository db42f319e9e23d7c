"""How accurate results are in the dtype that a check asks about, in units of the error that nobody can avoid."""

import itertools
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from keras_parity.judge.difference import (
    Difference,
    Error,
    Everyone,
    comparable,
    describe_signature,
    distance,
    largest,
    minority,
    signature,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.rounding import SMALLEST, UNIT_ROUNDOFF

# A sound result lies within so many units of its unavoidable error; clean layers stay below 32, faults are thousands.
ACCURATE = 500.0
# Whole runs that lie within so many units of each other, as clean ones do, are not looked at further.
CLOSE = 32.0
# A sum of more terms may be off by more, in proportion: added one after the other in float32, 2,704 squares were off by
# 592 units on TensorFlow.
LONG_SUM = 1000.0


def compare_accuracy(
    results: Everyone,
    exact: Mapping[Quantity, np.ndarray],
    scales: Mapping[Quantity, float],
    dtype: str,
    allowed: float = ACCURATE,
    terms: int = 0,
) -> tuple[list[Difference], list[Error]]:
    """Compare results in the dtype that the check asks about with the float64 reference.

    Args:
        results: For each execution its results.
        exact: The reference.
        scales: For each quantity its move under perturbations of one unit of `dtype`.
        dtype: What the call computes in.
        allowed: Units that a sound result may be off.
        terms: How many numbers the results are computed from: a plain sum of n of them loses up to n roundings.

    Returns:
        The differences, and every error measured.
    """
    found, errors = [], []
    for quantity, holders in comparable(results):
        reference = exact.get(quantity)
        if reference is None or reference.dtype.kind != "f":
            continue
        arrays = {name: v.array for name, v in holders.items() if v.array.shape == reference.shape}
        finite = {name: signature(array) for name, array in arrays.items()}
        odd = minority(quantity, finite, Cause.NAN, lambda found: f"{describe_signature(found)} in {dtype}")
        lost = {difference.execution for difference in odd}
        found += odd
        if None in lost:
            continue
        units = {}
        limit = allowed * max(1.0, terms / max(reference.size, 1) / LONG_SUM)
        scale = unavoidable(scales.get(quantity, 0.0), [reference], dtype)
        for name, array in arrays.items():
            if name not in lost:
                size = distance(array, reference)
                units[name] = size / scale
                errors.append(Error(quantity, name, size, size / scale, limit))
        sound = [name for name, value in units.items() if value <= limit]
        several = len(sound) == 1 < len(units) - 1
        for name, value in units.items():
            if value > limit and sound:
                best = f"{sound[0]} is {'alone accurate, ' if several else ''}off by {units[sound[0]]:.2g}"
                text = f"off by {value:.3g} units of {dtype} rounding, where {best}"
                found.append(Difference(quantity, name, (name, sound[0]), Cause.PRECISION, value * scale, value, text))
        if not sound and len(units) > 1:
            apart = {pair: distance(arrays[pair[0]], arrays[pair[1]]) for pair in itertools.combinations(units, 2)}
            far = [pair for pair, size in apart.items() if size > limit * scale]
            if far:
                first, second = pair = max(far, key=lambda pair: apart[pair])
                size = apart[pair]
                text = f"no backend is accurate, and {first} and {second} differ by {size / scale:.3g} units"
                found.append(Difference(quantity, _alone(units, far), pair, Cause.PRECISION, size, size / scale, text))
    return found, errors


def compare_without_reference(
    results: Everyone, scales: Mapping[Quantity, float], dtype: str, allowed: float = ACCURATE
) -> list[Difference]:
    """Compare results with each other, where nobody has a float64 result.

    Args:
        results: For each execution its results in the dtype that the check asks about.
        scales: For each quantity its move under perturbations of one unit of `dtype`.
        dtype: What the call computes in.
        allowed: Units that two sound results may be apart.
    """
    found = []
    for quantity, holders in comparable(results):
        arrays = {name: value.array for name, value in holders.items()}
        odd = minority(quantity, {n: signature(a) for n, a in arrays.items()}, Cause.NAN, describe_signature)
        found += odd
        lost = {difference.execution for difference in odd}
        arrays = {} if None in lost else {name: array for name, array in arrays.items() if name not in lost}
        if len(arrays) < 2:
            continue
        scale = unavoidable(scales.get(quantity, 0.0), list(arrays.values()), dtype)
        apart = {pair: distance(arrays[pair[0]], arrays[pair[1]]) for pair in itertools.combinations(arrays, 2)}
        exact = all(array.dtype.kind != "f" for array in arrays.values())
        limit = 0.0 if exact else allowed * scale
        far = [pair for pair, size in apart.items() if size > limit]
        if not far:
            continue
        alone = _alone(arrays, far)
        pair = max(far, key=lambda pair: apart[pair])
        size = apart[pair]
        text = f"{size / scale:.3g} units of {dtype} rounding apart; there was no float64 reference to decide by"
        found.append(Difference(quantity, alone, pair, Cause.PRECISION, size, size / scale, text))
    return found


def are_close(arrays: Sequence[np.ndarray], move: float, dtype: str) -> bool:
    """Return whether results lie so close together that nothing but rounding can be between them.

    Args:
        arrays: Each execution's results in `dtype`; others than floats must be equal.
        move: How far such a result moves when inputs and weights are perturbed by one unit.
        dtype: What it was computed in.
    """
    first, *others = arrays
    if first.dtype.kind != "f":
        return all(np.array_equal(first, other) for other in others)
    if any(signature(other) != signature(first) for other in others):
        return False
    limit = CLOSE * unavoidable(move, arrays, dtype)
    return all(distance(one, other) <= limit for one, other in itertools.combinations(arrays, 2))


def _alone(names: Collection[str], far: Sequence[tuple[str, str]]) -> str | None:
    """Return who of three or more is in every pair that is too far apart; None where that is nobody, or two."""
    blamed = [name for name in names if all(name in pair for pair in far)]
    return blamed[0] if len(names) > 2 and len(blamed) == 1 else None


def unavoidable(move: float, arrays: Sequence[np.ndarray], dtype: str) -> float:
    """Return the error below which no implementation in `dtype` can be blamed, for the largest entry of a result.

    Args:
        move: How far the result moves when inputs and weights are perturbed by one unit.
        arrays: Exact results, for their size: half a unit of it is lost in writing it down.
        dtype: The dtype computed in.
    """
    return max(move, 0.5 * UNIT_ROUNDOFF[dtype] * largest(arrays), SMALLEST[dtype])
