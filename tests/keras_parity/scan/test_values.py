"""The numbers of a configuration: of the kind that its name says, the same on every machine."""

import numpy as np
import pytest

from keras_parity.scan.configuration import Configuration, Tensor, normal
from keras_parity.scan.values import BATCH_SIZE, DRAWN, EDGES, LISTED, draw, draw_inputs

SHAPE = (4, 6, 6)


def drawn(kind: str, shape=SHAPE, position: int = 0) -> np.ndarray:
    """Return values of a kind."""
    return draw(Tensor(kind, ()), shape, np.random.default_rng(0), position)


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("positive", lambda v: (v >= 0.1).all() and (v <= 4).all()),
        ("unit", lambda v: (v > 0).all() and (v < 1).all()),
        ("symmetric", lambda v: v.min() < 0 < v.max() and (np.abs(v) < 1).all()),
        ("image", lambda v: (v >= 0).all() and (v <= 255).all() and len(np.unique(v)) < v.size),
        ("tied", lambda v: set(np.unique(v)) == {-2, -1, 0, 1, 2}),
        ("constant", lambda v: len(np.unique(v)) == 1),
        ("probabilities", lambda v: (v > 0).all() and np.allclose(v.sum(-1), 1, atol=1e-6)),
        ("integers", lambda v: v.min() >= -9 and v.max() <= 9 and v.dtype.kind == "i"),
        ("boolean", lambda v: set(np.unique(v)) == {False, True}),
        ("below 7", lambda v: set(np.unique(v)) == set(range(7))),
        ("lengths", lambda v: (v.ravel() == 1 + np.arange(v.size)).all()),
    ],
)
def test_values_are_of_their_kind(kind, holds):
    """As `configuration.py` describes it."""
    values = drawn(kind)

    assert values.shape == SHAPE
    assert holds(values)


def test_definite_matrices_are_symmetric_with_positive_eigenvalues():
    """By NumPy's own."""
    matrices = drawn("definite").astype(np.float64)

    np.testing.assert_allclose(matrices, np.swapaxes(matrices, -1, -2), atol=1e-5)
    assert np.linalg.eigvalsh(matrices).min() > 0.1


def test_masked_rows_end_in_zeros_one_in_none_and_one_in_nothing_else():
    """Every length of padding is seen."""
    rows = np.abs(drawn("masked")).sum(-1) == 0

    assert not rows[0].any()
    assert rows[-1].all()
    assert rows[1].tolist() == [False] * 5 + [True]


def test_listed_values_are_all_there_and_in_another_order_for_each_input():
    """So that pairs of them are all different in the end."""
    size = len(EDGES)
    first, second = (drawn("edges", (size * size,), position) for position in (0, 1))

    assert set(np.signbit(first[first == 0])) == {True, False}
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) > 0.9 * size * (size - 1)


def test_every_kind_is_exact_in_float32():
    """Both precisions start from the same numbers."""
    for kind in (*DRAWN, *LISTED):
        values = drawn(kind).astype(np.float64)
        np.testing.assert_array_equal(values, values.astype(np.float32).astype(np.float64), err_msg=kind)


def test_inputs_depend_on_the_configuration_and_the_position_alone():
    """Dtypes follow floatx where they are left open; bfloat16 is left to the model."""
    configuration = Configuration("ops.add(x, y)", (normal(3), normal(3), Tensor("normal", (3,), "bfloat16", batch=2)))

    one, two, three = draw_inputs(configuration, "float16")

    assert [array.shape for array in (one, two, three)] == [(BATCH_SIZE, 3), (BATCH_SIZE, 3), (2, 3)]
    assert {array.dtype.name for array in (one, two, three)} == {"float32"}
    assert not np.array_equal(one, two)
    assert draw_inputs(configuration, "float64")[0].dtype == "float64"
    np.testing.assert_array_equal(draw_inputs(configuration, "float64")[0], one)
