"""What a worker can be asked for: one frozen dataclass for each task, which also says of what type the answer is.

The parent asks by `crew[name].ask(RunModel(...))`; the worker finds the function that `performs` the task in the module
that the class names. So both sides share one interface, and a type checker follows a call across the process wall.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import (
    Around,
    Description,
    InputSpec,
    LearnedInputs,
    Measures,
    Raised,
    Ran,
    Reloaded,
    Study,
    Tried,
)
from keras_parity.protocol.source import ModelSource

Answer = TypeVar("Answer")

# Modules of the worker that perform several tasks.
_STAGES = "keras_parity.worker.stages"
_STUDYING = "keras_parity.worker.studying"
_LEARNING = "keras_parity.worker.learning"


class Task(Generic[Answer]):
    """Something that a worker is asked for, whose answer is of the type `Answer`.

    Subclasses are frozen dataclasses; others than the engine may add their own.

    Attributes:
        performed_in: The module, imported by the worker alone, with the function that performs the task.
    """

    performed_in: ClassVar[str]


@dataclass(frozen=True)
class StartKeras(Task[dict[str, str]]):
    """Import keras and tell the versions of what computes; a worker's first task.

    Attributes:
        backend: What Keras runs on.
        memory_limit_bytes: The limit on the process's private memory; None for none.
    """

    performed_in: ClassVar[str] = "keras_parity.worker.process"
    backend: str
    memory_limit_bytes: int | None


@dataclass(frozen=True)
class OpenCase(Task[Description | Raised]):
    """Build the model in both precisions and describe it, or say what building raised; it may fail in float64 alone.

    Attributes:
        source: What to build.
        dtype: The dtype policy that the check is about.
        seed: Of the check.
        example: Inputs to build a model by calling it; None where it needs none.
        patch: A function that returns a context manager to enter first: a test of the engine plants a fault so.
    """

    performed_in: ClassVar[str] = _STAGES
    source: ModelSource
    dtype: str
    seed: int
    example: Any = None
    patch: Callable[[], AbstractContextManager[Any]] | None = None


@dataclass(frozen=True)
class CloseCase(Task[None]):
    """Forget the case and take its patches off."""

    performed_in: ClassVar[str] = _STAGES


@dataclass(frozen=True)
class ReleaseMemory(Task[None]):
    """Give back to the system what can be made again, as compiled programs, and what was freed."""

    performed_in: ClassVar[str] = _STAGES


@dataclass(frozen=True)
class ForgetCalls(Task[None]):
    """Forget the calls of the last run, and with them what they took."""

    performed_in: ClassVar[str] = _STAGES


@dataclass(frozen=True)
class SetWeights(Task[None]):
    """Give both models the same weights, in the order of `Description.weights`."""

    performed_in: ClassVar[str] = _STAGES
    values: list[np.ndarray]


@dataclass(frozen=True)
class ConstrainWeights(Task[list[np.ndarray]]):
    """Tell values for weights, in the order of `Description.weights`, as the weights' constraints leave them."""

    performed_in: ClassVar[str] = _STAGES
    values: list[np.ndarray]


@dataclass(frozen=True)
class LearnInputs(Task[LearnedInputs]):
    """Run the model a few times and see where its inputs go: which values can it take?

    Attributes:
        specs: The inputs, as `Description` has them.
    """

    performed_in: ClassVar[str] = _STAGES
    specs: list[InputSpec]


@dataclass(frozen=True)
class TryInputs(Task[list[Tried]]):
    """Run the model on each of some draws, in inference mode, and tell what came of it.

    Attributes:
        draws: For each what `RunModel` takes as inputs.
        watched: Whether to see what the model uses as an index: one out of range is told, and brought into it.
    """

    performed_in: ClassVar[str] = _STAGES
    draws: list[Any]
    watched: bool


@dataclass(frozen=True)
class RunModel(Task[Ran]):
    """Run the whole model in both precisions, and remember each call in it.

    Attributes:
        inputs: A list of arrays in the order of the model's flattened inputs, or the structure to call it with.
        training: The mode.
        keep: Whether to remember what the calls of the reference model took, too, for `CallInputs`.
    """

    performed_in: ClassVar[str] = _STAGES
    inputs: Any
    training: bool
    keep: bool


@dataclass(frozen=True)
class CallInputs(Task[dict[str, list[np.ndarray]]]):
    """Tell the tensors that calls of the reference model took, floats rounded to the dtype the check is about.

    Attributes:
        keys: Of the calls.
    """

    performed_in: ClassVar[str] = _STAGES
    keys: list[str]


@dataclass(frozen=True)
class StudyCalls(Task[dict[str, Study]]):
    """Replay calls alone with shared inputs, in both precisions, and measure their unavoidable errors.

    Attributes:
        inputs: For each call's key its tensors.
        training: The mode that the calls were recorded in.
        samples: Seeds of the perturbations.
        backward: Whether gradients are wanted.
        dtypes: By the keys of calls that took tensors of other dtypes than most, the dtypes that most took.
        keep: Whether to keep the results for a `MeasureCalls`.
    """

    performed_in: ClassVar[str] = _STUDYING
    inputs: dict[str, list[np.ndarray]]
    training: bool
    samples: list[int]
    backward: bool
    dtypes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keep: bool = False


@dataclass(frozen=True)
class MeasureCalls(Task[dict[str, Measures]]):
    """Measure the unavoidable errors of calls; what the last `StudyCalls` kept is not computed again.

    Attributes:
        study: The calls, as they were studied; its samples are those to take now.
        alike: Whether equal values are moved alike. If not, each is moved by itself, which measures float64's rounding.
    """

    performed_in: ClassVar[str] = _STUDYING
    study: StudyCalls
    alike: bool


@dataclass(frozen=True)
class Nudge:
    """A perturbation of inputs and weights.

    Attributes:
        size: How far each value is moved, up or down, relative to itself.
        seed: Chooses the directions.
        alike: Whether equal values are moved alike, so that ties stay ties and zeros zeros.
    """

    size: float
    seed: int
    alike: bool = True


# By quantity one array for each nudge that could be computed.
Neighbours = dict[Quantity, list[np.ndarray]]


@dataclass(frozen=True)
class ReplayNeighbours(Task[Neighbours]):
    """Tell float64 quantities of a call at neighbouring inputs.

    Attributes:
        key: Of the call.
        arrays: Its tensors.
        training: The mode that it was recorded in.
        backward: Whether gradients are wanted.
        nudges: Where the neighbours lie.
        quantities: What is wanted.
    """

    performed_in: ClassVar[str] = _STUDYING
    key: str
    arrays: list[np.ndarray]
    training: bool
    backward: bool
    nudges: list[Nudge]
    quantities: list[Quantity]


@dataclass(frozen=True)
class FindBounds(Task[Neighbours]):
    """Tell between which whole numbers a call's results lie: pairs of arrays, each the lowest and the highest.

    Each pair is another way in which they may come from real numbers; see `keras_parity.worker.unrounded`.

    Attributes:
        key: Of the call.
        arrays: Its tensors.
        training: The mode that it was recorded in.
    """

    performed_in: ClassVar[str] = _STUDYING
    key: str
    arrays: list[np.ndarray]
    training: bool


@dataclass(frozen=True)
class ReplayAround(Task[Around]):
    """Replay a call with what layers and functions within it give handed in.

    Gradients pass these by a linear map, which is the same everywhere.

    Attributes:
        key: Of the call.
        arrays: Its tensors.
        training: The mode that it was recorded in.
        backward: Whether gradients are wanted.
        layers: The paths of the layers within.
        given: What each call of theirs gives, by key; None leaves it to them.
        exact: Whether in float64; else in the dtype asked about.
        functions: The names of functions of the backend; the keys of their calls are as `svd#0`.
    """

    performed_in: ClassVar[str] = "keras_parity.worker.around"
    key: str
    arrays: list[np.ndarray]
    training: bool
    backward: bool
    layers: frozenset[str]
    given: dict[str, list[np.ndarray]] | None = None
    exact: bool = True
    functions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Predict(Task[list[np.ndarray]]):
    """Tell the reference model's flattened outputs in inference mode; the other's where it raises or is not there."""

    performed_in: ClassVar[str] = _STAGES
    inputs: Any


@dataclass(frozen=True)
class LossPlan:
    """Losses, on predictions that all share.

    Attributes:
        losses: What names the loss of each output, as in `compile`, or `module:function`; None for one without.
        outputs: The predictions, one array for each output of the model.
        targets: What they should be.
        sample_weight: As in `train_on_batch`.
    """

    losses: list[Any]
    outputs: list[np.ndarray]
    targets: list[np.ndarray]
    sample_weight: Any = None


@dataclass(frozen=True)
class MetricPlan:
    """A metric, on predictions that all share; attributes as in `LossPlan`."""

    metric: Any
    outputs: list[np.ndarray]
    targets: list[np.ndarray]


@dataclass(frozen=True)
class OptimizerPlan:
    """An optimiser, applied to the model's weights with gradients that all share.

    Attributes:
        optimizer: What names it.
        steps: How many steps it takes.
        seed: Draws the gradients.
        portion: Which portion of the weights, and of how many.
    """

    optimizer: Any
    steps: int
    seed: int
    portion: tuple[int, int]


@dataclass(frozen=True)
class RegularizerPlan:
    """What penalises one weight.

    Attributes:
        path: Of the weight.
        zero: Whether the weight is all zeros, as biases are at first, in place of what it was drawn.
    """

    path: str
    zero: bool


@dataclass(frozen=True)
class Training:
    """How a model is trained, as `compile` and `fit` take it.

    Attributes:
        optimizer: What names it.
        loss: One for all outputs, or a list or a dictionary with one for each; None where the model adds its own.
        metrics: Likewise.
        loss_weights: As in `compile`.
        weighted_metrics: As in `compile`.
        own: Whether the model is trained as it came compiled; then nothing else here counts.
    """

    optimizer: Any = "adam"
    loss: Any = "mean_squared_error"
    metrics: Any = ()
    loss_weights: Any = None
    weighted_metrics: Any = None
    own: bool = False


@dataclass(frozen=True)
class Batch:
    """What a training step takes.

    Attributes:
        inputs: As `RunModel` takes them.
        targets: One array for each output, in flattened order, or the structure itself; None for none.
        sample_weight: As in `train_on_batch`.
        class_weight: As in `train_on_batch`.
    """

    inputs: Any
    targets: Any
    sample_weight: Any = None
    class_weight: dict[int, float] | None = None


@dataclass(frozen=True)
class StepsPlan:
    """Whole training steps, by `train_on_batch`.

    Attributes:
        training: How.
        batches: On what.
    """

    training: Training
    batches: list[Batch]


@dataclass(frozen=True)
class ComposedPlan:
    """The same steps, composed of the model's run, the loss, its gradient and the optimiser, without Keras's own step.

    Attributes:
        training: How.
        batches: On what.
        sparse: Whether the gradients of embeddings stay sparse where the backend makes sparse ones.
        fused: Whether a cross-entropy may go back to what a sigmoid or softmax before it was taken of.
    """

    training: Training
    batches: list[Batch]
    sparse: bool = True
    fused: bool = True


@dataclass(frozen=True)
class FitPlan:
    """One epoch of `fit` over two and a half batches, then `evaluate`.

    Attributes:
        training: How.
        data: All that it is trained on.
        batch_size: Examples in a full batch.
        eager: Whether to run it eagerly; else as the backend does by default.
    """

    training: Training
    data: Batch
    batch_size: int
    eager: bool = False


@dataclass(frozen=True)
class PredictPlan:
    """`predict` over two and a half batches, twice; attributes as in `FitPlan`."""

    inputs: Any
    batch_size: int
    eager: bool = False


@dataclass(frozen=True)
class BatchwisePlan:
    """The batches of `fit` and `evaluate`, or of `predict`, one by one, without Keras's own loops over them.

    Attributes:
        whole: The plan that is taken apart.
    """

    whole: FitPlan | PredictPlan


Plan = (
    LossPlan
    | MetricPlan
    | OptimizerPlan
    | RegularizerPlan
    | StepsPlan
    | ComposedPlan
    | FitPlan
    | PredictPlan
    | BatchwisePlan
)


@dataclass(frozen=True)
class StudyLearning(Task[Study]):
    """Run a part of training in both precisions.

    Attributes:
        plan: Which part, on what.
        samples: Seeds of the perturbations that measure unavoidable errors.
        exact: Whether to run it in float64, too; else nothing is measured.
    """

    performed_in: ClassVar[str] = _LEARNING
    plan: Plan
    samples: list[int]
    exact: bool = True


@dataclass(frozen=True)
class LearningNeighbours(Task[Neighbours]):
    """Tell float64 quantities of a part of training at neighbouring inputs; attributes as in `ReplayNeighbours`."""

    performed_in: ClassVar[str] = _LEARNING
    plan: Plan
    nudges: list[Nudge]
    quantities: list[Quantity]


@dataclass(frozen=True)
class SaveModel(Task[bytes | Raised]):
    """Tell the bytes of the checked model's `.keras` file, or what saving raised."""

    performed_in: ClassVar[str] = _STAGES


@dataclass(frozen=True)
class ReloadModel(Task[Reloaded | Raised]):
    """Load another backend's file and tell what the model in it holds and computes, beside the worker's own.

    Attributes:
        contents: The file's bytes.
        inputs: What to run both models on.
    """

    performed_in: ClassVar[str] = _STAGES
    contents: bytes
    inputs: Any
