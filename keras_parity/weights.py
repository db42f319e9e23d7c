"""The weights of a check, drawn once by NumPy and given to every backend: no two initialisers are trusted to agree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keras_parity.protocol.results import WeightSpec
from keras_parity.protocol.rounding import round_to

# A tenth or so around what layers start with, so that no bias is zero and no scale one: such hide faults.
_SPREAD = 0.1


def draw_weights(
    weights: Sequence[WeightSpec], initial: Sequence[np.ndarray], seed: int, *, near_initial: bool = False
) -> list[np.ndarray]:
    """Return a value for each variable of a model.

    Args:
        weights: What they are.
        initial: What one execution's initialisers gave; kept for whole numbers, for what `adapt` has set, which is the
            user's, and for other untrained ones that are no moving statistics.
        seed: Of the check.
        near_initial: Whether trained weights are drawn within a tenth or so of what the initialisers gave, as a model
            may need whose weights must be positive.

    Returns:
        float64 arrays of values that the dtypes hold exactly, and integer arrays.
    """
    return [
        _draw(weight, start, np.random.default_rng([seed, 5, position]), near_initial)
        for position, (weight, start) in enumerate(zip(weights, initial, strict=True))
    ]


def _draw(weight: WeightSpec, start: np.ndarray, generator: np.random.Generator, near_initial: bool) -> np.ndarray:
    if start.dtype.kind != "f" or weight.adapted:
        return start
    shape = weight.shape
    noise = generator.standard_normal(shape)
    name = weight.path.rpartition("/")[2]
    if name in ("moving_variance", "running_var"):
        value = generator.uniform(0.5, 1.5, shape)
    elif name in ("moving_mean", "bias", "beta"):
        value = _SPREAD * noise
    elif name in ("gamma", "scale"):
        value = 1 + _SPREAD * noise
    elif not weight.trainable:
        value = start
    elif near_initial and start.any():
        value = start * (1 + _SPREAD * noise)
    elif near_initial:
        value = _SPREAD * noise
    elif name == "embeddings":
        value = 0.5 * noise
    elif len(shape) >= 2:
        fan_in = np.prod(shape[:-1]) if name != "depthwise_kernel" else np.prod(shape[:-2])
        value = noise / np.sqrt(fan_in)
    else:
        value = start + _SPREAD * noise
    return round_to(np.asarray(value, np.float64), weight.dtype)


@dataclass(frozen=True)
class OddWeights:
    """A model whose weights are not those of the others.

    Attributes:
        execution: Whose; None where no two of them, or no majority, have the same.
        detail: What differs, with the first few paths.
    """

    execution: str | None
    detail: str


@dataclass(frozen=True)
class MatchedWeights:
    """How the weights of one model on several executions belong together.

    Attributes:
        first: Whose order the others are matched to.
        orders: For each execution with the same weights, for each of its weights in its own order, the position of that
            weight among those of `first`.
        odd: Those whose weights are others.
        notes: What differs and is no difference: names that an order makes up for, the width of whole numbers.
    """

    first: str
    orders: dict[str, list[int]]
    odd: list[OddWeights] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# What identifies a weight: its path, and how many of that path come before it; its shape; and its dtype, but for the
# width of whole numbers.
_Key = tuple[str, int, tuple[int, ...], str]
# What weights share whose automatic paths count on: name, shape and dtype.
_Form = tuple[str, tuple[int, ...], str]
# How many weights a message names.
_NAMED = 3


def match_weights(by_execution: Mapping[str, Sequence[WeightSpec]]) -> MatchedWeights:
    """Match the weights of several models by path, in whatever order each has them.

    Weights of the same path are matched in their order. Where the paths are others, but names, shapes and dtypes agree
    in order, so do the weights: automatic names of layers may count on.

    Args:
        by_execution: The weights of each model, in its own order; at least one.
    """
    keys = {name: _keys(weights) for name, weights in by_execution.items()}
    forms = {name: [(k[0].rpartition("/")[2], *k[2:]) for k in own] for name, own in keys.items()}
    groups: list[list[str]] = []
    for name in by_execution:
        group = next((g for g in groups if _same(name, g[0], keys, forms)), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    largest = max(groups, key=len)
    first = largest[0]
    alone = sum(len(group) == len(largest) for group in groups) == 1
    odd = []
    for group in groups:
        if group is not largest:
            odd += [
                OddWeights(name if alone else None, _describe(name, keys[name], first, keys[first])) for name in group
            ]
    orders = {name: _order(keys[name], keys[first]) for name in largest}
    renamed = [name for name in largest if set(keys[name]) != set(keys[first])]
    notes = [
        f"{name} calls weights otherwise than {first}, as {_other(keys[name], keys[first])}: they are matched in order"
        for name in renamed
    ]
    return MatchedWeights(first, orders, odd, notes + _widths({name: by_execution[name] for name in largest}, orders))


def _keys(weights: Sequence[WeightSpec]) -> list[_Key]:
    seen: Counter[str] = Counter()
    found = []
    for weight in weights:
        kind = "whole numbers" if weight.dtype.lstrip("u").startswith("int") else weight.dtype
        found.append((weight.path, seen[weight.path], tuple(weight.shape), kind))
        seen[weight.path] += 1
    return found


def _same(name: str, other: str, keys: dict[str, list[_Key]], forms: dict[str, list[_Form]]) -> bool:
    return set(keys[name]) == set(keys[other]) or forms[name] == forms[other]


def _order(own: list[_Key], first: list[_Key]) -> list[int]:
    if set(own) != set(first):
        return list(range(len(own)))
    positions = {key: i for i, key in enumerate(first)}
    return [positions[key] for key in own]


def _describe(name: str, own: list[_Key], first: str, others: list[_Key]) -> str:
    """Return what one model has and the other has not, in few words."""
    own_only, others_only = ([k for k in a if k not in set(b)] for a, b in ((own, others), (others, own)))
    parts = [f"{len(own)} weights on {name}, {len(others)} on {first}"]
    budget = _NAMED
    for title, keys in ((f"on {name} alone", own_only), (f"on {first} alone", others_only)):
        shown = keys[: budget - 1 if keys is own_only and others_only else budget]
        if shown:
            more = f" and {len(keys) - len(shown)} more" if len(keys) > len(shown) else ""
            parts.append(f"{title}: {', '.join(f'{k[0]} {k[2]} {k[3]}' for k in shown)}{more}")
            budget -= len(shown)
    return "; ".join(parts)


def _other(own: list[_Key], first: list[_Key]) -> str:
    mine, theirs = next((a, b) for a, b in zip(own, first, strict=True) if a != b)
    return f"{mine[0]} for {theirs[0]}"


def _widths(weights: Mapping[str, Sequence[WeightSpec]], orders: dict[str, list[int]]) -> list[str]:
    """Return a note for each weight whose whole numbers are of another width somewhere."""
    dtypes: dict[int, dict[str, str]] = {}
    paths: dict[int, str] = {}
    for name, own in weights.items():
        for position, weight in zip(orders[name], own, strict=True):
            dtypes.setdefault(position, {})[name] = weight.dtype
            paths.setdefault(position, weight.path)
    return [
        f"{paths[position]} is {', '.join(f'{dtype} on {name}' for name, dtype in own.items())}"
        for position, own in dtypes.items()
        if len(set(own.values())) > 1
    ]
