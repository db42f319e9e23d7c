"""Errors are counted in units of what nobody can avoid, and long sums are allowed more."""

import numpy as np
import pytest

from keras_parity.judge.accuracy import ACCURATE, LONG_SUM, compare_accuracy, compare_without_reference, unavoidable
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value
from keras_parity.protocol.rounding import SMALLEST

OUTPUT = Quantity(Kind.OUTPUT)
EXACT = np.linspace(-1, 1, 50)
UNIT = 2.0**-25  # what half a unit of float32 makes of the largest entry, 1


def everywhere(**arrays):
    """Return results of executions."""
    return {name: {OUTPUT: Value(np.asarray(array, np.float64), "float32")} for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("move", "array", "dtype", "expected"),
    [
        (0.0, [3.0, -8.0], "float32", 8 * UNIT),
        (0.5, [3.0, -8.0], "float32", 0.5),
        (0.0, [0.0], "float32", SMALLEST["float32"]),
        (0.0, [np.inf, 2.0], "bfloat16", 2 * 2.0**-9),
    ],
)
def test_what_nobody_can_avoid(move, array, dtype, expected):
    """The larger of the result's own move and half a unit of its largest finite entry, and never nothing."""
    assert unavoidable(move, [np.array(array)], dtype) == expected


def test_who_is_inaccurate_is_blamed_beside_who_is_not():
    """The difference is told in the same units as the limit."""
    found, errors = compare_accuracy(
        everywhere(jax=EXACT, torch=EXACT + 2 * ACCURATE * UNIT), {OUTPUT: EXACT}, {}, "float32"
    )

    [difference] = found
    assert (difference.execution, difference.pair, difference.cause) == ("torch", ("torch", "jax"), Cause.PRECISION)
    assert difference.units == pytest.approx(2 * ACCURATE)
    assert {error.execution: error.units for error in errors} == {"jax": 0.0, "torch": difference.units}


def test_of_three_it_is_said_who_alone_is_accurate():
    """Two may be inaccurate, each in its own way."""
    off = 2 * ACCURATE * UNIT
    found, _ = compare_accuracy(
        everywhere(tensorflow=EXACT + off, jax=EXACT, torch=EXACT - off), {OUTPUT: EXACT}, {}, "float32"
    )

    assert [difference.execution for difference in found] == ["tensorflow", "torch"]
    assert all("where jax is alone accurate, off by 0" in difference.detail for difference in found)


def test_inaccurate_alike_is_no_difference():
    """All lose the same digits: a property of the computation, not of a backend."""
    off = EXACT + 2 * ACCURATE * UNIT

    assert compare_accuracy(everywhere(jax=off, torch=off), {OUTPUT: EXACT}, {}, "float32")[0] == []


def test_where_nobody_is_accurate_nobody_is_blamed():
    """But they differ."""
    results = everywhere(jax=EXACT + 2 * ACCURATE * UNIT, torch=EXACT - 2 * ACCURATE * UNIT)

    [difference] = compare_accuracy(results, {OUTPUT: EXACT}, {}, "float32")[0]

    assert (difference.execution, difference.units) == (None, pytest.approx(4 * ACCURATE))


@pytest.mark.parametrize(("terms", "blamed"), [(0, True), (50 * int(LONG_SUM), True), (150 * int(LONG_SUM), False)])
def test_a_sum_of_more_terms_may_be_off_by_more(terms, blamed):
    """Per entry of the result: 50 entries of 3,000 terms each may lose three times as much."""
    results = everywhere(jax=EXACT, torch=EXACT + 2 * ACCURATE * UNIT)

    found, _ = compare_accuracy(results, {OUTPUT: EXACT}, {}, "float32", terms=terms)

    assert bool(found) is blamed


def test_without_a_reference_the_one_that_is_far_from_all_others_is_blamed():
    """Of two nobody is; of whole numbers none may differ."""
    far = EXACT + 2 * ACCURATE * UNIT

    [of_three] = compare_without_reference(everywhere(a=EXACT, b=far, c=EXACT), {}, "float32")
    [of_two] = compare_without_reference(everywhere(a=EXACT, b=far), {}, "float32")
    near = compare_without_reference(everywhere(a=EXACT, b=EXACT + 10 * UNIT, c=EXACT), {}, "float32")

    assert (of_three.execution, of_two.execution, near) == ("b", None, [])
