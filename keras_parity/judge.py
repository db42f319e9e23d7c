"""Deciding: from what the backends computed for one call to which of them is wrong, and in what way.

`docs/how-it-decides.md` gives the reasons and the measurements behind each constant.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_parity.rounding import SMALLEST, UNIT_ROUNDOFF
from keras_parity.verdict import Cause

# A sound result lies within so many units of its unavoidable error; clean layers stay below 32, faults are thousands.
ACCURATE = 500.0
# Two float64 results that differ by less than this part of a unit of float32 mean the same.
SAME_MEANING = 1e-4
# A smooth difference below so many float32 units may be a constant written with float32's digits; above, it is meant.
SMALL = 8.0
# Share of a difference that stays when its inputs move a little: near 1 where the backends compute another function,
# near one over the number of neighbours where they round differently.
SMOOTH = 0.7


@dataclass(frozen=True)
class Difference:
    """One quantity of one call on which a backend stands alone, or on which no two agree (`backend` None).

    Attributes:
        quantity: What differs.
        backend: The one that is alone.
        pair: The two that were compared.
        cause: The class of cause; None where neighbours must still tell meaning from rounding.
        max_abs_error: Largest absolute difference, NaN without one.
        units: That in rounding units, NaN without one.
        detail: The rest of the sentence.
    """

    quantity: str
    backend: str | None
    pair: tuple[str, str] | None
    cause: Cause | None
    max_abs_error: float
    units: float
    detail: str


@dataclass(frozen=True)
class Error:
    """The error of one quantity on one backend, in rounding units."""

    quantity: str
    backend: str
    max_abs_error: float
    units: float


def compare_structure(results: dict[str, dict]) -> list[Difference]:
    """Return differences in what was computed at all, and in shapes and dtypes.

    Args:
        results: For each backend its values by quantity, in the dtype that the check asks about.
    """
    found = []
    for quantity in dict.fromkeys(itertools.chain.from_iterable(results.values())):
        holders = {backend: values[quantity] for backend, values in results.items() if quantity in values}
        kinds = {backend: backend in holders for backend in results}
        found += minority(quantity, kinds, Cause.STRUCTURE, lambda has: "computed" if has else "missing")
        shapes = {backend: tuple(value.array.shape) for backend, value in holders.items()}
        found += minority(f"shape of {quantity}", shapes, Cause.SHAPE, str)
        if not quantity.startswith("gradient"):
            dtypes = {backend: value.dtype for backend, value in holders.items()}
            found += minority(f"dtype of {quantity}", dtypes, Cause.DTYPE, str)
    return found


def compare_meaning(
    results: dict[str, dict], scales: dict[str, float], noise: dict[str, float] | None = None
) -> tuple[list[Difference], dict[str, str]]:
    """Compare float64 results.

    Args:
        results: For each backend its values by quantity.
        scales: For each quantity how far it moves under perturbations of one float32 rounding unit.
        noise: The same for one unit of float64, equal values moved apart: a gradient that is truly zero, as of what a
            constant's normalisation is multiplied by, is nothing but such roundings.

    Returns:
        The differences, and for each quantity on which at least two agree one of those backends: the reference.
    """
    found, references = [], {}
    for quantity, holders in _comparable(results):
        arrays = {backend: value.array for backend, value in holders.items()}
        finite = {backend: _signature(array) for backend, array in arrays.items()}
        odd = minority(quantity, finite, Cause.NAN, _describe_signature)
        if odd:
            found += odd
            lost = {difference.backend for difference in odd}
            arrays = {} if None in lost else {b: array for b, array in arrays.items() if b not in lost}
            if len(arrays) < 2:
                continue
        exact = all(array.dtype.kind != "f" for array in arrays.values())
        scale = unavoidable(scales.get(quantity, 0.0), list(arrays.values()), "float32")
        distance = {pair: _distance(arrays[pair[0]], arrays[pair[1]]) for pair in itertools.combinations(arrays, 2)}
        # Where no majority means the very same, one that is but a float32 constant apart will do.
        rounding = ACCURATE * (noise or {}).get(quantity, 0.0)
        for tolerance in (0.0,) if exact else (max(SAME_MEANING * scale, rounding), max(SMALL * scale, rounding)):
            groups = _groups(list(arrays), {pair: d <= tolerance for pair, d in distance.items()})
            majority = len(groups[0]) > 1 and (len(groups) == 1 or len(groups[1]) < len(groups[0]))
            if majority:
                break
        if majority:
            references[quantity] = groups[0][0]
            alone = [(backend, groups[0][0]) for group in groups[1:] for backend in group]
        else:
            # No majority: one difference, between the two that are furthest apart.
            alone = [(None, max(distance, key=distance.get))]
        for backend, other in alone:
            pair = other if backend is None else (backend, other)
            size = _distance(arrays[pair[0]], arrays[pair[1]])
            cause = Cause.SEMANTIC if exact else None
            found.append(Difference(quantity, backend, pair, cause, size, size / scale, "other whole numbers"))
    return found, references


def compare_accuracy(
    results: dict[str, dict],
    exact: dict[str, np.ndarray],
    scales: dict[str, float],
    dtype: str,
    allowed: float = ACCURATE,
) -> tuple[list[Difference], list[Error]]:
    """Compare results in the dtype that the check asks about with the float64 reference.

    Args:
        results: For each backend its values by quantity.
        exact: The reference, by quantity.
        scales: For each quantity its move under perturbations of one unit of `dtype`.
        dtype: What the call computes in.
        allowed: Units that a sound result may be off.

    Returns:
        The differences, and every error measured.
    """
    found, errors = [], []
    for quantity, holders in _comparable(results):
        reference = exact.get(quantity)
        if reference is None or reference.dtype.kind != "f":
            continue
        arrays = {b: v.array for b, v in holders.items() if v.array.shape == reference.shape}
        finite = {backend: _signature(array) for backend, array in arrays.items()}
        odd = minority(quantity, finite, Cause.NAN, lambda found: f"{_describe_signature(found)} in {dtype}")
        lost = {difference.backend for difference in odd}
        found += odd
        if None in lost:
            continue
        units = {}
        scale = unavoidable(scales.get(quantity, 0.0), [reference], dtype)
        for backend, array in arrays.items():
            if backend not in lost:
                size = _distance(array, reference)
                units[backend] = size / scale
                errors.append(Error(quantity, backend, size, size / scale))
        sound = [backend for backend, value in units.items() if value <= allowed]
        for backend, value in units.items():
            if value > allowed and sound:
                text = f"off by {value:.3g} units of {dtype} rounding, where {sound[0]} is off by {units[sound[0]]:.2g}"
                found.append(
                    Difference(quantity, backend, (backend, sound[0]), Cause.PRECISION, value * scale, value, text)
                )
        if not sound and len(units) > 1:
            first, second = max(itertools.combinations(units, 2), key=lambda pair: _distance(*map(arrays.get, pair)))
            size = _distance(arrays[first], arrays[second])
            if size > allowed * scale:
                text = f"no backend is accurate, and {first} and {second} differ by {size / scale:.3g} units"
                found.append(Difference(quantity, None, (first, second), Cause.PRECISION, size, size / scale, text))
    return found, errors


def unavoidable(move: float, arrays: Sequence[np.ndarray], dtype: str) -> float:
    """Return the error below which no implementation in `dtype` can be blamed, for the largest entry of a result.

    Args:
        move: How far the result moves when inputs and weights are perturbed by one unit.
        arrays: Exact results, for their size: half a unit of it is lost in writing it down.
        dtype: The dtype computed in.
    """
    sizes = [
        np.max(np.abs(array), initial=0.0, where=np.isfinite(array)) for array in arrays if array.dtype.kind == "f"
    ]
    largest = float(max(sizes, default=1.0))
    return max(move, 0.5 * UNIT_ROUNDOFF[dtype] * largest, SMALLEST[dtype])


def smoothness(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> float:
    """Return which share of two backends' difference stays when their inputs move a little, from 0 to 1.

    Args:
        first: One backend's results at neighbouring inputs.
        second: The other's, at the same ones.
    """
    with np.errstate(invalid="ignore"):  # infinities
        differences = [
            np.nan_to_num(one - other, posinf=0, neginf=0).ravel() for one, other in zip(first, second, strict=True)
        ]
    largest = max((np.max(np.abs(difference), initial=0.0) for difference in differences), default=0.0)
    if largest == 0:
        return 0.0
    differences = [difference / largest for difference in differences]  # squares of tiny numbers would underflow
    steady = np.mean(differences, axis=0)
    return float(steady @ steady / np.mean([difference @ difference for difference in differences]))


def presence(reference: np.ndarray, checked: np.ndarray) -> float:
    """Return which share of a float64 difference is there in the dtype that the check is about, too.

    The coefficient of the one in the other: rounding, of either sign, averages out; a difference of meaning gives 1.

    Args:
        reference: One backend's float64 result less another's.
        checked: The same difference in the dtype asked about.
    """
    reference, checked = (np.nan_to_num(array, posinf=0, neginf=0).ravel() for array in (reference, checked))
    largest = np.max(np.abs(reference), initial=0.0)
    if largest == 0:
        return 0.0
    reference, checked = reference / largest, checked / largest  # squares of tiny numbers would underflow
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
    return units > least and present > 0.5 if dtype in ("float32", "float64") else units > ACCURATE


def differs(first, second) -> bool:
    """Return whether two results, either may be missing, differ as whole numbers or in where they are finite."""
    if first is None or second is None or first.array.shape != second.array.shape:
        return True
    if first.array.dtype.kind == "f":
        return _signature(first.array) != _signature(second.array)
    return not np.array_equal(first.array, second.array)


def raised(quantity: str, backend: str, text: str) -> Difference:
    """Return the difference that one backend raises an error where another does not."""
    return Difference(quantity, backend, None, Cause.ERROR, np.nan, np.nan, text)


def compare_reloaded(answer: dict | str, reader: str, writer: str) -> list[Difference]:
    """Return what a model read from a backend's file holds or computes otherwise than the reader's own.

    Args:
        answer: By `own NAME` and `loaded NAME`, which must be the same bit by bit; or what loading raised.
        reader: The backend that loaded the file.
        writer: The backend that saved it.
    """
    if isinstance(answer, str):
        return [raised("loading", reader, f"{writer}'s file: {answer}")]
    found = []
    for name in [label.removeprefix("own ") for label in answer if label.startswith("own ")]:
        own, loaded = answer[f"own {name}"], answer.get(f"loaded {name}")
        if loaded is None or loaded.array.shape != own.array.shape or loaded.dtype != own.dtype:
            text = f"{reader} does not find it in {writer}'s file as it was"
            found.append(Difference(name, reader, (reader, writer), Cause.STRUCTURE, np.nan, np.nan, text))
        elif not np.array_equal(own.array, loaded.array, equal_nan=own.array.dtype.kind == "f"):
            size = _distance(own.array, loaded.array)
            text = f"{reader} reads other values from {writer}'s file"
            found.append(Difference(name, reader, (reader, writer), Cause.SEMANTIC, size, np.nan, text))
    return found


def _comparable(results: dict[str, dict]):
    """Yield each quantity with its holders, where at least two hold it in the same shape."""
    for quantity in dict.fromkeys(itertools.chain.from_iterable(results.values())):
        holders = {backend: values[quantity] for backend, values in results.items() if quantity in values}
        shapes = [value.array.shape for value in holders.values()]
        common = max(set(shapes), key=shapes.count)
        holders = {backend: value for backend, value in holders.items() if value.array.shape == common}
        if len(holders) > 1:
            yield quantity, holders


def minority(quantity: str, kinds: dict[str, object], cause: Cause, describe) -> list[Difference]:
    """Return a difference for each backend whose kind is not the most frequent one; with no such one, one for all."""
    values = list(kinds.values())
    distinct = list(dict.fromkeys(values))
    if len(distinct) < 2:
        return []
    counts = sorted((values.count(value) for value in distinct), reverse=True)
    if counts[0] == counts[1]:
        text = ", ".join(f"{backend}: {describe(kind)}" for backend, kind in kinds.items())
        return [Difference(quantity, None, None, cause, np.nan, np.nan, text)]
    usual = max(distinct, key=values.count)
    partner = next(backend for backend, kind in kinds.items() if kind == usual)
    return [
        Difference(
            quantity,
            backend,
            (backend, partner),
            cause,
            np.nan,
            np.nan,
            f"{describe(kind)}; {partner}: {describe(usual)}",
        )
        for backend, kind in kinds.items()
        if kind != usual
    ]


def _groups(backends: list[str], same: dict[tuple[str, str], bool]) -> list[list[str]]:
    """Return the connected groups of backends that are the same, largest first."""
    groups: list[list[str]] = []
    for backend in backends:
        joined = [g for g in groups if any(same.get((other, backend), same.get((backend, other))) for other in g)]
        groups = [g for g in groups if g not in joined] + [[*itertools.chain.from_iterable(joined), backend]]
    return sorted(groups, key=len, reverse=True)


def _signature(array: np.ndarray) -> bytes:
    """Return where an array is NaN or infinite, and with which sign."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return b""
    return (np.isnan(array) + 2 * np.isposinf(array) + 3 * np.isneginf(array)).astype(np.int8).tobytes()


def _describe_signature(signature: bytes) -> str:
    """Return what is not finite: `finite`, or `2 NaN, 1 infinite of 12`."""
    nans, infinite = signature.count(1), signature.count(2) + signature.count(3)
    counts = [f"{count} {name}" for count, name in ((nans, "NaN"), (infinite, "infinite")) if count]
    return f"{', '.join(counts)} of {len(signature)}" if counts else "finite"


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the largest absolute difference over the entries finite in both."""
    if first.size == 0:
        return 0.0
    with np.errstate(invalid="ignore", over="ignore"):  # infinities of one sign on both sides
        moves = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return float(np.max(moves, initial=0.0, where=np.isfinite(moves)))
