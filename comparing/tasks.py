"""What a comparison asks a backend's worker for; `in_worker.py` performs it.

Answers are plain values: the parent builds its own types from them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from keras_parity.protocol.tasks import Task
from training.request import TrainingRequest

_PERFORMED_IN = "comparing.in_worker"


@dataclass(frozen=True)
class DescribeTraining(Task[dict[str, Any]]):
    """Tell the fields of `TrainingFacts`."""

    performed_in: ClassVar[str] = _PERFORMED_IN
    request: TrainingRequest


@dataclass(frozen=True)
class TrainRun(Task[tuple[int, str]]):
    """Train as `train.py` does; tell its exit code and what it wrote on stderr."""

    performed_in: ClassVar[str] = _PERFORMED_IN
    request: TrainingRequest


@dataclass(frozen=True)
class MakeInitialWeights(Task[list[np.ndarray]]):
    """Tell the weights with which this backend would start a training, to be given to all."""

    performed_in: ClassVar[str] = _PERFORMED_IN
    request: TrainingRequest


@dataclass(frozen=True)
class RecordSteps(Task[dict[str, Any]]):
    """Train the first steps from given weights, and again from perturbed ones; tell the fields of `Recording`.

    Attributes:
        request: The training.
        weights: The initial weights, as `MakeInitialWeights` gives them.
        count: Steps.
        perturbed: How often to train with perturbed weights: each entry moved to a neighbouring float32 number, up or
            down at random, before the first step and after each one.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    request: TrainingRequest
    weights: list[np.ndarray]
    count: int
    perturbed: int


@dataclass(frozen=True)
class PredictRuns(Task[list[np.ndarray]]):
    """Tell the class that each run predicts for each example that scores it, int64 `(n,)`.

    Attributes:
        request: A training of the system.
        folders: Of runs of the system, trained on the worker's backend.
    """

    performed_in: ClassVar[str] = _PERFORMED_IN
    request: TrainingRequest
    folders: list[str]


@dataclass(frozen=True)
class ReadExamples(Task[dict[str, np.ndarray]]):
    """Tell the inputs `(n, ...)` and the labels `(n,)` of some test examples, and `all_labels` of every one."""

    performed_in: ClassVar[str] = _PERFORMED_IN
    request: TrainingRequest
    indices: list[int]
