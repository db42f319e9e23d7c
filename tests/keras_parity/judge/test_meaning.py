"""Float64 results mean the same or not: groups, shares of a difference, and whole numbers."""

import numpy as np
import pytest

from keras_parity.judge.meaning import compare_meaning, differs, is_meant, presence, smoothness
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value

OUTPUT = Quantity(Kind.OUTPUT)
EXACT = np.linspace(-1, 1, 50)


def everywhere(**arrays):
    """Return float64 results."""
    return {name: {OUTPUT: Value(np.asarray(array), "float64")} for name, array in arrays.items()}


def test_where_no_majority_means_the_very_same_a_float32_constant_is_let_pass():
    """Two of three lie a constant's rounding apart; the third computes another function."""
    results = everywhere(a=EXACT, b=EXACT + 2e-8, c=EXACT + 1)

    found, references = compare_meaning(results, {})

    assert [difference.execution for difference in found] == ["c"]
    assert references == {OUTPUT: "a"}


def test_a_majority_that_means_the_very_same_blames_the_constant():
    """The same distance is a difference where the two others agree to the last digit."""
    found, _ = compare_meaning(everywhere(a=EXACT, b=EXACT + 2e-8, c=EXACT), {})

    assert [difference.execution for difference in found] == ["b"]


@pytest.mark.parametrize(("dtype", "whole"), [("int32", True), ("bool", True), ("float64", False)])
def test_a_difference_says_whether_it_is_one_of_whole_numbers(dtype, whole):
    """Those are compared exactly; of real numbers it must still be told whether it is rounding."""
    ones = np.ones(4, dtype)

    (found,), _ = compare_meaning(everywhere(a=ones, b=ones, c=np.zeros(4, dtype)), {})

    assert (found.whole_numbers, found.cause) == ((True, Cause.SEMANTIC) if whole else (False, None))


def test_smoothness_is_the_share_that_stays():
    """All of a constant difference, none of one that changes its sign, half of one that is there half of the time."""
    base = [EXACT] * 4
    signs = np.array([1, -1, 1, -1])[:, None]

    assert smoothness(base, [EXACT + 1] * 4) == pytest.approx(1)
    assert smoothness(base, list(EXACT + signs)) == pytest.approx(0)
    assert smoothness(base, list(EXACT + (signs > 0))) == pytest.approx(0.5)
    assert smoothness(base, base) == 0


def test_presence_is_the_coefficient_of_the_one_in_the_other():
    """Tiny numbers do not underflow; what is not finite is left out."""
    difference = np.array([1.0, -2.0, 3.0])

    assert presence(difference, 0.25 * difference) == pytest.approx(0.25)
    assert presence(1e-200 * difference, 1e-200 * difference) == pytest.approx(1)
    assert presence(np.append(difference, np.inf), np.append(difference, np.nan)) == pytest.approx(1)
    assert presence(0 * difference, difference) == 0


def test_below_float32_a_small_difference_cannot_be_seen():
    """float16 hides it; a large one is meant there too."""
    assert is_meant(20, 1.0, 1.0, "float32")
    assert not is_meant(20, 1.0, 1.0, "float16")
    assert is_meant(1000, 1.0, 0.0, "float16")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1.0, 2.0], [1.5, 2.0], False),
        ([1.0, np.nan], [1.0, 2.0], True),
        ([1, 2], [1, 3], True),
        ([1, 2], [1, 2], False),
        ([1, 2], [1, 2, 3], True),
        ([1, 2], None, True),
    ],
)
def test_results_differ_as_whole_numbers_or_in_where_they_are_finite(first, second, expected):
    """Floats are compared elsewhere."""
    one, other = (None if values is None else Value(np.array(values), "") for values in (first, second))

    assert differs(one, other) is expected
