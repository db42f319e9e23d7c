"""Which values a model's inputs can take: learned by running it a few times and watching where they go.

What a value of an input does is tried, not derived: each input in turn is held at a constant, the others at another,
and what changes where the model looks something up comes from that input. So it does not matter through which of a
layer's own computations it went.
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from keras_parity.errors import quote
from keras_parity.protocol.results import UNKNOWN_SIZE, UNKNOWN_TOKENS, Bound, InputSpec, LearnedInputs, Tried
from keras_parity.worker import keras_internals
from keras_parity.worker.capture import is_tensor, to_numpy
from keras_parity.worker.tensors import Structure

# Runs a model on a list of arrays, one for each input.
Run = Callable[[list[np.ndarray]], Any]
# Tells from a call's arguments what one of them is used for, as `_Recorder.note` takes it; None for nothing.
_Describe = Callable[[dict[str, Any]], dict[str, Any] | None]

INDEX, DOMAIN, MASK, MARKED, SUITED, WORDS = "index", "domain", "mask", "marked", "suited", "words"
# Sizes to try where the model does not run with the usual one, as of positions or of halved and doubled images.
_SIZES = (UNKNOWN_SIZE, 8, 16, 32, 64, 4, 2, 1, 128)
# Constants to try in the search for one that the model takes.
_STARTS = (0.0, 1.0, 0.5, 2.0, 3.0, -1.0, 5.0, 10.0, 100.0)
# As good as unbounded.
_FAR = 1e6
_TINY = float(np.finfo(np.float32).tiny)
_BATCH = 2
_PROBE_WORDS = ("keras", "parity")


@dataclass(frozen=True)
class Use:
    """Something that the model does with a tensor.

    Attributes:
        kind: `index` into a table, `domain` of a function, `mask`, `marked` steps of a padding, `suited` values of a
            layer, or `words` looked up.
        label: Where, for people.
        values: The tensor.
        low: The least value that is allowed.
        high: The greatest.
        suits: What values are usual here, by bounds.
        words: What values are known here.
        padding: Whether a zero is a padding here.
        distinct: Whether neighbours in a row are to differ.
        marker: The value that marks a padded step here.
    """

    kind: str
    label: str
    values: np.ndarray
    low: float = -math.inf
    high: float = math.inf
    suits: tuple[Bound, Bound] | None = None
    words: tuple[str | int, ...] = ()
    padding: bool = False
    distinct: bool = False
    marker: float | None = None

    @property
    def violation(self) -> str | None:
        """What lies out of range, in words; None if nothing does."""
        if self.kind not in (INDEX, DOMAIN) or not self.values.size:
            return None
        values = np.trunc(self.values) if self.kind == INDEX else self.values
        with np.errstate(invalid="ignore"):
            wrong = values[~((values >= self.low) & (values <= self.high))]
        if not wrong.size:
            return None
        return f"{wrong.flat[0]:g} is out of the range from {self.low:g} to {self.high:g} at {self.label}"

    @property
    def constant(self) -> bool:
        """Whether all values are the same."""
        return bool(self.values.size) and bool((self.values == self.values.flat[0]).all())


# Which run of the model, where, and the how manieth time there.
Key = tuple[int, str, int]
Uses = dict[Key, Use]


class _Enough(Exception):  # noqa: N818 - no error: all that was wanted has been seen
    """The rest of the run is of no interest."""


@dataclass
class _Recorder:
    number: int = 0
    last: Key | None = None
    uses: Uses = field(default_factory=dict)
    suspended: bool = False
    _counts: dict[str, int] = field(default_factory=dict)

    def note(self, kind: str, label: str, tensor: Any, **rest: Any) -> Use | None:
        """Keep a use of a tensor; a traced one has no values to tell."""
        try:
            values = np.asarray(tensor) if isinstance(tensor, np.ndarray | list | tuple) else _values(tensor)
        except Exception:  # whatever a backend raises for a tensor of a graph
            return None
        use = Use(kind, label, values, **rest)
        count = self._counts[label] = self._counts.get(label, 0) + 1
        self.uses[self.number, label, count] = use
        if self.last is not None and (label, count) == self.last[1:]:
            raise _Enough
        return use

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Note nothing for a while: what is called within has been noted as a whole."""
        before, self.suspended = self.suspended, True
        try:
            yield
        finally:
            self.suspended = before


def learn_inputs(runs: Sequence[Run], specs: Sequence[InputSpec]) -> LearnedInputs:
    """Return what can be learned of a model's inputs.

    Args:
        runs: Run the model, eagerly and in inference mode, in one precision or in two: the ranges hold in both.
        specs: What is known of its inputs.

    Returns:
        The same inputs where the model cannot be run.
    """
    probe = _find_sizes(runs, list(specs))
    if probe is None:
        return LearnedInputs(list(specs))
    learned = [probe.learn(i) for i in range(len(specs))]
    doubtful = probe.doubtful or probe.is_doubtful(learned)
    return LearnedInputs(learned, doubtful, tuple(sorted(probe.sizes)))


def try_inputs(runs: Sequence[Run], inputs: Any, watched: bool) -> Tried:
    """Return what a model's run on a draw came to, the last one of `runs` where there are several.

    Args:
        runs: As in `learn_inputs`.
        inputs: A list of arrays in the order of the model's flattened inputs, or the structure to call it with.
        watched: Whether to see what it uses as an index: one out of range is told, and brought into it.
    """
    violation = raised = None
    usable = False
    for run in runs:
        recorder = _Recorder()
        try:
            with _watching(recorder) if watched else nullcontext():
                usable = _is_usable(run(inputs))
            raised = None
        except Exception as error:  # the model's own code may raise anything
            usable, raised = False, f"{type(error).__name__}: {quote(error, limit=400)}"
        out = (use.violation for use in recorder.uses.values() if use.kind == INDEX and use.violation)
        violation = violation or next(out, None)
    return Tried(violation, raised, usable)


def _is_usable(outputs: Structure) -> bool:
    """Return whether outputs hold no NaN and some finite number, as far as they are floats."""
    arrays = [to_numpy(leaf) for leaf in keras.tree.flatten(outputs) if is_tensor(leaf) and not _is_text(leaf)]
    floats = [array for array in arrays if array.dtype.kind == "f" and array.size]
    return not any(np.isnan(a).any() for a in floats) and (not floats or any(np.isfinite(a).any() for a in floats))


@dataclass
class _Probe:
    """A model under observation.

    Attributes:
        runs: As in `learn_inputs`.
        specs: The inputs.
        rest: The constant that the inputs hold that are not tried.
        base: The uses where all inputs hold it.
        doubtful: As in `LearnedInputs`.
        sizes: Likewise.
    """

    runs: Sequence[Run]
    specs: list[InputSpec]
    rest: float
    base: Uses
    doubtful: bool = False
    sizes: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sizes = {int(u.high) + 1 for u in self.base.values() if u.kind == INDEX and 0 < u.high < _FAR}

    def learn(self, position: int) -> InputSpec:
        """Return what one input can take."""
        spec = self.specs[position]
        if not self.base:
            return spec
        other = 1.0 - self.rest
        changed = self._uses(position, other)
        if changed is None:
            return spec
        changed = {key: use for key, use in changed.items() if _differs(use, self.base.get(key))}
        words = next((u for u in changed.values() if u.kind == WORDS and _is_the(u, spec, other)), None)
        if words is not None and words.words:
            return replace(spec, tokens=None, vocabulary=words.words, reason=f"looked up by {words.label}")
        if spec.dtype == "string":
            return spec
        if spec.dtype == "bool":
            label = next((u.label for u in changed.values() if u.kind == MASK and _is_the(u, spec, other)), None)
            return spec if label is None else replace(spec, mask=True, reason=f"a mask at {label}")
        fraction = self._uses(position, 0.5) or {} if not _is_integer(spec.dtype) else {}
        padded = self._is_padded(changed)
        hard = {
            key: use
            for key, use in changed.items()
            if use.kind == INDEX or (use.kind == DOMAIN and use.constant and self.base[key].constant)
        }
        if hard:
            return self._bounded(position, hard, fraction, padded)
        identical = [
            use
            for key, use in changed.items()
            if _is_the(use, spec, other) and (not fraction or _is_the(fraction.get(key), spec, 0.5))
        ]
        if any(use.kind == MASK for use in identical):
            label = next(use.label for use in identical if use.kind == MASK)
            return replace(spec, tokens=2, padded=True, mask=True, reason=f"a mask at {label}")
        spec = replace(spec, marker=next((use.marker for use in identical if use.kind == MARKED), None))
        if _is_integer(spec.dtype):  # it goes to no table: how many there are is anyone's guess
            spec = replace(spec, tokens=UNKNOWN_TOKENS)
        suited = next((use for use in identical if use.kind == SUITED), None)
        if suited is not None and suited.suits is not None and not _is_integer(spec.dtype):
            low, high = suited.suits
            return replace(spec, tokens=None, low=low, high=high, reason=f"usual values of {suited.label}")
        if suited is not None and suited.suits is not None and np.ndim(suited.suits[0]) == 0:
            low, high = (float(np.round(bound)) for bound in suited.suits)
            limits = np.iinfo(spec.dtype)
            bounds: dict[str, Any] = {"low": max(low, float(limits.min)), "high": min(high, float(limits.max))}
            return replace(spec, tokens=None, whole=True, reason=f"usual values of {suited.label}", **bounds)
        return spec

    def _bounded(self, position: int, hard: Uses, fraction: Uses, padded: bool) -> InputSpec:
        """Return an input whose values may not leave a range."""
        spec = self.specs[position]
        integer = _is_integer(spec.dtype)
        index = {key: use for key, use in hard.items() if use.kind == INDEX}
        cut = {key for key in index if key in fraction and not _differs(fraction[key], self._at_zero(key))}
        direct = {key for key, use in index.items() if _is_the(use, spec, 1.0 - self.rest)}
        whole = integer or bool(cut & direct) or (bool(index) and cut >= set(index))
        last = list(hard)[-1]

        @functools.cache
        def takes(value: float) -> bool:
            uses = self._uses(position, value, last)
            return uses is not None and not any(uses[key].violation for key in hard if key in uses)

        start = next((value for value in _STARTS if (not whole or value == int(value)) and takes(value)), None)
        self.doubtful |= start is None or not direct >= set(index)
        if start is None:
            return spec
        limits = np.iinfo(spec.dtype) if integer else None
        least, most = (float(limits.min), float(limits.max)) if limits else (-math.inf, math.inf)
        low = _find_bound(takes, start, max(start - _FAR, least), whole, self._guess(hard, np.min))
        high = _find_bound(takes, start, min(start + _FAR, most), whole, self._guess(hard, np.max))
        label = next(iter(index.values()), next(iter(hard.values()))).label
        distinct = any(use.distinct for use in index.values())
        known: dict[str, Any] = {"padded": padded, "distinct": distinct, "reason": f"goes to {label}"}
        if low is None and high is None:
            return spec
        if integer and low == 0 and high is None:  # bins of a count, of which there may be any number
            high = UNKNOWN_TOKENS - 1.0
        if whole and high is not None and (low is None or low <= 0) and high >= 0 and not distinct:
            return replace(spec, tokens=int(high) + 1, **known)
        return replace(spec, tokens=None, low=low, high=high, whole=whole, **known)

    def is_doubtful(self, learned: Sequence[InputSpec]) -> bool:
        """Return whether an index may leave its range after all, as one that is computed from neighbours or two inputs.

        The inputs hold their least and their greatest value in turn; an index that is neither comes from elsewhere.
        """
        if not any(use.kind == INDEX for use in self.base.values()):
            return False
        arrays = [_alternating(spec) for spec in learned]
        uses = _observe(self.runs, arrays, None)
        if uses is None:
            return True
        given = [set(np.trunc(array).ravel().tolist()) for array in arrays if array.dtype.kind in "iuf"]
        for key, use in uses.items():
            if use.kind != INDEX or not _differs(use, self.base.get(key)):
                continue
            values = set(np.trunc(use.values).ravel().tolist())
            if use.violation or not any(values <= known for known in given):
                return True
        return False

    def _guess(self, hard: Uses, extreme: Callable[[np.ndarray], Any]) -> list[float]:
        """Return where the bounds lie if the index grows with the input as it does from one constant to the other."""
        found = []
        for key, use in hard.items():
            before, after = (float(extreme(u.values)) for u in (self.base[key], use))
            if after != before and np.isfinite([before, after]).all():
                slope = (after - before) / (1.0 - 2 * self.rest)
                limits = [limit for limit in (use.low, use.high) if np.isfinite(limit)]
                found += [self.rest + (limit - before) / slope for limit in limits]
        return found

    def _is_padded(self, changed: Uses) -> bool:
        """Return whether a zero is a padding: so says an embedding, or a mask that is false where the input is zero."""
        if any(use.padding for use in changed.values()):
            return True
        for key, use in changed.items():
            if use.kind == MASK and use.constant and self.base[key].constant:
                zero, one = (self.base[key], use) if self.rest == 0 else (use, self.base[key])
                if not zero.values.flat[0] and one.values.flat[0]:
                    return True
        return False

    def _at_zero(self, key: Key) -> Use | None:
        return self.base[key] if self.rest == 0 else None

    def _uses(self, position: int, value: float, last: Key | None = None) -> Uses | None:
        arrays = [_constant(s, value if i == position else self.rest) for i, s in enumerate(self.specs)]
        return _observe(self.runs, arrays, last or list(self.base)[-1])


def _find_sizes(runs: Sequence[Run], specs: list[InputSpec]) -> _Probe | None:
    """Return a probe of a model that runs, with sizes for the unknown ones of its inputs if the usual one is none."""
    unknown = any(size is None for spec in specs for size in spec.shape[1:])
    for size in _SIZES if unknown else (UNKNOWN_SIZE,):
        sized = [replace(s, shape=s.shape[:1] + tuple(size if n is None else n for n in s.shape[1:])) for s in specs]
        for rest in (0.0, 1.0):
            base = _observe(runs, [_constant(spec, rest) for spec in sized], None)
            if base is not None:
                return _Probe(runs, specs if size == UNKNOWN_SIZE else sized, rest, base)
    return None


def _find_bound(
    takes: Callable[[float], bool], start: float, far: float, whole: bool, guesses: list[float]
) -> float | None:
    """Return the last number from `start` on towards `far` that is taken; None if all are."""
    if far == start:
        return start
    if takes(far):
        return None
    step = math.copysign(1.0 if whole else 1e-3, far - start)
    good, bad = start, far
    for guess in guesses:
        near = float(np.floor(guess) if step > 0 else np.ceil(guess)) if whole else guess
        for value in (near, near + step):
            if not (min(good, bad) < value < max(good, bad)):
                continue
            good, bad = (value, bad) if takes(value) else (good, value)
    while abs(bad - good) > (1 if whole else 1e-3 * max(1.0, abs(good))):
        middle = (good + bad) / 2
        if whole:
            middle = good + math.copysign(abs(bad - good) // 2, step)
        good, bad = (middle, bad) if takes(middle) else (good, middle)
    return good


def _observe(runs: Sequence[Run], arrays: list[np.ndarray], last: Key | None) -> Uses | None:
    """Return what a model does with its inputs; None if it raises."""
    found: Uses = {}
    for number, run in enumerate(runs):
        recorder = _Recorder(number, last)
        try:
            with _watching(recorder):
                run(arrays)
        except _Enough:
            pass
        except Exception:  # the model's own code may raise anything
            return None
        found |= recorder.uses
    return found


@contextmanager
def _watching(recorder: _Recorder) -> Iterator[None]:
    """Let the recorder see what becomes of tensors, for the time of the `with` block.

    An index out of range is brought into it, so that the run goes on.
    """
    layer_call = keras.Layer.__call__

    def call_layer(self: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if recorder.suspended:
            return layer_call(self, *args, **kwargs)
        for name, value in kwargs.items():
            if name.endswith("mask") and is_tensor(value):
                recorder.note(MASK, f"{_place(self)}, {name}", value)
        (first, *rest), named = (args, kwargs) if args else ((kwargs.get("inputs"),), {**kwargs, "inputs": None})
        if not is_tensor(first) or kwargs.get("reverse"):  # an embedding that is used backwards takes no index
            return layer_call(self, *args, **kwargs)
        noted = _note_layer(recorder, self, first)
        if noted is None:
            return layer_call(self, *args, **kwargs)
        named.pop("inputs", None)
        with recorder.suspend():
            return layer_call(self, _bring_within(first, noted), *rest, **named)

    with ExitStack() as stack:
        for name, functions in _WATCHED.items():
            module = keras_internals.backend_module(name)
            own = {
                function: _watched(recorder, getattr(module, function), function, arguments)
                for function, arguments in functions.items()
            }
            stack.enter_context(keras_internals.replaced_functions(module, own))
        keras.Layer.__call__ = call_layer
        try:
            yield
        finally:
            keras.Layer.__call__ = layer_call


def _watched(
    recorder: _Recorder, function: Callable[..., Any], name: str, arguments: dict[str, _Describe]
) -> Callable[..., Any]:
    """Return a backend's function that tells the recorder of its arguments first."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if recorder.suspended:
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        with recorder.suspend():
            if "start_indices" in bound.arguments:
                _note_starts(recorder, f"ops.{name}", bound.arguments)
            for argument, describe in arguments.items():
                value = bound.arguments[argument]
                told = describe(bound.arguments) if is_tensor(value) else None
                if told is None:
                    continue
                use = recorder.note(told.pop("kind"), f"ops.{name}", value, **told)
                if use is not None and use.kind == INDEX:
                    bound.arguments[argument] = _bring_within(value, use)
            return function(*bound.args, **bound.kwargs)

    return call


def _note_starts(recorder: _Recorder, label: str, arguments: dict[str, Any]) -> None:
    """Note where a slice begins on each axis, as far as tensors tell: it may not reach beyond the end."""
    lengths = arguments["shape"] if "shape" in arguments else arguments["updates"].shape
    for axis, (size, length) in enumerate(zip(arguments["inputs"].shape, lengths, strict=False)):
        start = arguments["start_indices"][axis]
        if is_tensor(start):
            last = int(size) - max(int(length), 1)  # a length of -1 takes all that is left
            recorder.note(INDEX, f"{label}, axis {axis}", start, low=0, high=last)


def _bring_within(tensor: Any, use: Use) -> Any:
    """Return a tensor of indices or words within what the model can look up."""
    if use.kind == WORDS and use.words and use.padding:
        filled = np.full(use.values.shape, use.words[0])
        return filled if filled.dtype.kind == "U" else keras.ops.convert_to_tensor(filled)
    if use.kind != INDEX or use.violation is None:
        return tensor
    low, high = max(use.low, -_FAR), min(use.high, _FAR)
    values = np.clip(np.nan_to_num(np.trunc(use.values)), low, high)
    return keras.ops.convert_to_tensor(values, dtype=keras.backend.standardize_dtype(tensor.dtype))


def _note_layer(recorder: _Recorder, layer: keras.Layer, tensor: Any) -> Use | None:
    """Note what a layer of Keras looks up as a whole; return that, or None for other layers."""
    label = _place(layer)
    kinds = keras.layers
    if isinstance(layer, kinds.Embedding):
        label = f"{label} of {layer.input_dim} entries"
        return recorder.note(INDEX, label, tensor, low=0, high=layer.input_dim - 1, padding=layer.mask_zero)
    if isinstance(layer, kinds.CategoryEncoding):
        return recorder.note(INDEX, label, tensor, low=0, high=layer.num_tokens - 1)
    if isinstance(layer, kinds.StringLookup | kinds.IntegerLookup):
        if layer.invert:
            return recorder.note(INDEX, label, tensor, low=0, high=layer.vocabulary_size() - 1)
        words = tuple(_plain(word) for word in layer.get_vocabulary(include_special_tokens=False))
        strict = layer.num_oov_indices == 0
        return recorder.note(WORDS, label, tensor, words=words if strict else _with_unknown(words), padding=strict)
    if isinstance(layer, kinds.TextVectorization):
        return recorder.note(WORDS, label, tensor, words=_sentences(layer.get_vocabulary()[2:]))
    if isinstance(layer, kinds.Masking):
        recorder.note(MARKED, label, tensor, marker=float(layer.mask_value))
    suits = _suited(layer)
    if suits is not None:
        recorder.note(SUITED, label, tensor, suits=suits)
    return None


def _suited(layer: keras.Layer) -> tuple[Bound, Bound] | None:
    """Return the bounds of the values that a layer of Keras is made for; None for one that says nothing of them."""
    kinds = keras.layers
    if isinstance(layer, kinds.Rescaling) and np.ndim(layer.scale) == 0:
        return _image_range(float(layer.scale), float(np.mean(layer.offset)))
    if isinstance(layer, kinds.Normalization) and not layer.invert and layer.mean is not None:
        mean, variance = (to_numpy(keras.ops.convert_to_tensor(v)) for v in (layer.mean, layer.variance))
        if any(size != 1 for size in mean.shape[:-1]):
            return None
        spread = 2 * np.sqrt(np.maximum(variance, 0))
        low, high = (tuple(float(v) for v in np.ravel(bound)) for bound in (mean - spread, mean + spread))
        return (low, high) if len(low) > 1 else (low[0], high[0])
    if isinstance(layer, kinds.Discretization) and layer.bin_boundaries:
        first, last = float(min(layer.bin_boundaries)), float(max(layer.bin_boundaries))
        margin = (last - first) / 2 or 1.0
        return first - margin, last + margin
    limits = getattr(layer, "value_range", None)
    if isinstance(limits, list | tuple) and len(limits) == 2:
        return float(limits[0]), float(limits[1])
    return None


def _image_range(scale: float, offset: float) -> tuple[float, float] | None:
    """Return what a rescaling brings to numbers around 0 to 1: bytes, for the usual scales."""
    if scale <= 0:
        return None
    if 1 / 300 <= scale <= 1 / 60:
        return 0.0, 255.0
    return (-1.0 - offset) / scale, (1.0 - offset) / scale


def _place(layer: keras.Layer) -> str:
    return f"{type(layer).__name__} {layer.name!r}"


def _plain(word: Any) -> str | int:
    return word.decode() if isinstance(word, bytes) else word if isinstance(word, str) else int(word)


def _with_unknown(words: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the known values with one more that is not known."""
    if not words or isinstance(words[0], str):
        return (*words, "unknown-" + max(words, key=len, default=""))
    return (*words, max(words) + 1)


def _sentences(words: Sequence[str]) -> tuple[str, ...]:
    """Return a few texts made of known words, and of one that is not known."""
    known: list[Any] = [_plain(word) for word in words] or list(_PROBE_WORDS)
    cuts = [known[start : start + 1 + start % 4] for start in range(min(len(known), 12))]
    return (*(" ".join(cut) for cut in cuts), f"unknown-{known[0]} {known[-1]}")


def _is_text(tensor: Any) -> bool:
    return bool(keras.backend.standardize_dtype(tensor.dtype) == "string")


def _values(tensor: Any) -> np.ndarray:
    if _is_text(tensor):
        return np.asarray(tensor).astype(str)
    return to_numpy(tensor)


def _is_integer(dtype: str) -> bool:
    return dtype.startswith(("int", "uint"))


def _differs(use: Use, before: Use | None) -> bool:
    if before is None or use.values.shape != before.values.shape:
        return True
    values, others = (np.trunc(u.values) if u.kind == INDEX else u.values for u in (use, before))
    return not np.array_equal(values, others)


def _is_the(use: Use | None, spec: InputSpec, value: float) -> bool:
    """Return whether what is used is an input itself, which holds a constant."""
    if use is None or not use.values.size or (use.values.dtype.kind == "b") != (spec.dtype == "bool"):
        return False
    return bool((use.values == _constant(spec, value).flat[0]).all())


def _alternating(spec: InputSpec) -> np.ndarray:
    """Return an input that holds its least and its greatest value in turn; what nothing bounds, as a rule, 0 and 1."""
    array = _constant(spec, 0.0)
    if spec.dtype in ("bool", "string"):
        return array
    if spec.vocabulary:
        low, high = float(spec.vocabulary[0]), float(spec.vocabulary[-1])
    elif spec.tokens is not None:
        low, high = 0.0, spec.tokens - 1.0
    else:
        low, high = (float(np.mean(b)) if b is not None else d for b, d in ((spec.low, 0.0), (spec.high, 1.0)))
    turns = np.arange(array.size).reshape(array.shape) % 2
    return np.where(turns, high, min(low, high)).astype(array.dtype)


def _constant(spec: InputSpec, value: float) -> np.ndarray:
    shape = [size if size is not None else UNKNOWN_SIZE if axis else _BATCH for axis, size in enumerate(spec.shape)]
    if spec.dtype == "string":
        return np.full(shape, _PROBE_WORDS[int(value) % 2])
    if spec.dtype == "bool":
        return np.full(shape, bool(value))
    return np.full(shape, value, spec.dtype if _is_integer(spec.dtype) else np.float64)


# What is watched of a backend's functions: by module and function, for each argument what it is used for.


def _entries(arguments: dict[str, Any], table: str, axis: str = "axis") -> dict[str, Any] | None:
    shape = tuple(np.shape(arguments[table])) if not hasattr(arguments[table], "shape") else arguments[table].shape
    which = arguments.get(axis)
    count = math.prod(shape) if which is None else shape[which]
    return None if count is None else {"kind": INDEX, "low": 0, "high": int(count) - 1}


def _classes(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"kind": INDEX, "low": 0, "high": int(arguments["num_classes"]) - 1}


def _segments(arguments: dict[str, Any]) -> dict[str, Any]:
    count = arguments["num_segments"] or arguments["data"].shape[0]
    return {"kind": INDEX, "low": 0, "high": int(count) - 1}


def _scattered(arguments: dict[str, Any]) -> dict[str, Any]:
    shape = arguments["shape"] if "shape" in arguments else arguments["inputs"].shape
    depth = arguments["indices"].shape[-1]
    return {"kind": INDEX, "low": 0, "high": int(min(shape[:depth])) - 1}


def _ctc(argument: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def describe(arguments: dict[str, Any]) -> dict[str, Any]:
        _, times, classes = arguments["output"].shape
        blank = arguments["mask_index"]
        # Two equal labels need a blank between them: so many fit in any case.
        fit = min(int(arguments["target"].shape[1]), (int(times) + 1) // 2)
        bounds = {
            "target": (1 if blank == 0 else 0, classes - 1 - (blank == classes - 1)),
            "target_length": (1, fit),
            "output_length": (min(2 * fit - 1, times), times),
        }
        low, high = bounds[argument]
        return {"kind": INDEX, "low": int(low), "high": int(high), "distinct": argument == "target"}

    return describe


def _domain(low: float, high: float = math.inf) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda _: {"kind": DOMAIN, "low": low, "high": high}


def _bins(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"kind": INDEX, "low": 0}


def _base_of_power(arguments: dict[str, Any]) -> dict[str, Any] | None:
    exponent = arguments["x2"]
    exponents = np.asarray(_values(exponent) if is_tensor(exponent) else exponent, np.float64)
    if (exponents == np.round(exponents)).all():
        return None
    return {"kind": DOMAIN, "low": 0.0 if (exponents > 0).all() else _TINY}


def _mask(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"kind": MASK}


def _mask_if_bool(arguments: dict[str, Any]) -> dict[str, Any] | None:
    return {"kind": MASK} if arguments["dtype"] == "bool" else None


def _image_if_divided(divisor: str, inverse: bool = False) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    def describe(arguments: dict[str, Any]) -> dict[str, Any] | None:
        number = arguments[divisor]
        if not isinstance(number, int | float) or not number:
            return None
        scale = number if inverse else 1 / number
        return {"kind": SUITED, "suits": (0.0, 255.0)} if 1 / 300 <= scale <= 1 / 60 else None

    return describe


_WATCHED: dict[str, dict[str, dict[str, _Describe]]] = {
    "numpy": {
        "take": {"indices": lambda a: _entries(a, "x")},
        "take_along_axis": {"indices": lambda a: _entries(a, "x")},
        "log": {"x": _domain(_TINY)},
        "log2": {"x": _domain(_TINY)},
        "log10": {"x": _domain(_TINY)},
        "log1p": {"x": _domain(float(np.nextafter(np.float32(-1), np.float32(0))))},
        "sqrt": {"x": _domain(0.0)},
        "arccos": {"x": _domain(-1.0, 1.0)},
        "arcsin": {"x": _domain(-1.0, 1.0)},
        "arctanh": {"x": _domain(-1.0, 1.0)},
        "arccosh": {"x": _domain(1.0)},
        "power": {"x1": _base_of_power},
        "bincount": {"x": _bins},
        "where": {"condition": _mask},
        "logical_not": {"x": _mask},
        "logical_and": {"x1": _mask, "x2": _mask},
        "logical_or": {"x1": _mask, "x2": _mask},
        "divide": {"x1": _image_if_divided("x2")},
        "true_divide": {"x1": _image_if_divided("x2")},
        "multiply": {"x1": _image_if_divided("x2", inverse=True)},
    },
    "nn": {
        "one_hot": {"x": _classes},
        "multi_hot": {"x": _classes},
        "sparse_categorical_crossentropy": {"target": lambda a: _entries(a, "output")},
        "binary_crossentropy": {"target": _domain(0.0, 1.0)},
        "ctc_loss": {name: _ctc(name) for name in ("target", "target_length", "output_length")},
    },
    "math": {"segment_sum": {"segment_ids": _segments}, "segment_max": {"segment_ids": _segments}},
    "core": {
        "cast": {"x": _mask_if_bool},
        "scatter": {"indices": _scattered},
        "scatter_update": {"indices": _scattered},
        "slice": {},
        "slice_update": {},
    },
}
