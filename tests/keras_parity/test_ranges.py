"""The widest range that a model takes is found by trying, wherever its limit lies."""

import numpy as np
import pytest

from keras_parity.protocol.results import InputSpec
from keras_parity.ranges import caused_by_values, describe_range, find_range, narrow, say_narrowed

TOKENS = InputSpec("tokens", (None, 4), "int32", tokens=1000)
REALS = InputSpec("reals", (None, 4), "float32")


def highest(spec: InputSpec) -> float:
    """Return the greatest value that is drawn for an input; infinity where nothing bounds it."""
    if spec.tokens is not None:
        return spec.tokens - 1
    return np.inf if spec.high is None else float(np.max(spec.high))


def lowest(spec: InputSpec) -> float:
    """Return the least value, likewise."""
    if spec.tokens is not None:
        return 0
    return -np.inf if spec.low is None else float(np.min(spec.low))


@pytest.mark.parametrize("limit", [1, 7, 499, 998])
def test_the_size_of_a_table_is_found_to_the_token(limit):
    """No table's size is known; the largest index that is taken is."""
    [found] = find_range([TOKENS], lambda specs: highest(specs[0]) <= limit)

    assert found.tokens == limit + 1


def test_what_is_taken_whole_stays_as_it_is():
    """Nothing is narrowed without need."""
    assert find_range([TOKENS, REALS], lambda _: True) == [TOKENS, REALS]


def test_nothing_is_found_where_nothing_is_taken():
    """The model raises for another reason."""
    assert find_range([TOKENS], lambda _: False) is None


def test_one_input_is_narrowed_and_the_other_left():
    """The fault lies with the second one."""
    found = find_range([REALS, TOKENS], lambda specs: highest(specs[1]) <= 41)

    assert found == [REALS, InputSpec("tokens", (None, 4), "int32", tokens=42)]


def test_bounds_of_reals_are_widened_to_where_they_are_taken():
    """From 0 to 10 is given, up to 2.5 is taken: found within a thirty-second of the way."""
    given = InputSpec("reals", (None, 4), "float32", low=0.0, high=10.0)

    [found] = find_range([given], lambda specs: highest(specs[0]) <= 2.5)

    assert lowest(found) == 0.0
    assert 2.5 - 10 / 32 <= highest(found) <= 2.5


def test_the_sizes_of_tables_are_tried_first():
    """A real number that is used as an index gets the size of a table that there is."""
    tried = [specs[0].tokens for specs in narrow([REALS], sizes=[30])]

    assert tried[-5:] == [30, 10, 4, 2, 1]
    assert all(tokens is None for tokens in tried[:-5])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (TOKENS, "as whole numbers from 0 to 999"),
        (REALS, "as numbers"),
        (InputSpec("x", (None,), "float32", low=1.0), "as numbers from 1 on"),
        (InputSpec("x", (None,), "float32", high=(2.0, 3.0)), "as numbers up to 3"),
        (InputSpec("x", (None,), "float32", low=-1.0, high=1.0, whole=True), "as whole numbers from -1 to 1"),
        (InputSpec("x", (None,), "bool"), "as true and false"),
        (InputSpec("x", (None,), "string", vocabulary=("a", "b")), "from 2 known values"),
    ],
)
def test_a_range_is_put_into_words(spec, words):
    """As the note about it says."""
    assert describe_range(spec) == words


def test_only_inputs_that_changed_are_told():
    """With what becomes of the values left out."""
    [line] = say_narrowed([TOKENS, REALS], [InputSpec("tokens", (None, 4), "int32", tokens=5), REALS], "it raises")

    assert line == ("the input 'tokens' is drawn as whole numbers from 0 to 4: beyond, it raises")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("indices[0,1] = 12 is not in [0, 10)", True),
        ("index 7 is out of bounds for dimension 0 with size 5", True),
        ("Dimensions must be equal, but are 3 and 4", False),
    ],
)
def test_an_error_about_values_is_told_from_others(text, expected):
    """As TensorFlow and PyTorch word it."""
    assert caused_by_values(text) is expected
