"""The state that the parts of one running check share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_parity.judge import NEIGHBOURS, AskNeighbours, Nearby
from keras_parity.ledger import Ledger
from keras_parity.participants import Participants
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import InputSpec, WeightSpec
from keras_parity.protocol.tasks import Neighbours, Nudge, Task
from keras_parity.request import CheckRequest

# Perturbations that measure a call's unavoidable error, shared out among the executions.
SAMPLES = 6
# How far away the neighbours lie that tell a difference of meaning from one of rounding: sixteen times float32's
# resolution, so that its rounding errors come out anew, while a smooth difference stays what it was.
_NEIGHBOURHOOD = 2.0**-20
# So that a large network fits in memory, calls are replayed in portions of so many bytes of inputs. Where a batch of
# the usual size takes more bytes than `LARGE`, a smaller one is drawn. There, and where the weights take more than
# `LARGE_WEIGHTS`, one execution computes at a time, the optimiser is tried on portions of so many bytes of weights, and
# `fit` and `predict` are left out. A training holds the weights a dozen times: with those of ResNet50, 200 MB, a check
# took more than 24 GiB.
PORTION = 16 << 20
BATCH_SIZE, SMALL_BATCH_SIZE, LARGE, LARGE_WEIGHTS = 4, 2, 256 << 20, 128 << 20


@dataclass(frozen=True)
class KnownWeights:
    """The weights of the model that is checked.

    Attributes:
        specs: What they are, in the order of the first execution.
        initial: What its initialisers gave, or a file holds.
        first: The name of that execution.
        orders: As in `MatchedWeights`.
        drawn: Whether they are drawn: a file's weights are the user's.
    """

    specs: Sequence[WeightSpec] = ()
    initial: Sequence[np.ndarray] = ()
    first: str = ""
    orders: Mapping[str, list[int]] = field(default_factory=dict)
    drawn: bool = False


@dataclass
class Check:
    """A running check.

    Attributes:
        request: What was asked for.
        participants: The executions.
        ledger: What was found so far.
        say: Gets a line on each stage.
        inputs: What the model takes; None where only a call can tell.
        weights: Its weights, once it is built.
        bytes_of_activations: Of one example, in float64, where the model tells it.
        bytes_of_weights: In float64.
        trained_weights: How many of the weights are trained.
        outputs: A name for each output, in flattened order; None where only a call can tell.
        compiled: Whether the model came compiled.
        own_step: The methods of its class that train it in another way than Keras's.
        own_losses: What its own losses are called.
        spans_batch: Whether outputs have another axis that is as long as the batch, as similarities of all with all.
        differ_in_steps: Which executions differ in whole training steps because of a part that has been blamed.
        regularizers: By the path of each weight that is penalised, the class of what does.
    """

    request: CheckRequest
    participants: Participants
    ledger: Ledger
    say: Callable[[str], None]
    inputs: list[InputSpec] | None = None
    weights: KnownWeights = KnownWeights()
    bytes_of_activations: int = 0
    bytes_of_weights: int = 0
    trained_weights: int = 0
    outputs: list[str] | None = None
    compiled: bool = False
    own_step: tuple[str, ...] = ()
    own_losses: Any = None
    spans_batch: bool = False
    differ_in_steps: set[str] = field(default_factory=set)
    regularizers: dict[str, str] = field(default_factory=dict)

    @property
    def large(self) -> bool:
        """Whether the model's activations or its weights take so much that memory is spared."""
        return self._has_large_batch or self.bytes_of_weights > LARGE_WEIGHTS

    @property
    def _has_large_batch(self) -> bool:
        return BATCH_SIZE * self.bytes_of_activations > LARGE

    @property
    def weight_portions(self) -> int:
        """In how many portions the optimiser is tried on the weights."""
        return max(1, min(self.bytes_of_weights // PORTION, self.trained_weights)) if self.large else 1

    @property
    def batch_size(self) -> int:
        """How many examples are in a draw."""
        return self.request.batch_size or (SMALL_BATCH_SIZE if self._has_large_batch else BATCH_SIZE)

    @property
    def has_fixed_batch(self) -> bool:
        """Whether the model takes a batch of one size alone, as far as is known."""
        return any(spec.shape and spec.shape[0] is not None for spec in self.inputs or ())

    @property
    def own_training(self) -> bool:
        """Whether the model is trained as it came compiled: it did, and the user names nothing else."""
        return self.compiled and not self.request.names_training

    def neighbours(self, task: Callable[[list[Nudge], list[Quantity]], Task[Neighbours]]) -> AskNeighbours:
        """Return what asks two executions for quantities at neighbouring inputs.

        Args:
            task: Makes the task for some nudges and quantities.
        """
        nudges = [Nudge(_NEIGHBOURHOOD, 1000 + i) for i in range(NEIGHBOURS)]

        def ask(pair: tuple[str, str], wanted: list[Quantity]) -> Nearby:
            answers = self.participants.ask_each(dict.fromkeys(pair, task(nudges, wanted)))
            if len(answers) < len(pair):  # a worker was lost
                return {}
            first, second = (answers[name] for name in pair)
            return {quantity: (first[quantity], second[quantity]) for quantity in wanted}

        return ask
