"""Whole numbers that differ are excused where real ones lie on the boundary, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.comparison.whole_numbers import WholeNumbers
from keras_parity.judge import Difference
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Study, Value
from keras_parity.protocol.tasks import FindBounds
from tests.keras_parity.comparison.checks import make_check

OUTPUT = Quantity(Kind.OUTPUT)
CALL = CallOutline("resize#0", "resize", "Resizing", (), False, False, 1, 8)
BOUNDS = [np.array([2.0, 4.0]), np.array([3.0, 4.0])]


def numbers(bounds=BOUNDS, **given: tuple[list[int], list[int]]) -> WholeNumbers:
    """Return what executions give in float64 and in float32, the first number of which may be 2 or 3."""
    studies = {
        name: Study("float32", *({OUTPUT: Value(np.array(array), "int32")} for array in both), {}, {})
        for name, both in given.items()
    }
    check = make_check({FindBounds: {OUTPUT: bounds}})
    return WholeNumbers(check, CALL, studies, [np.zeros(1)], False, False, lambda: None)


def difference(name: str | None) -> Difference:
    """Return a difference by one."""
    return Difference(OUTPUT, name, ("torch", "jax"), Cause.SEMANTIC, 1.0, np.nan, "", whole_numbers=True)


@pytest.mark.parametrize(("other", "excused"), [([3, 4], True), ([2, 5], False)])
def test_one_number_is_as_good_as_the_next_where_a_value_lies_between(other, excused):
    """Who gives the other one is kept."""
    whole = numbers(torch=(other, other), jax=([2, 4], [2, 4]), tensorflow=([2, 4], [2, 4]))

    assert whole.explain(difference("torch")) is excused
    assert whole.check.ledger.excused == ({"torch"} if excused else set())


@pytest.mark.parametrize(("rounded", "excused"), [([3, 4], {"jax"}), ([2, 5], set()), ([2, 4], set())])
def test_who_rounds_otherwise_in_the_dtype_alone_is_kept(rounded, excused):
    """Behind it that execution's results differ, too."""
    whole = numbers(torch=([2, 4], [2, 4]), jax=([2, 4], rounded))
    whole.excuse_in_the_dtype()

    assert whole.check.ledger.excused == excused


def test_who_is_alone_is_named_beside_others_that_round():
    """Two of three lie on the boundary; the third does not."""
    whole = numbers(torch=([7, 4], [7, 4]), jax=([2, 4], [2, 4]), tensorflow=([3, 4], [3, 4]))

    assert whole.name_beside(difference(None)).execution == "torch"
    assert whole.check.ledger.excused == {"jax", "tensorflow"}


def test_nobody_is_named_for_a_real_number():
    """Whatever is said of the difference: only its type counts."""
    whole = numbers(torch=([7, 4], [7, 4]), jax=([2, 4], [2, 4]), tensorflow=([3, 4], [3, 4]))
    real = replace(difference(None), detail="other whole numbers", whole_numbers=False)

    assert whole.name_beside(real) is real
