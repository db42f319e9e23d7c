"""What a worker tells the parent: plain values and NumPy arrays, readable in a process without any framework."""

from dataclasses import dataclass, field

import numpy as np

from keras_parity.draws import InputSpec


@dataclass(frozen=True)
class Value:
    """A result: float64, integer or boolean values, and the dtype that the backend gave them."""

    array: np.ndarray
    dtype: str


@dataclass(frozen=True)
class Description:
    """What a backend built.

    Attributes:
        name: The model's name.
        inputs: What it takes; None where only a call can tell.
        weights: Path, shape and dtype of each variable, random-number states left out, in the model's order.
        initial: Their values, as float64 or integers.
        trainable: Whether each is trained.
        bytes_per_example: What the layers' outputs take in float64 for one example, where the model tells it; else 0.
        error: Where building failed, if it did: the layer's path and what it raised.
    """

    name: str
    inputs: list[InputSpec] | None
    weights: list[tuple[str, tuple[int, ...], str]]
    initial: list[np.ndarray]
    trainable: list[bool]
    bytes_per_example: int = 0
    error: tuple[str, str] | None = None


@dataclass(frozen=True)
class Ran:
    """What a run of the whole model left.

    Attributes:
        calls: Its calls, in order, without their arrays: `key`, `path`, `type`, `inner` (keys of the calls within),
            `moded` (whether it takes a `training` argument), `tensors` (how many it takes) and `bytes` (of these).
        failed_at: The path of the layer that raised; None if all went well.
        error: What it raised.
        reference_error: What the model raised in float64 alone; then no call has inputs to share.
    """

    calls: list[dict]
    failed_at: str | None = None
    error: str | None = None
    reference_error: str | None = None


@dataclass(frozen=True)
class Study:
    """One call replayed, or one part of training run alone.

    Attributes:
        dtype: What it computes in, in the model that the check is about.
        reference: Its results in float64, or the text of the exception it raised.
        checked: Its results in `dtype`, or that text.
        moves: For each float64 result how far it moves under perturbations of one float32 rounding unit.
        dtype_moves: The same for one unit of `dtype`.
        noise: What the float64 results' own roundings may amount to: the move under one unit of float64.
    """

    dtype: str
    reference: dict[str, Value] | str
    checked: dict[str, Value] | str
    moves: dict[str, float]
    dtype_moves: dict[str, float]
    noise: dict[str, float] = field(default_factory=dict)
