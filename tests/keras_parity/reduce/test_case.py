"""The smaller calls that are tried: of fewer numbers, of simpler numbers, of fewer arguments."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.protocol.reducing import Reproducer, Slot
from keras_parity.reduce.case import FEW, MOST_TRIALS, drawn_values, shrink, simple_forms

CASE = Reproducer(
    "keras.layers.Conv1D",
    {"filters": 8, "kernel_size": [3], "strides": 4, "axis": 5, "initializer": {"class_name": "A", "config": {"x": 1}}},
    (Slot(0),),
    {"training": None},
    (np.full((4, 10, 6), 0.3),),
    ("float",),
    (),
)


def keeping(needs):
    """Return what shows a difference wherever `needs` holds of a call."""
    return lambda case: replace(case, weights=()) if needs(case) else None


def test_an_axis_is_cut_to_what_is_needed():
    """The batch goes to one, the time to seven, the channels stay six."""
    found = shrink(CASE, keeping(lambda c: c.tensors[0].shape[1] >= 7 and c.tensors[0].shape[2] == 6), ordinary=True)

    assert found.tensors[0].shape == (1, 7, 6)


def test_tensors_of_one_length_are_cut_together():
    """An operation of two takes no others."""
    two = replace(CASE, tensors=(np.ones((2, 5)), np.ones((5, 3))), dtypes=("float", "float"))

    found = shrink(two, keeping(lambda c: c.tensors[0].shape[1] == c.tensors[1].shape[0]), ordinary=True)

    assert [tensor.shape for tensor in found.tensors] == [(1, 1), (1, 1)]


def test_an_axis_is_no_size():
    """A smaller number there would mean something else; a default is tried for all."""
    config = shrink(CASE, keeping(lambda c: {"axis", "strides", "filters"} <= set(c.config)), ordinary=True).config

    assert config == {"filters": 1, "strides": 1, "axis": 5}


def test_an_argument_of_an_object_within_may_go():
    """Where the object itself must stay."""
    config = shrink(CASE, keeping(lambda c: "initializer" in c.config), ordinary=True).config

    assert config == {"initializer": {"class_name": "A", "config": {}}}


def test_no_call_is_tried_twice_nor_more_than_enough():
    """Each trial takes a fraction of a second on each backend."""
    tried = []

    def note(case):
        tried.append(case.digest)

    shrink(replace(CASE, tensors=(np.full((64, 64, 64), 0.3),)), note, ordinary=True)

    assert len(set(tried)) == len(tried) < MOST_TRIALS


@pytest.mark.parametrize(("shape", "ordinary", "count"), [((2, 3), True, 1), ((2, 3), False, 3), ((5, 5), True, 1)])
def test_simple_forms_take_few_words(shape, ordinary, count):
    """Zeros and ones have differences of their own, so that only edge data may become such."""
    forms = simple_forms(shape, ordinary)

    assert len(forms) == count
    assert all(form.shape == shape for form in forms)
    assert ordinary or not forms[0].any()
    expected = np.arange(1, 7).reshape(2, 3) if np.prod(shape) <= FEW else drawn_values(shape)
    np.testing.assert_array_equal(forms[-1], expected)


def test_drawn_values_are_exact_in_float32():
    """As the script that draws them again casts them."""
    values = drawn_values((4, 4))

    np.testing.assert_array_equal(values, np.random.default_rng(1).standard_normal((4, 4)).astype(np.float32))
