"""What a model is fed in a check: ordinary draws, and edge draws, since smooth random inputs find few faults.

All of it is drawn by NumPy from the check's seed, in the parent process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_parity.protocol.results import UNKNOWN_SIZE, Bound, InputSpec

# The draw that a loss alone sees: its predictions are exactly 0 and 1.
CERTAIN = "certain predictions"
# The draw that `fit` and `predict` see: two and a half batches of drawn examples.
PARTIAL = "partial batch"
# The draw of zeros, in the model's inputs or, of what penalises a weight, in that weight.
BLANK = "blank"
# The draw of a single example.
BATCH_OF_ONE = "batch of one"
# The draw that the user gave, and the first ordinary one that is drawn.
GIVEN, ORDINARY = "given", "ordinary 1"
# Columns of the user's examples have ranges of their own if the largest numbers of one are so many times another's.
_OTHER_SIZE = 10.0
# The backends of Keras that have no tensors of text.
WITHOUT_STRINGS = ("jax", "torch", "openvino")
# What is drawn for a text of which nothing is known.
WORDS = ("alpha", "beta", "gamma", "delta", "a longer text, with a comma")
_SPECIAL = {"NaN": np.nan, "infinity": np.inf, "subnormal": 1e-40}


@dataclass(frozen=True, eq=False)
class Draw:
    """One set of inputs.

    Attributes:
        name: As reports call it.
        ordinary: Whether it is ordinary data, not an edge case.
        inputs: An array for each input, in order; or, where the user gave them, the structure as given.
        around: Whether it was drawn around the user's examples, so that the model may well refuse it.
    """

    name: str
    ordinary: bool
    inputs: Any
    around: bool = False

    @property
    def is_special(self) -> bool:
        """Whether it holds NaN, infinities or subnormal numbers on purpose."""
        return self.name in _SPECIAL


def draw_inputs(
    specs: Sequence[InputSpec],
    seed: int,
    batch_size: int,
    *,
    ordinary: int = 2,
    edge: bool = True,
    special: bool = False,
) -> list[Draw]:
    """Return the draws of a check.

    Args:
        specs: What the model takes.
        seed: Of the check.
        batch_size: Examples in each draw, but for the one of a single example.
        ordinary: How many ordinary draws.
        edge: Whether to add edge draws.
        special: Whether to add NaN, infinities and subnormal numbers.
    """
    kinds = [(f"ordinary {number}", True) for number in range(1, ordinary + 1)]
    kinds += [(name, False) for name in _edges(specs, edge, special)]
    return [
        Draw(name, is_ordinary, [_draw(spec, name, seed, i, batch_size) for i, spec in enumerate(specs)])
        for name, is_ordinary in kinds
    ]


def draws_around(
    given: Any, seed: int, batch_size: int | None, *, edge: bool = True, special: bool = False
) -> list[Draw]:
    """Return the user's examples as the first draw, and draws of their structure within their ranges.

    One of these is ordinary: real numbers are drawn within the range of the examples, and whole numbers, booleans and
    words are whole rows of the examples, since what one row holds may belong together, as the marks of a mask do.

    Args:
        given: Arrays, in whatever nested structure of lists, tuples and dictionaries the model takes.
        seed: Of the check.
        batch_size: How many examples are in a draw at most; None for a model that takes exactly as many as are given.
        edge: Whether to add the ordinary draw and edge draws.
        special: As in `draw_inputs`.

    Returns:
        The examples alone where the arrays are not all of the same number of examples, as nodes and edges of a graph.
    """
    arrays = [leaf for leaf in leaves_of(given) if _can_be_drawn(leaf)]
    draws = [Draw(GIVEN, True, given)]
    if len({len(array) for array in arrays}) != 1:
        return draws
    count = min(len(arrays[0]), batch_size or len(arrays[0]))
    batch = None if batch_size else count
    specs = [_spec_of_example(f"input {i}", array, batch) for i, array in enumerate(arrays)]
    rows = np.random.default_rng([seed, *ORDINARY.encode()]).permutation(len(arrays[0]))[:count]

    def draw(name: str, ordinary: bool) -> Draw:
        drawn = iter(
            array[rows] if ordinary and spec.discrete else _draw(spec, name, seed, i, count)
            for i, (spec, array) in enumerate(zip(specs, arrays, strict=True))
        )
        inputs = map_leaves(given, lambda leaf: next(drawn) if _can_be_drawn(leaf) else leaf)
        return Draw(name, ordinary, inputs, around=True)

    if edge and not all(spec.discrete for spec in specs):
        draws.append(draw(ORDINARY, ordinary=True))
    return draws + [draw(name, ordinary=False) for name in _edges(specs, edge, special)]


def refuse_strings(specs: Sequence[InputSpec], backends: Sequence[str]) -> dict[str, str]:
    """Return, for each backend that cannot take the inputs as they are text, one line that says so.

    Args:
        specs: The model's inputs.
        backends: What Keras runs on, for each of those that are compared.
    """
    texts = [repr(spec.name) for spec in specs if spec.dtype == "string"]
    if not texts:
        return {}
    what = f"the input {texts[0]} takes text" if len(texts) == 1 else f"the inputs {', '.join(texts)} take text"
    return {
        backend: f"{what}, and Keras has no tensors of text on {backend}: turn text into numbers before the model"
        for backend in backends
        if backend in WITHOUT_STRINGS
    }


def _edges(specs: Sequence[InputSpec], edge: bool, special: bool) -> list[str]:
    names = [BLANK, "constant", "ties", BATCH_OF_ONE] if edge else []
    if edge and any(spec.tokens is None and not spec.vocabulary and spec.dtype != "bool" for spec in specs):
        names += ["large", "tiny"] if not all(spec.discrete for spec in specs) else ["large"]
    return names + (list(_SPECIAL) if special else [])


def _can_be_drawn(leaf: Any) -> bool:
    """Return whether a part of the user's examples holds one value or row for each of them, of a kind that is drawn."""
    if not isinstance(leaf, np.ndarray) or not leaf.ndim or not leaf.size:
        return False
    return leaf.dtype.kind in "biufSU" or all(isinstance(word, str | bytes) for word in leaf.flat)


def _spec_of_example(name: str, array: np.ndarray, batch: int | None) -> InputSpec:
    """Return what the examples of one input tell of it: their range, whole numbers, words, whether it is a mask."""
    shape = (batch, *array.shape[1:])
    if array.dtype.kind in "OSU":
        words = tuple(dict.fromkeys(_as_text(word) for word in array.ravel()))
        return InputSpec(name, shape, "string", vocabulary=words)
    finite = array[np.isfinite(array)]
    if not finite.size:
        return InputSpec(name, shape, array.dtype.name)
    whole = bool((finite == np.round(finite)).all())
    # Each row marks something, as no mask does that has no meaning.
    mask = whole and array.ndim > 1 and set(np.unique(finite)) <= {0, 1} and bool(array.any(axis=-1).all())
    if array.dtype.kind == "b":
        return InputSpec(name, shape, "bool", mask=mask)
    if whole and finite.min() == 0:
        return InputSpec(name, shape, array.dtype.name, tokens=int(finite.max()) + 1, mask=mask)
    low, high = _range_of(array)
    return InputSpec(name, shape, array.dtype.name, low=low, high=high, whole=whole, mask=mask)


def _range_of(array: np.ndarray) -> tuple[Bound, Bound]:
    """Return the least and the greatest finite number; of columns of very different sizes, those of each."""
    columns = array.astype(np.float64).reshape(-1, array.shape[-1] if array.ndim > 1 else 1)
    seen = np.isfinite(columns)
    low = np.min(columns, axis=0, where=seen, initial=np.inf)
    high = np.max(columns, axis=0, where=seen, initial=-np.inf)
    sizes = np.maximum(np.abs(low), np.abs(high))
    if array.ndim > 1 and seen.any(axis=0).all() and sizes.max() > _OTHER_SIZE * sizes.min():
        return tuple(map(float, low)), tuple(map(float, high))
    return float(low.min()), float(high.max())


def _as_text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)


def map_leaves(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return a nested structure of dictionaries, lists, tuples and named tuples with a function applied to its leaves.

    Args:
        value: The structure.
        function: Is given each leaf in order, and returns what stands in its place.
    """
    if isinstance(value, dict):
        return {key: map_leaves(item, function) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [map_leaves(item, function) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def leaves_of(value: Any) -> list[Any]:
    """Return the leaves of a structure as `map_leaves` takes it, in order."""
    leaves: list[Any] = []
    map_leaves(value, leaves.append)
    return leaves


def _draw(spec: InputSpec, kind: str, seed: int, position: int, batch_size: int) -> np.ndarray:
    values = _draw_values(spec, kind, seed, position, batch_size)
    if spec.mask and values.ndim > 1 and values.shape[-1] > 1:  # a lone mark is no row: it may be on or off
        values[..., 0] = 1
    if spec.marker is not None and values.ndim > 2 and (kind.startswith("ordinary") or kind == "ties"):
        _pad(values, spec.marker, np.random.default_rng([seed, position, *b"padding", *kind.encode()]))
    return values


def _pad(values: np.ndarray, marker: float, generator: np.random.Generator) -> None:
    """Let the last steps of rows `(rows, steps, ...)` hold a marker alone; those of the last row in any case."""
    rows, steps = values.shape[:2]
    lengths = generator.integers(steps - steps // 2, steps + 1, rows)
    lengths[-1] = steps - steps // 2
    values[np.arange(steps) >= lengths[:, None]] = marker


def _draw_values(spec: InputSpec, kind: str, seed: int, position: int, batch_size: int) -> np.ndarray:
    generator = np.random.default_rng([seed, position, *kind.encode()])
    batch = 1 if kind == BATCH_OF_ONE else batch_size
    shape = tuple(
        size if size is not None else batch if axis == 0 else UNKNOWN_SIZE for axis, size in enumerate(spec.shape)
    )
    if spec.dtype == "bool":
        return np.full(shape, kind == "constant") if kind in ("blank", "constant") else generator.random(shape) < 0.5
    if spec.vocabulary or spec.dtype == "string":
        words = np.array(spec.vocabulary or WORDS)
        chosen = words[_draw_tokens(generator, kind, shape, len(words), padded=False)]
        return chosen if words.dtype.kind == "U" else _as_whole(chosen, spec.dtype)
    if spec.tokens is not None:
        return _as_whole(_draw_tokens(generator, kind, shape, spec.tokens, spec.padded), spec.dtype)
    if spec.low is None and spec.high is None:
        values = _draw_reals(generator, kind, shape)
    else:
        values = _draw_within(spec, generator, kind, shape)
    if kind in _SPECIAL and not spec.whole:
        values[generator.random(shape) < 0.05] = _SPECIAL[kind]
        values.flat[0] = _SPECIAL[kind]
    if spec.whole:
        return _as_whole(_part_neighbours(values, spec) if spec.distinct else values, spec.dtype)
    # Every precision sees the very same numbers.
    rounded = values.astype(np.float32).astype(np.float64)
    return rounded if np.dtype(spec.dtype).kind not in "iu" else rounded.astype(spec.dtype)


def _draw_reals(generator: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers that nothing bounds."""
    values = generator.standard_normal(shape)
    if kind == "blank":
        return np.zeros(shape)
    if kind == "constant":
        return np.full(shape, 0.5)
    if kind == "ties":
        # Halves from 0 to 1: pooling windows full of equal maxima, and zeros among them.
        return generator.integers(0, 3, shape) / 2
    return np.asarray(values * {"large": 1000, "tiny": 1e-6}.get(kind, 1.0))


def _draw_within(spec: InputSpec, generator: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers from `low` to `high`, either of which may be open."""
    reals = np.abs(_draw_reals(generator, kind, shape))
    if spec.low is None or spec.high is None:
        bound = np.asarray(spec.high if spec.low is None else spec.low, np.float64)
        values = bound - reals if spec.low is None else bound + reals
        if kind in ("blank", "constant", "ties"):  # the usual ones, if they lie within
            values = np.minimum(reals, bound) if spec.low is None else np.maximum(reals, bound)
        return np.asarray(np.round(values) if spec.whole else values)
    low, high = (np.asarray(bound, np.float64) for bound in (spec.low, spec.high))
    nearest_zero = np.clip(np.zeros(shape), low, high)
    if kind == "blank":
        values = nearest_zero
    elif kind == "constant":
        values = np.broadcast_to(low + 0.5 * (high - low), shape)
    elif kind == "ties":
        values = low + (high - low) * generator.integers(0, 3, shape) / 2
    elif kind == "large":
        values = np.broadcast_to(high, shape)
    elif kind == "tiny":
        values = np.clip(nearest_zero + 1e-6 * generator.standard_normal(shape), low, high)
    elif spec.whole:
        values = np.floor(low + (high - low + 1) * generator.random(shape))
    else:
        values = low + (high - low) * generator.random(shape)
    values = np.round(values) if spec.whole else values
    # Rounded to float32 they still lie within.
    inner = [np.nextafter(bound.astype(np.float32), np.float32(to)) for bound, to in ((low, np.inf), (high, -np.inf))]
    inner = [
        np.where(bound.astype(np.float32) == bound, bound, near) for bound, near in zip((low, high), inner, strict=True)
    ]
    return np.array(np.clip(values, *inner) if (inner[0] <= inner[1]).all() else values)


def _draw_tokens(
    generator: np.random.Generator, kind: str, shape: tuple[int, ...], count: int, padded: bool
) -> np.ndarray:
    """Return whole numbers below `count`; of a padded input with zeros at the ends of rows alone."""
    values = generator.integers(0, count, shape)
    if kind == "blank":  # fully padded rows
        values = np.zeros(shape, np.int64)
    elif kind == "constant":  # one repeated token
        values = np.full(shape, min(1, count - 1))
    elif kind == "large":  # the last token
        values = np.full(shape, count - 1)
    elif kind == "ties":  # two tokens only, then padding; the first row has none and the last one nothing else
        values = generator.integers(max(count - 2, 0), count, shape)
        if len(shape) > 1:
            for row in range(shape[0]):
                values[row, shape[1] - row * shape[1] // max(shape[0] - 1, 1) :] = 0
    elif padded and len(shape) > 1 and count > 1:
        lengths = generator.integers(shape[-1] - shape[-1] // 2, shape[-1] + 1, shape[:-1])
        values = generator.integers(1, count, shape)
        values = np.where(np.arange(shape[-1]) < lengths[..., None], values, 0)
    return values


def _part_neighbours(values: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Return whole numbers of which no two neighbours in a row are equal, if there are two of them."""
    low, high = float(np.min(spec.low or 0.0)), float(np.max(spec.high or 0.0))
    if not values.ndim or high <= low:
        return values
    values = values.copy()
    for column in range(1, values.shape[-1]):
        same = values[..., column] == values[..., column - 1]
        other = np.where(values[..., column] < high, values[..., column] + 1, low)
        values[..., column] = np.where(same, other, values[..., column])
    return values


def _as_whole(values: np.ndarray, dtype: str) -> np.ndarray:
    """Return whole numbers as integers, or as floats where the input is one of floats."""
    return values.astype(dtype if np.dtype(dtype).kind in "iu" else np.float64)
