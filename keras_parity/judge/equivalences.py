"""Results that are defined only up to a choice, brought to one form before they are compared.

Eigenvectors and singular vectors have no sign, the factors of a QR decomposition neither; among equal values a sort may
take any first. What is compared is what such a result means: the vectors with their signs fixed, the values that the
indices point at.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from keras_parity.protocol.results import Results, Value

Arrays = dict[str, np.ndarray]


def in_one_form(operation: str, inputs: Sequence[np.ndarray], results: Mapping[str, Results]) -> dict[str, Results]:
    """Return each execution's results with every free choice made in the same way.

    Gradients of what was chosen otherwise belong to the choice: where choices differ, they are left out.

    Args:
        operation: The class of what was called.
        inputs: Its tensors.
        results: By execution.
    """
    raw = {tuple(v.array.tobytes() for q, v in values.items() if _is_output(q)) for values in results.values()}
    if operation not in _FORMS or len(raw) == 1:
        return dict(results)
    formed: dict[str, Results] = {}
    chosen = set()
    for name, values in results.items():
        outputs = {q.name: v.array for q, v in values.items() if _is_output(q)}
        made = _FORMS[operation](outputs, inputs)
        chosen.add(tuple(sorted((place, array.tobytes()) for place, array in _choices(outputs, made).items())))
        formed[name] = {
            q: Value(made[q.name], v.dtype) if _is_output(q) and q.name in made else v for q, v in values.items()
        }
    if len(chosen) > 1:
        return {n: {q: v for q, v in values.items() if q.kind is not Kind.GRADIENT} for n, values in formed.items()}
    return formed


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


def _choices(outputs: Arrays, made: Arrays) -> Arrays:
    """Return which entries the choice has turned round, or which indices were taken."""
    return {
        place: np.sign(outputs[place] * array)
        if array.dtype.kind == "f" == outputs[place].dtype.kind
        else outputs[place]
        for place, array in made.items()
        if outputs[place].shape == array.shape
    }


def _signs(vectors: np.ndarray) -> np.ndarray:
    """Return for each column of matrices the sign of its largest entry, as a row."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=-2, keepdims=True), axis=-2)
    return np.where(largest < 0, -1.0, 1.0)


def _eigenvectors(outputs: Arrays, inputs: Sequence[np.ndarray]) -> Arrays:
    vectors = outputs.get("[1]")
    return {} if vectors is None or vectors.dtype.kind != "f" else {"[1]": vectors * _signs(vectors)}


def _singular_vectors(outputs: Arrays, inputs: Sequence[np.ndarray]) -> Arrays:
    if not {"[0]", "[2]"} <= set(outputs):  # the values alone are unique
        return {}
    left, right = outputs["[0]"], outputs["[2]"]
    shared = min(left.shape[-1], right.shape[-2])
    # Vectors beyond the matrix's rank are any basis of what is left: nothing but their number is defined.
    left_part, right_part = left[..., :shared], right[..., :shared, :]
    signs = _signs(left_part)
    return {
        "[0]": np.concatenate([left_part * signs, np.zeros_like(left[..., shared:])], axis=-1),
        "[2]": np.concatenate(
            [right_part * np.swapaxes(signs, -1, -2), np.zeros_like(right[..., shared:, :])], axis=-2
        ),
    }


def _qr_factors(outputs: Arrays, inputs: Sequence[np.ndarray]) -> Arrays:
    orthogonal, triangular = outputs["[0]"], outputs["[1]"]
    shared = min(orthogonal.shape[-1], triangular.shape[-2])
    diagonal = np.diagonal(triangular, axis1=-2, axis2=-1)
    signs = np.ones((*triangular.shape[:-2], orthogonal.shape[-1]))
    signs[..., : diagonal.shape[-1]] = np.where(diagonal < 0, -1.0, 1.0)
    made = orthogonal * signs[..., None, :]
    made[..., shared:] = 0.0
    return {"[0]": made, "[1]": triangular * signs[..., : triangular.shape[-2], None]}


def _sorted_values(outputs: Arrays, inputs: Sequence[np.ndarray]) -> Arrays:
    """Return the values that the indices of `argsort` or `top_k` point at; along the last axis."""
    place = "[1]" if "[1]" in outputs else ""
    indices = outputs.get(place)
    if indices is None or indices.dtype.kind not in "iu" or indices.ndim != inputs[0].ndim:
        return {}
    size = inputs[0].shape[-1]
    if indices.shape[:-1] != inputs[0].shape[:-1] or not ((indices >= 0) & (indices < size)).all():
        return {}
    return {place: np.take_along_axis(inputs[0], indices.astype(np.int64), axis=-1)}


_FORMS: dict[str, Callable[[Arrays, Sequence[np.ndarray]], Arrays]] = {
    "Eigh": _eigenvectors,
    "SVD": _singular_vectors,
    "Qr": _qr_factors,
    "TopK": _sorted_values,
    "Argsort": _sorted_values,
}
