"""Results that are defined only up to a choice, brought to one form before they are compared.

Eigenvectors and singular vectors have no sign, the factors of a QR decomposition neither; among equal values a sort may
take any first, and a partition leaves the order on either side open. What is compared is what such a result means: the
vectors with their signs fixed, the values that the indices point at.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_parity.judge.accuracy import ACCURATE
from keras_parity.judge.difference import distance, largest
from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from keras_parity.protocol.results import Around, Results, Value
from keras_parity.protocol.rounding import UNIT_ROUNDOFF

Arrays = dict[str, np.ndarray]
# The backend's functions that `is_answer` knows.
DECOMPOSITIONS = frozenset({"eigh", "qr", "svd"})
# The results in their form, and the choice that was made, as the signs or the indices.
Formed = tuple[Arrays, np.ndarray]
_NONE = np.zeros(0)
# Entries of a vector at least so large as a part of its largest are as large: which is larger, a rounding decides.
_AS_LARGE = 0.99


def in_one_form(
    operation: str,
    inputs: Sequence[np.ndarray],
    results: Mapping[str, Results],
    configuration: Mapping[str, object] | None = None,
) -> dict[str, Results]:
    """Return each execution's results with every free choice made in the same way.

    Gradients of what was chosen otherwise belong to the choice: where choices differ, they are left out.

    Args:
        operation: The class of what was called.
        inputs: Its tensors.
        results: By execution.
        configuration: What the operation was made with, as its `axis`.
    """
    if operation not in _FORMS:
        return dict(results)
    formed: dict[str, Results] = {}
    for name, values in results.items():
        made, _ = _FORMS[operation](_outputs_of(values), inputs, configuration or {})
        formed[name] = {
            q: Value(made[q.name], v.dtype) if _is_output(q) and q.name in made else v for q, v in values.items()
        }
    if choosing_otherwise(operation, inputs, [results], configuration):
        return {n: {q: v for q, v in values.items() if q.kind is not Kind.GRADIENT} for n, values in formed.items()}
    return {n: _of_symmetric_matrices(values) for n, values in formed.items()} if operation == "Eigh" else formed


def choosing_otherwise(
    operation: str,
    inputs: Sequence[np.ndarray],
    everyone: Sequence[Mapping[str, Results]],
    configuration: Mapping[str, object] | None = None,
) -> set[str]:
    """Return which executions make another free choice than the first one does in the first of some precisions.

    Args:
        operation: The class of what was called.
        inputs: Its tensors.
        everyone: Results by execution, for each precision.
        configuration: What the operation was made with.
    """
    if operation not in _FORMS:
        return set()
    choices = [
        (name, _FORMS[operation](_outputs_of(values), inputs, configuration or {})[1].tobytes())
        for results in everyone
        for name, values in results.items()
    ]
    return {name for name, choice in choices if choice != choices[0][1]}


def same_but_for_choices(there: Around, here: Around, dtype: str) -> bool:
    """Return whether two executions decompose the same matrices within a call, each rightly, in whatever way.

    Args:
        there: The one's call, in float64.
        here: The other's.
        dtype: What the other computes in.
    """
    error = ACCURATE * UNIT_ROUNDOFF[dtype]
    if there.taken.keys() != here.taken.keys() or not here.taken:
        return False
    for key, given in here.taken.items():
        function, others = key.partition("#")[0], there.taken[key]
        if [array.shape for array in given] != [array.shape for array in others]:
            return False
        if any(distance(one, other) > error * largest([one]) for one, other in zip(given, others, strict=True)):
            return False
        if not is_answer(function, given, here.within[key], error):
            return False
        if not is_answer(function, others, there.within[key], ACCURATE * UNIT_ROUNDOFF["float64"]):
            return False
    return True


def is_answer(function: str, given: Sequence[np.ndarray], found: Sequence[np.ndarray], error: float) -> bool:
    """Return whether matrices are a decomposition of the given one, whatever choices were made.

    Args:
        function: One of `DECOMPOSITIONS`.
        given: What it took: float64 matrices, of whatever precision.
        found: What it gave.
        error: How far a product may be off, relative to the matrix and for each of its columns.
    """
    parts = {"eigh": 2, "svd": 3, "qr": 2}
    matrix = given[0]
    if len(found) != parts[function] or not all(np.isfinite(array).all() for array in (matrix, *found)):
        return False
    if function == "eigh":
        values, vectors = found
        products, orthogonal = [(matrix @ vectors, vectors * values[..., None, :])], [vectors]
    elif function == "svd":
        left, values, right = found
        shared = values.shape[-1]
        products = [((left[..., :shared] * values[..., None, :]) @ right[..., :shared, :], matrix)]
        products.append((-np.sort(-np.abs(values), axis=-1), values))
        orthogonal = [left, np.swapaxes(right, -1, -2)]
    else:
        left, right = found
        products, orthogonal = [(left @ right, matrix), (np.triu(right), right)], [left]
    size = error * max(matrix.shape[-2:])
    return all(distance(one, other) <= size * max(largest([matrix]), 1e-30) for one, other in products) and all(
        distance(np.swapaxes(one, -1, -2) @ one, np.eye(one.shape[-1])) <= size for one in orthogonal
    )


def is_rounding(results: Mapping[str, Results], quantity: Quantity, bounds: Sequence[np.ndarray]) -> bool:
    """Return whether executions differ in whole numbers only where a real number lies on the boundary between two.

    Args:
        results: By execution.
        quantity: Which result.
        bounds: Pairs of the lowest and the highest whole numbers that the real ones may become, one pair for each way.
    """
    arrays = [values[quantity].array for values in results.values() if quantity in values]
    if any(array.shape != arrays[0].shape or array.dtype.kind not in "iu" for array in arrays):
        return False
    lowest, highest = (extreme(np.stack(arrays).astype(np.float64), axis=0) for extreme in (np.min, np.max))
    apart = lowest < highest
    ways = [
        ~apart | ((low <= lowest) & (highest <= high))
        for low, high in zip(bounds[::2], bounds[1::2], strict=True)
        if low.shape == apart.shape
    ]
    # One way holds for the whole result.
    return bool((highest - lowest).max(initial=0.0) <= 1.0) and any(way.all() for way in ways)


def _is_output(quantity: Quantity) -> bool:
    return quantity.kind is Kind.OUTPUT and quantity.aspect is Aspect.VALUE


def _outputs_of(values: Results) -> Arrays:
    return {quantity.name: value.array for quantity, value in values.items() if _is_output(quantity)}


def _of_symmetric_matrices(values: Results) -> Results:
    """Return results with the gradients of matrices that are symmetric, of which the mean of both triangles counts."""
    return {
        q: Value((v.array + np.swapaxes(v.array, -1, -2)) / 2, v.dtype)
        if q.kind is Kind.GRADIENT and v.array.ndim > 1
        else v
        for q, v in values.items()
    }


def _signs(vectors: np.ndarray) -> np.ndarray:
    """Return for each column of matrices the sign of its first entry that is as good as the largest, as a row."""
    sizes = np.abs(vectors)
    first = (sizes >= _AS_LARGE * sizes.max(axis=-2, keepdims=True, initial=0.0)).argmax(axis=-2, keepdims=True)
    return np.where(np.take_along_axis(vectors, first, axis=-2) < 0, -1.0, 1.0)


def _eigenvectors(outputs: Arrays, inputs: Sequence[np.ndarray], configuration: Mapping[str, object]) -> Formed:
    vectors = outputs.get("[1]")
    if vectors is None or vectors.dtype.kind != "f":
        return {}, _NONE
    signs = _signs(vectors)
    return {"[1]": vectors * signs}, signs


def _singular_vectors(outputs: Arrays, inputs: Sequence[np.ndarray], configuration: Mapping[str, object]) -> Formed:
    if not {"[0]", "[2]"} <= set(outputs):  # the values alone are unique
        return {}, _NONE
    left, right = outputs["[0]"], outputs["[2]"]
    shared = min(left.shape[-1], right.shape[-2])
    # Vectors beyond the matrix's rank are any basis of what is left: nothing but their number is defined.
    left_part, right_part = left[..., :shared], right[..., :shared, :]
    signs = _signs(left_part)
    made = {
        "[0]": np.concatenate([left_part * signs, np.zeros_like(left[..., shared:])], axis=-1),
        "[2]": np.concatenate(
            [right_part * np.swapaxes(signs, -1, -2), np.zeros_like(right[..., shared:, :])], axis=-2
        ),
    }
    return made, signs


def _qr_factors(outputs: Arrays, inputs: Sequence[np.ndarray], configuration: Mapping[str, object]) -> Formed:
    orthogonal, triangular = outputs["[0]"], outputs["[1]"]
    shared = min(orthogonal.shape[-1], triangular.shape[-2])
    diagonal = np.diagonal(triangular, axis1=-2, axis2=-1)
    signs = np.ones((*triangular.shape[:-2], orthogonal.shape[-1]))
    signs[..., : diagonal.shape[-1]] = np.where(diagonal < 0, -1.0, 1.0)
    made = orthogonal * signs[..., None, :]
    made[..., shared:] = 0.0
    return {"[0]": made, "[1]": triangular * signs[..., : triangular.shape[-2], None]}, signs


def _sorted_values(outputs: Arrays, inputs: Sequence[np.ndarray], configuration: Mapping[str, object]) -> Formed:
    """Return the values that the indices of `argsort`, `argpartition` or `top_k` point at.

    Of a partition's two sides the order within has no meaning: they come sorted.
    """
    place = "[1]" if "[1]" in outputs else ""
    indices, values, axis = outputs.get(place), inputs[0], configuration.get("axis", -1)
    if axis is None:
        values, axis = values.ravel(), -1
    if indices is None or indices.dtype.kind not in "iu" or not isinstance(axis, int) or indices.ndim != values.ndim:
        return {}, _NONE
    indices, values = np.moveaxis(indices, axis, -1), np.moveaxis(values, axis, -1)
    if indices.shape[:-1] != values.shape[:-1] or not ((indices >= 0) & (indices < values.shape[-1])).all():
        return {}, _NONE
    pointed = np.take_along_axis(values, indices.astype(np.int64), axis=-1)
    kth = configuration.get("kth")
    if isinstance(kth, int) and indices.shape == values.shape:
        sides = np.split(pointed, [kth % pointed.shape[-1], kth % pointed.shape[-1] + 1], axis=-1)
        pointed = np.concatenate([np.sort(side, axis=-1) for side in sides], axis=-1)
    return {place: np.moveaxis(pointed, -1, axis)}, indices.astype(np.int64)


_FORMS: dict[str, Callable[[Arrays, Sequence[np.ndarray], Mapping[str, object]], Formed]] = {
    "Eigh": _eigenvectors,
    "SVD": _singular_vectors,
    "Qr": _qr_factors,
    "TopK": _sorted_values,
    "Argsort": _sorted_values,
    "Argpartition": _sorted_values,
}
