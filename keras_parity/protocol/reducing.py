"""One call of a layer or a function as plain values, and what a worker is asked for to reduce a model to it."""

import hashlib
import pickle
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np

from keras_parity.protocol.source import ModelSource
from keras_parity.protocol.tasks import Task

# Classes that are made from their whole configuration, with all layers in it.
MODELS = ("keras.Model", "keras.Sequential")
_PERFORMED_IN = "keras_parity.worker.reducing"


@dataclass(frozen=True)
class Slot:
    """The place of a tensor among the arguments of a call."""

    position: int


@dataclass(frozen=True)
class Custom:
    """A class or function of the user's own.

    Attributes:
        pickled: Itself, for the workers.
        name: Its name.
        module: Where it is defined.
        definition: Its text with all that it needs of its module, the imports apart; None where that needs more than
            Keras, NumPy and Python's library.
    """

    pickled: bytes = field(repr=False)
    name: str
    module: str
    definition: tuple[str, str] | None


@dataclass(frozen=True)
class Reproducer:
    """A call that shows a difference.

    Attributes:
        kind: What is called: the public name of a function of Keras or of a class, or the module and name of the
            user's own.
        config: What a class is made with, in Keras's serialised form, without what goes without saying.
        args: Positional arguments of the call, a `Slot` in place of each tensor.
        kwargs: The other ones.
        tensors: float64 or integer arrays, one per slot.
        dtypes: Their dtypes by Keras's names; "float" stands for floatx.
        weights: Values of the layer's variables in their order; None lets the check's seed draw them.
        names: The variables' names.
        takes_training: Whether the call takes `training`.
        random: Whether it draws random numbers.
        custom: The user's own class or function; None for Keras's.
    """

    kind: str
    config: dict[str, Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: tuple[np.ndarray, ...]
    dtypes: tuple[str, ...]
    weights: tuple[np.ndarray, ...] | None = None
    names: tuple[str, ...] = ()
    takes_training: bool = False
    random: bool = False
    custom: Custom | None = None

    @property
    def is_model(self) -> bool:
        """Whether it is the call of a whole functional model, written down with its graph."""
        return self.kind in MODELS

    @property
    def size(self) -> int:
        """How many numbers it is made of."""
        return sum(array.size for array in (*self.tensors, *(self.weights or ())))

    @property
    def digest(self) -> bytes:
        """What tells it from others."""
        return hashlib.sha256(pickle.dumps(replace(self, names=()))).digest()


@dataclass(frozen=True)
class ExtractedCalls:
    """Calls of a run.

    Attributes:
        culprits: Those made at the path that was asked for.
        others: All other ones that can be written down.
    """

    culprits: list[Reproducer]
    others: list[Reproducer]


@dataclass(frozen=True)
class ExtractCalls(Task[ExtractedCalls]):
    """Tell the calls of the last run of the open case.

    Attributes:
        path: Of the layer that is looked for; empty for the model itself.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    path: str


@dataclass(frozen=True)
class ExtractLoss(Task[list[Reproducer]]):
    """Tell the calls of a loss, or of a metric, one for each output.

    Attributes:
        what: Names the loss or the metric, as in `compile`.
        outputs: The predictions.
        targets: What they should be.
        kind: Which of the two it is.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    what: Any
    outputs: list[np.ndarray]
    targets: list[np.ndarray]
    kind: Literal["losses", "metrics"]


@dataclass(frozen=True)
class NamedObject:
    """An object of a class.

    Attributes:
        name: The public name of its class.
        config: Its smallest configuration.
        custom: The class, where it is not Keras's.
    """

    name: str
    config: dict[str, Any]
    custom: Custom | None


@dataclass(frozen=True)
class DescribeOptimizer(Task[NamedObject]):
    """Tell an optimiser's class and configuration.

    Attributes:
        what: Names it, as in `compile`.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    what: Any


@dataclass(frozen=True)
class NamedWeights:
    """The weights of a model, in their order, with their names."""

    values: tuple[np.ndarray, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class DescribeWeights(Task[NamedWeights]):
    """Tell the open case's weights."""

    performed_in: ClassVar[str] = _PERFORMED_IN


@dataclass(frozen=True)
class Builder:
    """What builds the open case's model, and how the model is called.

    Attributes:
        function: The function; None for a file.
        inputs: A `Slot` for each input, in the structure that the model takes.
        outputs: A `Slot` for each output, likewise; one for a model whose outputs only a call tells.
        built: Whether the model has its weights before it is called.
        frozen: Whether it has untrained weights that an initialiser may have drawn: matrices.
    """

    function: Custom | None
    inputs: Any
    outputs: Any
    built: bool
    frozen: bool


@dataclass(frozen=True)
class DescribeBuilder(Task[Builder]):
    """Tell what builds the open case's model.

    Attributes:
        source: What the case was opened with.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    source: ModelSource


@dataclass(frozen=True)
class RunText(Task[str]):
    """Run a script's text in the worker and tell what it prints.

    Attributes:
        text: The script.
        dtype: The dtype policy in whose precision it runs.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    text: str
    dtype: str


def is_object(value: Any) -> bool:
    """Return whether a serialised value is an object with a configuration of its own."""
    return isinstance(value, dict) and isinstance(value.get("config"), dict) and "class_name" in value
