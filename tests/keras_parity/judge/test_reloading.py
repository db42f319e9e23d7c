"""What was loaded is compared bit by bit with the reader's own, and up to rounding with what others computed."""

import numpy as np
import pytest

from keras_parity.judge import compare_reloaded, is_accurate
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Reloaded, Value

OUTPUT = Quantity(Kind.OUTPUT, "[0]")
VALUES = np.linspace(-1, 1, 9)


@pytest.mark.parametrize(("size", "same"), [(0.0, True), (1e-7, False)])
def test_what_a_file_gives_back_is_the_same_bit_by_bit(size, same):
    """A file has no reason to round."""
    answer = Reloaded({OUTPUT: Value(VALUES, "float32")}, {OUTPUT: Value(VALUES + size, "float32")})

    assert (compare_reloaded(answer, "jax", "torch") == []) is same


@pytest.mark.parametrize(
    ("other", "accurate"),
    [
        (Value(VALUES + 1e-7, "float32"), True),
        (Value(VALUES + 1e-2, "float32"), False),
        (Value(VALUES, "float16"), False),
        (Value(np.where(VALUES > 0, np.nan, VALUES), "float32"), False),
        (Value(VALUES[:3], "float32"), False),
    ],
    ids=["rounding", "other values", "another dtype", "NaN", "another shape"],
)
def test_two_executions_results_are_the_same_but_for_rounding(other, accurate):
    """So a wrong layer that a file has left out does not count as a file that is wrong."""
    assert is_accurate(Value(VALUES, "float32"), other) is accurate
