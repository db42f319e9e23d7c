"""What is computed at all, in which shapes and dtypes, and what of a reloaded model is another."""

import numpy as np

from keras_parity.judge.reloading import compare_reloaded
from keras_parity.judge.structure import compare_structure
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from keras_parity.protocol.results import Raised, Reloaded, Value

OUTPUT, STATE, GRADIENT = Quantity(Kind.OUTPUT), Quantity(Kind.STATE, "count"), Quantity(Kind.GRADIENT, "kernel")


def test_what_is_missing_on_one_is_structure():
    """A gradient's dtype is not compared: it is the weight's."""
    value, other = Value(np.zeros(2), "float32"), Value(np.zeros(2), "float64")
    results = {"a": {OUTPUT: value, GRADIENT: value}, "b": {OUTPUT: value, GRADIENT: other}, "c": {GRADIENT: value}}

    [found] = compare_structure(results)

    assert (found.execution, found.quantity, found.cause) == ("c", OUTPUT, Cause.STRUCTURE)


def test_the_width_of_a_counter_is_no_difference_and_that_of_an_output_is():
    """A counter is what a model keeps."""
    widths = {"a": "int32", "b": "int64", "c": "int32"}
    values = {width: Value(np.zeros(2, width), width) for width in ("int32", "int64")}
    results = {name: {OUTPUT: values[w], STATE: values[w]} for name, w in widths.items()}

    [found] = compare_structure(results)

    assert (found.execution, found.quantity) == ("b", Quantity(Kind.OUTPUT, aspect=Aspect.DTYPE))


def test_a_reloaded_model_must_be_the_same_to_the_last_bit():
    """The same NaN is the same; another last bit, another dtype and a missing weight are not."""
    own = {name: Value(np.array([1.0, np.nan]), "float32") for name in (OUTPUT, STATE, GRADIENT)}
    loaded = own | {STATE: Value(np.array([np.nextafter(1.0, 2.0), np.nan]), "float32")}
    del loaded[GRADIENT]

    found = compare_reloaded(Reloaded(own, loaded), "jax", "torch")

    assert [(d.quantity, d.cause) for d in found] == [(STATE, Cause.SEMANTIC), (GRADIENT, Cause.STRUCTURE)]
    assert compare_reloaded(Reloaded(own, own), "jax", "torch") == []


def test_a_file_that_cannot_be_loaded_is_the_readers():
    """Until the writer proves not to read it either."""
    [found] = compare_reloaded(Raised("ValueError: no"), "jax", "torch")

    assert (found.execution, found.cause, found.detail) == ("jax", Cause.ERROR, "torch's file: ValueError: no")
