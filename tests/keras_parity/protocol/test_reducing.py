"""A call as plain values: what tells it from others, and how large it is."""

from dataclasses import replace

import numpy as np

from keras_parity.protocol.reducing import Reproducer, Slot, is_object

CASE = Reproducer(
    "keras.layers.Dense",
    {"units": 3},
    (Slot(0),),
    {},
    (np.ones((2, 4)),),
    ("float",),
    weights=(np.ones((4, 3)), np.ones(3)),
    names=("kernel", "bias"),
)


def test_its_size_counts_every_number():
    """Tensors and weights; a call whose weights are drawn counts its tensors alone."""
    assert CASE.size == 8 + 12 + 3
    assert replace(CASE, weights=None).size == 8


def test_another_number_is_another_call_and_another_name_is_not():
    """So the search never tries the same call twice."""
    moved = (np.full((2, 4), 1.5),)

    assert replace(CASE, names=("a", "b")).digest == CASE.digest
    assert replace(CASE, tensors=moved).digest != CASE.digest
    assert replace(CASE, config={"units": 4}).digest != CASE.digest


def test_a_whole_model_is_told_from_a_layer():
    """It is written down with its graph."""
    assert replace(CASE, kind="keras.Sequential").is_model
    assert not CASE.is_model


def test_an_object_has_a_class_and_a_configuration():
    """Other dictionaries are arguments."""
    assert is_object({"class_name": "Zeros", "config": {}})
    assert not is_object({"class_name": "Zeros", "config": "zeros"})
    assert not is_object({"config": {}})
    assert not is_object("zeros")
