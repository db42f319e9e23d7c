"""Majorities, distances and places of NaN: what every other part of the judge is built on."""

import math

import numpy as np

from keras_parity.judge.difference import (
    comparable,
    describe_signature,
    distance,
    largest,
    minority,
    quantities_of,
    raised,
    signature,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value

OUTPUT, LOSS = Quantity(Kind.OUTPUT), Quantity(Kind.LOSS)


def blamed(**seen) -> list[str | None]:
    """Return who is blamed for what executions show."""
    return [difference.execution for difference in minority(OUTPUT, seen, Cause.DTYPE, str)]


def test_the_majority_is_right():
    """Without one, nobody is blamed; alike, nothing differs."""
    assert blamed(a=1, b=1, c=2) == ["c"]
    assert blamed(a=2, b=1, c=1, d=3) == ["a", "d"]
    assert blamed(a=1, b=2) == [None]
    assert blamed(a=1, b=1) == []


def test_a_distance_leaves_out_what_is_not_finite():
    """Infinities of one sign on both sides have no distance; two empty arrays neither."""
    assert distance(np.array([1.0, np.nan, np.inf]), np.array([1.5, 3.0, np.inf])) == 0.5
    assert distance(np.array([]), np.array([])) == 0.0
    assert distance(np.array([1, 2], np.uint8), np.array([2, 2], np.uint8)) == 1.0


def test_a_signature_tells_where_and_of_which_sign():
    """An array that is finite throughout has none."""
    array = np.array([1.0, np.nan, np.inf, -np.inf])

    assert signature(np.ones(3)) == b""
    assert signature(array) != signature(-array) != b""
    assert describe_signature(signature(array)) == "1 NaN, 2 infinite of 4"
    assert describe_signature(b"") == "finite"


def test_the_largest_is_that_of_the_finite_floats():
    """1 where there are none, so that nothing is divided by zero."""
    assert largest([np.array([-3.0, np.inf]), np.array([2.0]), np.array([7])]) == 3.0
    assert largest([np.array([7])]) == 1.0


def test_what_two_hold_in_the_same_shape_is_compared():
    """Another shape is a finding of its own, and the others are compared all the same."""
    two = Value(np.zeros(2), "float32")
    results = {"a": {OUTPUT: two}, "b": {OUTPUT: Value(np.zeros(3), "float32"), LOSS: two}, "c": {OUTPUT: two}}

    assert quantities_of(results) == [OUTPUT, LOSS]
    assert [(quantity, list(holders)) for quantity, holders in comparable(results)] == [(OUTPUT, ["a", "c"])]


def test_an_error_is_a_difference_without_a_number():
    """Nobody is its partner."""
    difference = raised(OUTPUT, "jax", "ValueError")

    assert (difference.cause, difference.pair) == (Cause.ERROR, None)
    assert math.isnan(difference.units)
