"""What is defined only up to a choice agrees whatever was chosen, and differs where it means something else."""

import numpy as np
import pytest

from keras_parity.judge.equivalences import (
    choosing_otherwise,
    in_one_form,
    is_answer,
    is_rounding,
    same_but_for_choices,
)
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Around, Results, Value

GRADIENT = Quantity(Kind.GRADIENT, "input")


def results(*outputs) -> dict:
    """Return outputs by their places, and a gradient."""
    values = {Quantity(Kind.OUTPUT, f"[{i}]"): Value(np.asarray(output), "float32") for i, output in enumerate(outputs)}
    return values | {GRADIENT: Value(np.ones(3), "float32")}


def forms(operation, matrix, first, second):
    """Return both results in one form, as lists of arrays without the gradient, and whether the gradient was kept."""
    formed = in_one_form(operation, [matrix], {"jax": results(*first), "torch": results(*second)})
    arrays = [[v.array for q, v in formed[name].items() if q != GRADIENT] for name in ("jax", "torch")]
    return *arrays, GRADIENT in formed["jax"]


def same(first, second) -> bool:
    """Return whether all arrays are close."""
    return all(np.allclose(a, b, atol=1e-12) for a, b in zip(first, second, strict=True))


MATRIX = np.random.default_rng(1).standard_normal((2, 4, 3))
SYMMETRIC = MATRIX.swapaxes(-1, -2) @ MATRIX
SIGNS = np.array([1.0, -1.0, 1.0])


def decompositions() -> list[tuple]:
    """Return each operation with its result, and the same with other signs."""
    values, vectors = np.linalg.eigh(SYMMETRIC)
    found = [("Eigh", SYMMETRIC, (values, vectors), (values, vectors * SIGNS))]
    left, middle, right = np.linalg.svd(MATRIX)
    signs = np.append(SIGNS, -1.0)
    found += [("SVD", MATRIX, (left, middle, right), (left * signs, middle, right * SIGNS[:, None]))]
    orthogonal, triangular = np.linalg.qr(MATRIX)
    return [*found, ("Qr", MATRIX, (orthogonal, triangular), (orthogonal * SIGNS, triangular * SIGNS[:, None]))]


@pytest.mark.parametrize(("operation", "matrix", "first", "second"), decompositions())
def test_signs_are_nobodys_fault(operation, matrix, first, second):
    """Other signs are the same decomposition; one vector that is another is not."""
    one, other, _ = forms(operation, matrix, first, second)
    assert same(one, other)

    wrong = [array.copy() for array in second]
    wrong[-1][..., 0, 0] += 0.1
    one, other, _ = forms(operation, matrix, first, wrong)
    assert not same(one, other)


@pytest.mark.parametrize(("operation", "place"), [("TopK", "[1]"), ("Argsort", "")])
def test_any_of_equal_values_may_be_taken(operation, place):
    """Indices that point at equal values agree; one that points elsewhere does not."""
    row = np.array([[3.0, 1.0, 3.0, 2.0]])
    indices = Quantity(Kind.OUTPUT, place)
    chosen = {"jax": [[2, 0, 3, 1]], "torch": [[0, 2, 3, 1]], "tensorflow": [[2, 3, 0, 1]]}

    formed = in_one_form(operation, [row], {n: {indices: Value(np.array(i), "int32")} for n, i in chosen.items()})

    pointed = {name: values[indices].array.tolist() for name, values in formed.items()}
    assert pointed["jax"] == pointed["torch"] == [[3.0, 3.0, 2.0, 1.0]]
    assert pointed["tensorflow"] != pointed["jax"]


@pytest.mark.parametrize(
    ("operation", "configuration", "right", "wrong"),
    [
        ("Argsort", {"axis": 0}, [[2], [0], [1]], [[2], [1], [0]]),
        ("Argsort", {"axis": None}, [2, 0, 1], [2, 1, 0]),
        ("Argpartition", {"axis": 0, "kth": 1}, [[2], [0], [1]], [[1], [0], [2]]),
    ],
)
def test_indices_along_any_axis_and_of_a_partition_point_at_values(operation, configuration, right, wrong):
    """What lies on either side of a partition may come in any order, but on no other side."""
    column, place = np.array([[3.0], [3.5], [1.0]]), Quantity(Kind.OUTPUT, "")
    given = {"jax": [[2], [0], [1]], "torch": right, "tensorflow": wrong}
    arrays = {name: np.reshape(indices, np.shape(right)) for name, indices in given.items()}

    formed = in_one_form(operation, [column], {n: {place: Value(a, "int32")} for n, a in arrays.items()}, configuration)

    pointed = {name: values[place].array.tolist() for name, values in formed.items()}
    assert pointed["jax"] == pointed["torch"] != pointed["tensorflow"]


def test_a_partition_leaves_the_order_on_either_side_open():
    """Of three numbers below the one in the middle any may come first."""
    place, row = Quantity(Kind.OUTPUT, ""), np.array([[5.0, 1.0, 2.0, 3.0]])
    indices = {"jax": [[1, 2, 3, 0]], "torch": [[2, 1, 3, 0]]}
    results = {name: {place: Value(np.array(i), "int32")} for name, i in indices.items()}

    one, other = in_one_form("Argpartition", [row], results, {"kth": 2, "axis": -1}).values()

    assert one[place].array.tolist() == other[place].array.tolist()
    assert choosing_otherwise("Argpartition", [row], [results], {"kth": 2, "axis": -1}) == {"torch"}


def test_who_chooses_otherwise_in_any_precision_is_told():
    """What is computed from that choice differs there, too."""
    _, matrix, first, second = decompositions()[0]
    exact = {"jax": results(*first), "torch": results(*first)}
    rounded = {"jax": results(*first), "torch": results(*second)}

    assert choosing_otherwise("Eigh", [matrix], [exact, rounded]) == {"torch"}
    assert choosing_otherwise("Eigh", [matrix], [exact, exact]) == set()
    assert choosing_otherwise("Matmul", [matrix], [exact, rounded]) == set()


def test_of_a_symmetric_matrix_the_mean_of_both_triangles_is_its_gradient():
    """TensorFlow gives the lower triangle twice; another mean is another gradient."""
    _, matrix, first, _ = decompositions()[0]
    both, lower, wrong = np.ones((2, 3, 3)), 2 * np.tri(3, k=-1) + np.eye(3), np.tri(3)
    given = {"jax": both, "tensorflow": lower * both, "torch": wrong * both}

    formed = in_one_form("Eigh", [matrix], {n: results(*first) | {GRADIENT: Value(g, "")} for n, g in given.items()})

    assert same([formed["jax"][GRADIENT].array], [formed["tensorflow"][GRADIENT].array])
    assert not same([formed["jax"][GRADIENT].array], [formed["torch"][GRADIENT].array])


@pytest.mark.parametrize(("operation", "matrix", "first", "second"), decompositions())
def test_a_decomposition_is_an_answer_whatever_signs_it_has(operation, matrix, first, second):
    """And none if one vector is another, the wrong matrix was decomposed, or something is missing."""
    function = operation.lower()
    wrong = [array.copy() for array in second]
    wrong[-1][..., 0, 0] += 1e-6

    assert is_answer(function, [matrix], first, 1e-13)
    assert is_answer(function, [matrix], second, 1e-13)
    assert not is_answer(function, [matrix], wrong, 1e-13)
    assert not is_answer(function, [1.01 * matrix], first, 1e-13)
    assert not is_answer(function, [matrix], first[:1], 1e-13)


def test_within_a_call_the_same_matrix_must_be_decomposed():
    """Else what came before it differs, which no choice explains."""
    operation, matrix, first, second = decompositions()[1]

    def around(given, made):
        return Around({}, {"svd#0": list(made)}, {"svd#0": [given]})

    assert operation == "SVD"
    assert same_but_for_choices(around(matrix, first), around(matrix, second), "float64")
    scaled = (second[0], 1.01 * second[1], second[2])
    assert not same_but_for_choices(around(matrix, first), around(1.01 * matrix, scaled), "float64")
    assert not same_but_for_choices(around(matrix, first), around(matrix, scaled), "float64")
    assert not same_but_for_choices(around(matrix, first), Around({}, {}, {}), "float64")


def test_a_gradient_belongs_to_the_choice():
    """It is compared where the same was chosen, and left out where not."""
    operation, matrix, first, second = decompositions()[0]

    assert not forms(operation, matrix, first, second)[2]
    assert forms(operation, matrix, first, (first[0] + 1e-9, first[1]))[2]


def test_other_operations_are_left_as_they_are():
    """A sign counts everywhere else."""
    _, matrix, first, second = decompositions()[0]
    one, other, kept = forms("Matmul", matrix, first, second)

    assert kept
    assert not same(one, other)


def test_whole_numbers_one_apart_are_the_same_only_on_the_boundary():
    """All of them, in one and the same way of rounding; a difference of two never is."""
    place = Quantity(Kind.OUTPUT)

    def given(*values: int) -> Results:
        return {place: Value(np.array(values, np.uint8), "uint8")}

    bounds = [np.array([2.0, 4.0]), np.array([3.0, 4.0])]

    assert is_rounding({"jax": given(2, 4), "torch": given(3, 4)}, place, bounds)
    assert not is_rounding({"jax": given(2, 4), "torch": given(3, 5)}, place, bounds)
    assert not is_rounding({"jax": given(2, 4), "torch": given(4, 4)}, place, bounds)
    assert not is_rounding({"jax": given(2, 4), "torch": given(3, 4)}, place, [])
