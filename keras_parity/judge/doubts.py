"""Which float64 differences are differences of meaning, and which ones come from how the float64 runs compute."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, unavoidable
from keras_parity.judge.difference import Difference, Everyone, distance, largest
from keras_parity.judge.meaning import SMALL, differs, is_meant, presence, smoothness
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.rounding import UNIT_ROUNDOFF

# Neighbouring inputs that tell a difference of meaning from one of rounding.
NEIGHBOURS = 6

# Of a difference that is the same number in both precisions, the part that rounding may take or add.
_SAME_NUMBER = 1e-3

Pair = tuple[str, str]
# What both executions of a pair compute of each quantity at neighbouring inputs.
Nearby = Mapping[Quantity, tuple[list[np.ndarray], list[np.ndarray]]]
AskNeighbours = Callable[[Pair, list[Quantity]], Nearby]


@dataclass
class Sorted:
    """Differences, sorted.

    Attributes:
        meant: Those of meaning.
        detours: By who differs, the quantities that differ in float64 alone.
    """

    meant: list[Difference] = field(default_factory=list)
    detours: list[tuple[str, Quantity]] = field(default_factory=list)


def sort_differences(
    differences: Iterable[Difference],
    reference: Everyone,
    checked: Everyone,
    dtype: str,
    neighbours: AskNeighbours | None = None,
    *,
    kinks: bool = False,
) -> Sorted:
    """Sort float64 differences.

    Args:
        differences: From `compare_meaning`.
        reference: Each execution's float64 results.
        checked: Those in the dtype asked about.
        dtype: That dtype.
        neighbours: Asks for results at neighbouring inputs; None takes every difference for smooth, and only large
            ones: training steps amplify what their parts, judged before, let pass.
        kinks: Whether a difference that is the same number in both precisions is meant, though it vanishes next to the
            point, as where a derivative is chosen otherwise at a kink. Of a call with others within, a rounding may
            decide on which side of a kink of theirs it lies.
    """
    least = SMALL if neighbours else ACCURATE
    differences = list(differences)
    present = {d: _presence(d, reference, checked) for d in differences if d.cause is None}
    doubtful: dict[Pair, list[Quantity]] = {}
    for difference in present if neighbours else ():
        if is_meant(difference.units, 1.0, present[difference], dtype, least) and difference.pair:
            doubtful.setdefault(difference.pair, []).append(difference.quantity)
    near = {pair: neighbours(pair, quantities) for pair, quantities in doubtful.items()} if neighbours else {}
    found = Sorted()
    for difference in differences:
        pair, quantity = difference.pair, difference.quantity
        if difference.cause is not None:
            meant = pair is None or differs(*(checked[name].get(quantity) for name in pair))
        else:
            first, second = near.get(pair, {}).get(quantity, ((), ())) if pair else ((), ())
            # Where a neighbour raises nothing can be averaged: take the difference as it stands.
            share = smoothness(first, second) if len(first) == len(second) == NEIGHBOURS else 1.0
            meant = is_meant(difference.units, share, present[difference], dtype, least)
            meant = meant or (kinks and _is_choice(difference, reference, checked, dtype))
            detail = f"{difference.units:.3g} float32 rounding units apart in float64"
            small = dtype == "float64" and difference.units < ACCURATE
            difference = replace(difference, cause=Cause.PRECISION if small else Cause.SEMANTIC, detail=detail)
        if meant:
            found.meant.append(difference)
        else:
            found.detours.append((difference.execution or " and ".join(pair or ()), quantity))
    return found


def _is_choice(difference: Difference, reference: Everyone, checked: Everyone, dtype: str) -> bool:
    """Return whether a float64 difference is there in the dtype asked about as the very same numbers, beyond rounding.

    How far the results move next to the point tells nothing: at a kink that is not at zero they jump.
    """
    assert difference.pair is not None
    first, second = difference.pair
    quantity = difference.quantity
    if quantity not in checked[first] or quantity not in checked[second]:
        return False
    with np.errstate(invalid="ignore"):  # infinities
        exact = reference[first][quantity].array - reference[second][quantity].array
        rounded = checked[first][quantity].array - checked[second][quantity].array
    if exact.shape != rounded.shape:
        return False
    rounding = unavoidable(0.0, [reference[first][quantity].array, reference[second][quantity].array], "float32")
    if not difference.max_abs_error > ACCURATE * rounding:
        return False
    tolerance = max(_SAME_NUMBER, 8 * UNIT_ROUNDOFF[dtype])
    return distance(exact, rounded) <= tolerance * largest([exact])


def _presence(difference: Difference, reference: Everyone, checked: Everyone) -> float:
    """Return which share of a float64 difference is there in the dtype asked about; 1 where that has no number."""
    assert difference.pair is not None  # a difference of values is one between two
    first, second = difference.pair
    quantity = difference.quantity
    if quantity not in checked[first] or quantity not in checked[second]:
        return 1.0
    with np.errstate(invalid="ignore"):  # infinities
        return presence(
            reference[first][quantity].array - reference[second][quantity].array,
            checked[first][quantity].array - checked[second][quantity].array,
        )
