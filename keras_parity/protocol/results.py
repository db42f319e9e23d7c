"""What a worker answers: plain values and NumPy arrays, readable in a process without any framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from keras_parity.protocol.quantity import Quantity

# Sizes that stand for the unknown ones of an input's shape: an odd one, so that paddings are seen.
UNKNOWN_SIZE = 9
# The number of tokens where nothing in the model says how many there are.
UNKNOWN_TOKENS = 10
# A bound for all values, or one for each entry of the last axis.
Bound = float | tuple[float, ...]


@dataclass(frozen=True)
class InputSpec:
    """One tensor that a model takes.

    Attributes:
        name: Its name.
        shape: Its shape with the batch in front; None where any size will do.
        dtype: Keras's name of its dtype; `string` for text.
        tokens: For whole numbers from 0 to `tokens` - 1, as of an index, how many there are; None for other inputs. The
            dtype may be a floating-point one.
        low: The least value that is drawn, if there is one.
        high: The greatest, likewise.
        whole: Whether only whole numbers are drawn.
        padded: Whether zeros are a padding: on ordinary data they stand at the ends of rows alone.
        marker: The value that marks a padded step: on ordinary data the last steps of some rows hold nothing else.
        mask: Whether it marks what counts. A row without any mark has no meaning, and implementations do as they like.
        distinct: Whether neighbours within a row differ: a sequence of labels that CTC is to find has no repeats.
        vocabulary: What values are drawn from: words, or numbers of a lookup; the last one may be unknown to the model.
        reason: Where the range comes from, in a few words; empty where nothing limits it.
        taken_by: The path of the first layer that takes it; empty where only a call could tell.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    tokens: int | None = None
    low: Bound | None = None
    high: Bound | None = None
    whole: bool = False
    padded: bool = False
    marker: float | None = None
    mask: bool = False
    distinct: bool = False
    vocabulary: tuple[str | int, ...] = ()
    reason: str = ""
    taken_by: str = ""

    @property
    def discrete(self) -> bool:
        """Whether it takes a few values alone, so that none of them can be tiny, or no number."""
        return self.tokens is not None or self.whole or bool(self.vocabulary) or self.dtype in ("bool", "string")


@dataclass(frozen=True)
class LearnedInputs:
    """What a run of the model under observation told of its inputs.

    Attributes:
        specs: The inputs, with the ranges that the model can take.
        doubtful: Whether the model computes an index from an input in a way that a range may not bound, so that each
            draw has to be tried.
        sizes: How many entries the tables have that the model looks up in.
    """

    specs: list[InputSpec]
    doubtful: bool = False
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tried:
    """What a run of the model on one draw came to, in inference mode.

    Attributes:
        violation: What lay out of range where the model used it as an index; None if nothing did, or nobody watched.
        raised: What the run raised; None if it finished.
        usable: Whether its outputs hold finite numbers and no NaN, as far as they are floats.
    """

    violation: str | None
    raised: str | None
    usable: bool


@dataclass(frozen=True)
class Value:
    """A result: float64, integer or boolean values, and the dtype that the backend gave them."""

    array: np.ndarray
    dtype: str


@dataclass(frozen=True)
class Raised:
    """What stands in the place of results where computing them raised an exception.

    Attributes:
        text: The exception's class and message on one line of bounded length.
        at: The path of the layer that raised, where that is known.
        misuse: Whether the user asked for what is not there, as a loss of no such name.
        unsupported: Whether nothing raised: this execution has no such results at all, as OpenVINO none in float64.
    """

    text: str
    at: str = ""
    misuse: bool = False
    unsupported: bool = False


# By quantity what was computed.
Results = dict[Quantity, Value]


@dataclass(frozen=True)
class WeightSpec:
    """One variable of a model.

    Attributes:
        path: Keras's path of it.
        shape: Its shape.
        dtype: Its dtype in the model that the check is about.
        trainable: Whether it is trained.
        owner: The class of the layer that made it; empty where it belongs to the model itself.
        adapted: Whether that layer learns it from data by `adapt`, not in training: it is the user's.
        regularizer: The class of what penalises it in training; empty for nothing.
        constrained: Whether a constraint is put on it after each step of training.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    owner: str = ""
    adapted: bool = False
    regularizer: str = ""
    constrained: bool = False


@dataclass(frozen=True)
class Description:
    """What an execution built.

    Attributes:
        name: The model's name.
        inputs: What it takes; None where only a call can tell.
        weights: Its variables, random-number states left out, in the model's order.
        initial: Their values, as float64 or integers.
        bytes_per_example: What the layers' outputs take in float64 for one example, where the model tells it; else 0.
        outputs: A name for each output, in flattened order, as `compile` takes losses for them; None where only a call
            can tell.
        compiled: Whether the model came compiled.
        own_step: Which methods of its class train it in another way than Keras's: `train_step`, `compute_loss`.
        own_losses: What the loss that it came compiled with is called, or a list or a dictionary of such, by output.
    """

    name: str
    inputs: list[InputSpec] | None
    weights: list[WeightSpec]
    initial: list[np.ndarray]
    bytes_per_example: int = 0
    outputs: list[str] | None = None
    compiled: bool = False
    own_step: tuple[str, ...] = ()
    own_losses: Any = None


@dataclass(frozen=True)
class CallOutline:
    """One call of a layer or an operation in a run of the model, without its arrays.

    Attributes:
        key: What it is known by: `encoder/attention#0`.
        path: Where it was made, as in findings; empty for the model itself.
        type: The class of what was called.
        inner: The keys of the calls made within it.
        moded: Whether its own code heeds the training mode.
        functional: Whether it is a functional model of Keras's own class.
        tensors: How many tensors it takes.
        bytes: What these take in float64.
        configuration: What it was made with, the values that are numbers and text.
        dtypes: Of each tensor, by Keras's name.
        on_data: Whether it takes data that no trained weight has been at, so that no training needs its inputs'
            gradients.
        functions: The backend's functions that its own code runs, as `abs` or `leaky_relu`: those of no call within.
    """

    key: str
    path: str
    type: str
    inner: tuple[str, ...]
    moded: bool
    functional: bool
    tensors: int
    bytes: int
    configuration: dict[str, object] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()
    on_data: bool = False
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ran:
    """What a run of the whole model left.

    Attributes:
        calls: Its calls, in order.
        raised: What it raised in the dtype asked about; None if all went well.
        reference_raised: What it raised in float64 alone; then no call has inputs to share.
        uncompiled: Why the backend could not compile a model that then ran eagerly; None where it could.
    """

    calls: list[CallOutline]
    raised: Raised | None = None
    reference_raised: Raised | None = None
    uncompiled: Raised | None = None


@dataclass(frozen=True)
class Measures:
    """How far a call's results move under perturbations of one unit; attributes as in `Study`."""

    moves: dict[Quantity, float] = field(default_factory=dict)
    dtype_moves: dict[Quantity, float] = field(default_factory=dict)
    noise: dict[Quantity, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """One call replayed, or one part of training run alone.

    Attributes:
        dtype: What it computes in, in the model that the check is about.
        reference: Its results in float64, or what it raised.
        checked: Its results in `dtype`, or what it raised.
        moves: For each float64 result how far it moves under perturbations of one float32 rounding unit.
        dtype_moves: The same for one unit of `dtype`.
        noise: What the float64 results' own roundings may amount to: the move under one unit of float64.
        reference_gradients: What the gradients in float64 raised, where the results themselves are there.
        checked_gradients: What those in `dtype` raised, likewise.
    """

    dtype: str
    reference: Results | Raised
    checked: Results | Raised
    moves: dict[Quantity, float]
    dtype_moves: dict[Quantity, float]
    noise: dict[Quantity, float] = field(default_factory=dict)
    reference_gradients: Raised | None = None
    checked_gradients: Raised | None = None

    def measured(self, more: Measures) -> "Study":
        """Return this study with further measures: of each move, the larger one."""
        return replace(
            self,
            moves=_larger(self.moves, more.moves),
            dtype_moves=_larger(self.dtype_moves, more.dtype_moves),
            noise=_larger(self.noise, more.noise),
        )


def _larger(first: Mapping[Quantity, float], second: Mapping[Quantity, float]) -> dict[Quantity, float]:
    return {q: max(first.get(q, 0.0), second.get(q, 0.0)) for q in (*first, *second)}


@dataclass(frozen=True)
class Around:
    """One call replayed with what layers within it give handed in, and what they gave.

    Attributes:
        results: The call's own results, or what it raised.
        within: By the key of each call of those layers and functions what it gave itself.
        taken: What the functions took, likewise.
    """

    results: Results | Raised
    within: dict[str, list[np.ndarray]]
    taken: dict[str, list[np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reloaded:
    """What a model read from a file holds and computes, beside the same of the worker's own model.

    Attributes:
        own: The worker's own weights and outputs.
        loaded: Those of the loaded model; by the same names, where it has them.
    """

    own: Results
    loaded: Results
