"""Whole numbers that come from real ones: between which two a value on the boundary may fall."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Value
from tests.keras_parity.worker.asking import ask

OUTPUT = Quantity(Kind.OUTPUT)
ERROR = 1e-4


def bounds(exact: list[float]) -> list[np.ndarray]:
    """Return the bounds of whole numbers with these values before they were rounded. Runs in a worker."""
    from keras_parity.worker.unrounded import bounds_of

    unrounded = {OUTPUT: Value(np.array(exact), "float64")}
    return bounds_of(unrounded, {OUTPUT: Value(np.zeros(len(exact), np.uint8), "uint8")}, ERROR)[OUTPUT]


def found_near(values: list[list[int]]) -> list[np.ndarray]:
    """Return the range of whole numbers at a point and next to it. Runs in a worker."""
    from keras_parity.worker.unrounded import range_of

    exact, *nearby = ({OUTPUT: Value(np.array(v), "int32")} for v in values)
    return range_of(exact, nearby)[OUTPUT]


def resized(pixels: np.ndarray) -> tuple[np.ndarray, str]:
    """Return what a resizing gives before it rounds, and its policy afterwards. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import TENSOR, Call, to_numpy
    from keras_parity.worker.unrounded import taken_in_float64

    layer = keras.layers.Resizing(2, 2, dtype="uint8")
    call = Call("resize", 0, layer, ((TENSOR,), {}), [], ["uint8"], [None], 0)
    with taken_in_float64(call) as floats:
        found = to_numpy(layer(keras.ops.convert_to_tensor(pixels, floats.dtypes[0])))
    return found, layer.dtype_policy.name


def test_only_values_on_the_boundary_may_fall_either_way():
    """At one half where they are rounded, at whole numbers where they are cut off."""
    low, high, floor, ceiling = ask("torch", bounds, [2.5, 2.3, 3.0])

    np.testing.assert_array_equal([low, high], [[2, 2, 3], [3, 2, 3]])
    np.testing.assert_array_equal([floor, ceiling], [[2, 2, 2], [2, 2, 3]])


def test_what_changes_next_to_the_point_lies_on_the_boundary():
    """The lowest and the highest of all that was found."""
    low, high = ask("torch", found_near, [[5, 7], [6, 7], [5, 7]])

    np.testing.assert_array_equal([low, high], [[5, 7], [6, 7]])


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_a_resizing_of_pixels_tells_its_values_before_they_are_rounded(backend):
    """The means of four, some of which lie on a half; the layer then computes in whole numbers again."""
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1) ** 2

    found, policy = ask(backend, resized, pixels)

    expected = pixels.astype(np.float64).reshape(1, 2, 2, 2, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert policy == "uint8"


def cut_off() -> np.ndarray:
    """Return what whole numbers were before a cast within other code. Runs in a worker."""
    import keras

    from keras_parity.worker.unrounded import before_casts

    with before_casts({OUTPUT: Value(np.array([2, 3], np.uint8), "uint8")}) as found:
        keras.ops.cast(keras.ops.convert_to_tensor([2.5, 3.25]), "uint8")
        keras.ops.cast(keras.ops.convert_to_tensor([7.5, 3.25]), "uint8")
    return found[OUTPUT].array


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_what_a_cast_within_a_layer_cuts_off_is_told(backend):
    """Of the cast that gives the result, and of no other one."""
    np.testing.assert_array_equal(ask(backend, cut_off), [2.5, 3.25])
