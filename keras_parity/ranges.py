"""Looking for the widest range of inputs that a model can take, where the first one tried was too wide."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from keras_parity.protocol.results import InputSpec

Accepts = Callable[[list[InputSpec]], bool]

# How exactly the bounds of real numbers are looked for: in so many halvings.
_HALVINGS = 5
# What the backends and Keras say of a number that is out of range.
_ABOUT_VALUES = re.compile(
    r"out of (range|bounds)|out-of-bounds|not in \[|index \S+ is|must be in (the )?range|values must be in|"
    r"must be (non-negative|nonnegative|positive)|(class|label|index|indices) (values? )?must be|invalid (index|label)|"
    r"is larger than|larger than the (largest|number)|not found in (the )?(vocabulary|table)|out of vocabulary|"
    r"no OOV|negative (index|value|dimension)|target \S+ is|"
    r"positive[- ]definite|singular|not invertible|decomposition (failed|was not successful)|must be >= 0|non-negative",
    re.IGNORECASE,
)


def caused_by_values(error: str) -> bool:
    """Return whether an error's text speaks of a value out of range, as of an index into a table."""
    return _ABOUT_VALUES.search(error) is not None


def narrow(specs: Sequence[InputSpec], sizes: Sequence[int] = ()) -> Iterator[list[InputSpec]]:
    """Yield narrower inputs to try, wide ones first: one input at a time, and then all of them.

    Args:
        specs: What has been tried.
        sizes: How many entries the model's tables have: likely bounds of an index.
    """
    choices = [list(_narrower(spec, sizes)) for spec in specs]
    depth = max(map(len, choices), default=0)
    for level in range(depth):
        for position, choice in enumerate(choices):
            if level < len(choice):
                yield [choice[level] if i == position else spec for i, spec in enumerate(specs)]
    for level in range(depth if len(specs) > 1 else 0):
        yield [
            choice[min(level, len(choice) - 1)] if choice else spec for choice, spec in zip(choices, specs, strict=True)
        ]


def find_range(specs: Sequence[InputSpec], accepts: Accepts, sizes: Sequence[int] = ()) -> list[InputSpec] | None:
    """Return the widest inputs that are accepted, the given ones themselves if they are; None if none are.

    Args:
        specs: What to begin with.
        accepts: Whether all draws from some inputs can be taken.
        sizes: As in `narrow`.
    """
    specs = list(specs)
    if accepts(specs):
        return specs
    found = next((tried for tried in narrow(specs, sizes) if accepts(tried)), None)
    if found is None:
        return None
    for position, wide in enumerate(specs):
        if found[position] == wide:
            continue

        def fits(spec: InputSpec, position: int = position) -> bool:
            return accepts([spec if i == position else other for i, other in enumerate(found)])

        found[position] = wide if fits(wide) else _widen(found[position], wide, fits)
    return found


def say_narrowed(before: Sequence[InputSpec], after: Sequence[InputSpec], error: str) -> list[str]:
    """Return a line for each input of which less is drawn than was planned.

    Args:
        before: What was planned.
        after: What is drawn.
        error: What becomes of the values left out.
    """
    return [
        f"the input {new.name!r} is drawn {describe_range(new)}: beyond, {error}"
        for old, new in zip(before, after, strict=True)
        if old != new
    ]


def describe_range(spec: InputSpec) -> str:
    """Return in words what is drawn for an input, as `as whole numbers from 0 to 499`."""
    if spec.dtype == "bool":
        return "as true and false"
    if spec.vocabulary or spec.dtype == "string":
        return f"from {len(spec.vocabulary)} known values" if spec.vocabulary else "as words"
    whole = spec.whole or spec.tokens is not None
    low, high = (0, spec.tokens - 1) if spec.tokens is not None else (spec.low, spec.high)
    what = "as whole numbers" if whole else "as numbers"
    if high is None:
        return what if low is None else f"{what} from {_least(low):g} on"
    return f"{what} up to {_most(high):g}" if low is None else f"{what} from {_least(low):g} to {_most(high):g}"


def _narrower(spec: InputSpec, sizes: Sequence[int]) -> Iterator[InputSpec]:
    """Yield narrower forms of one input, wide ones first."""
    if spec.vocabulary or spec.dtype in ("bool", "string"):
        return
    tokens = [size for size in sorted(set(sizes), reverse=True) if spec.tokens is None or size < spec.tokens]
    if spec.tokens is not None:
        halves = [spec.tokens >> shift for shift in range(1, spec.tokens.bit_length())]
        for size in sorted({*tokens, *halves}, reverse=True):
            yield replace(spec, tokens=size)
        return
    if spec.low is None or spec.high is None:
        for bound in (3.0, 1.0):
            low = max(-bound, _least(spec.low)) if spec.low is not None else -bound
            high = min(bound, _most(spec.high)) if spec.high is not None else bound
            if low < high:
                yield replace(spec, low=low, high=high)
        if spec.low is None and not spec.whole:
            yield replace(spec, low=0.0, high=1.0)
        for size in sorted({*tokens, 10, 4, 2, 1}, reverse=True):
            yield replace(spec, tokens=size, low=None, high=None)
        return
    low, high = _least(spec.low), _most(spec.high)
    if low == high:
        return
    centre = float(np.clip(0.0, low, high))
    for shift in range(1, 7):
        share = 0.5**shift
        near = [centre + share * (bound - centre) for bound in (low, high)]
        yield replace(spec, low=_whole(near[0], spec), high=_whole(near[1], spec))
    yield replace(spec, low=centre, high=centre)


def _widen(found: InputSpec, wide: InputSpec, fits: Callable[[InputSpec], bool]) -> InputSpec:
    """Return the widest input between one that fits and one that does not."""
    if found.tokens is not None:
        few, many = found.tokens, wide.tokens
        while many is None:  # whole numbers in the place of reals: how many are too many?
            if few >= 2**20:
                return replace(found, tokens=few)
            few, many = (few * 2, None) if fits(replace(found, tokens=few * 2)) else (few, few * 2)
        while many - few > 1:
            count = (few + many) // 2
            few, many = (count, many) if fits(replace(found, tokens=count)) else (few, count)
        return replace(found, tokens=few)
    for name in ("low", "high"):
        outermost = _least if name == "low" else _most
        limit = getattr(wide, name)
        if limit is None:
            continue
        near, far = outermost(getattr(found, name)), outermost(limit)
        for _ in range(64 if found.whole else _HALVINGS):
            middle = (near + far) / 2
            if found.whole:
                middle = float(np.trunc(middle - near) + near)
            if middle in (near, far):
                break
            near, far = (middle, far) if fits(_bounded(found, name, middle)) else (near, middle)
        found = _bounded(found, name, near)
    return found


def _bounded(spec: InputSpec, name: str, bound: float) -> InputSpec:
    return replace(spec, low=bound) if name == "low" else replace(spec, high=bound)


def _whole(value: float, spec: InputSpec) -> float:
    return float(np.trunc(value)) if spec.whole else value


def _least(bound: ArrayLike) -> float:
    return float(np.min(bound))


def _most(bound: ArrayLike) -> float:
    return float(np.max(bound))
