"""Which float64 differences are meant: they stay when inputs move, and are there in float32 too."""

import numpy as np
import pytest

from keras_parity.judge.difference import Difference
from keras_parity.judge.doubts import NEIGHBOURS, sort_differences
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value

OUTPUT = Quantity(Kind.OUTPUT)
EXACT = np.linspace(-1, 1, 50)
ROUNDING = 1e-3 * np.random.default_rng(0).standard_normal((NEIGHBOURS, 50))
SHIFT = 1e-3 * np.ones(50)


def results(difference: np.ndarray) -> dict:
    """Return the results of two executions that differ so."""
    return {"jax": {OUTPUT: Value(EXACT + difference, "f")}, "torch": {OUTPUT: Value(EXACT, "f")}}


def doubtful(units: float = 1e4, cause: Cause | None = None) -> Difference:
    """Return a float64 difference of JAX."""
    return Difference(OUTPUT, "jax", ("jax", "torch"), cause, 1e-3, units, "")


def sort(difference: Difference, reference=SHIFT, checked=SHIFT, near=None, **options):
    """Return what is said of a difference whose neighbours differ by `near`, each by one of its rows."""
    rows = np.broadcast_to(SHIFT if near is None else near, (NEIGHBOURS, 50))

    def neighbours(pair, wanted):
        return {quantity: ([EXACT + row for row in rows], [EXACT] * NEIGHBOURS) for quantity in wanted}

    return sort_differences([difference], results(reference), results(checked), "float32", neighbours, **options)


def test_a_difference_that_stays_is_meant():
    """It gets its cause and its size in words."""
    said = sort(doubtful())

    [meant] = said.meant
    assert meant.cause is Cause.SEMANTIC
    assert meant.detail == "1e+04 float32 rounding units apart in float64"
    assert said.detours == []


@pytest.mark.parametrize(
    "changes",
    [{"near": ROUNDING}, {"checked": 0 * SHIFT}, {"difference": doubtful(units=2.0)}],
    ids=["it is drawn anew at each neighbour", "float32 does not show it", "it is small"],
)
def test_a_difference_of_float64_alone_is_a_detour(changes):
    """It is noted with who computes so."""
    said = sort(**{"difference": doubtful(), **changes})

    assert (said.meant, said.detours) == ([], [("jax", OUTPUT)])


def test_at_a_kink_the_same_number_in_both_precisions_is_meant():
    """Though no neighbour shows it: another derivative is chosen at the very point."""
    assert sort(doubtful(), near=0 * SHIFT).meant == []
    assert len(sort(doubtful(), near=0 * SHIFT, kinks=True).meant) == 1
    assert sort(doubtful(), near=0 * SHIFT, checked=1.1 * SHIFT, kinks=True).meant == []


def test_a_difference_in_what_is_finite_counts_if_float32_shows_it_too():
    """An overflow of float64 alone is nobody's concern."""
    spoilt = np.where(np.arange(50) == 3, np.nan, 0)
    odd = doubtful(cause=Cause.NAN)

    assert sort(odd, spoilt, spoilt).meant == [odd]
    assert sort(odd, spoilt, 0 * SHIFT).meant == []


def test_without_neighbours_a_difference_is_taken_as_it_stands_if_it_is_large():
    """So are training steps, which amplify what their parts let pass."""

    def meant(units: float) -> int:
        return len(sort_differences([doubtful(units)], results(SHIFT), results(SHIFT), "float32").meant)

    assert (meant(100.0), meant(1e4)) == (0, 1)
