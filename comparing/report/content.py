"""What a report holds: the value that `report.json` keeps, and the page and the Markdown show."""

import dataclasses
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comparing.answers import Answer
from comparing.details import OF_QUESTION, Details
from comparing.report.decoding import decode, encode

FORMAT = 1


@dataclass(frozen=True)
class RunSummary:
    """What is told of a run.

    Attributes:
        backend: The one it trained on.
        seed: Its seed.
        folder: Where it lies, as seen from the report.
        alone: Whether it had the machine to itself, so that its speed can be compared.
        test_accuracy: Share of the test examples classified right; None where nobody knows their labels.
        test_loss: In nats; None likewise.
        images_per_second: After the first step.
        training_seconds: Its whole training took.
        peak_memory_mib: The most memory that its process held.
        epochs: How many it trained.
    """

    backend: str
    seed: int
    folder: str
    alone: bool
    test_accuracy: float | None
    test_loss: float | None
    images_per_second: float
    training_seconds: float
    peak_memory_mib: float
    epochs: int


@dataclass(frozen=True)
class Curve:
    """A run's loss and accuracy against its steps.

    Attributes:
        backend: The run's.
        seed: The run's.
        of: "log", or "epochs" where it keeps no log.
        step: The steps.
        loss: At each.
        accuracy: At each, from 0 to 1.
    """

    backend: str
    seed: int
    of: str
    step: tuple[int, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]

    def column(self, name: str) -> tuple[float, ...]:
        """Return `loss` or `accuracy`."""
        return {"loss": self.loss, "accuracy": self.accuracy}[name]


@dataclass(frozen=True)
class Spread:
    """The median, least and greatest of some numbers."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of some numbers."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class BackendSpeed:
    """How fast a backend is.

    Attributes:
        turns: How many runs the spreads come from.
        images_per_second: After the first step.
        start_seconds: Imports and data.
        compile_seconds: Building the model, and its first step.
        epoch_seconds: An epoch.
        peak_memory_mib: Of the process.
    """

    turns: int
    images_per_second: Spread
    start_seconds: Spread
    compile_seconds: Spread
    epoch_seconds: Spread
    peak_memory_mib: Spread


@dataclass(frozen=True)
class SpeedRatio:
    """How many times as fast the first of two backends is: turn by turn, and their spread."""

    backends: tuple[str, ...]
    turns: tuple[float, ...]
    median: float
    least: float
    greatest: float

    @property
    def spread(self) -> Spread:
        """The spread of the turns."""
        return Spread(self.median, self.least, self.greatest)


@dataclass(frozen=True)
class Speed:
    """The speeds of the backends that had runs alone on the machine, and each pair's ratio."""

    backends: dict[str, BackendSpeed]
    ratios: tuple[SpeedRatio, ...]


@dataclass(frozen=True)
class SweepRow:
    """A backend's images per second at a batch size."""

    batch_size: int
    backend: str
    median: float
    least: float
    greatest: float


@dataclass(frozen=True)
class DisputedExample:
    """A test example that the backends classify differently.

    Attributes:
        index: Its place in the test split.
        truth: Its class; negative where nobody knows it.
        predicted: What each backend says.
        pixels: The image, nested lists of 0..255; None where it is none.
    """

    index: int
    truth: int
    predicted: dict[str, int]
    pixels: Any


@dataclass(frozen=True)
class Environment:
    """What the comparison ran on.

    Attributes:
        git_commit: The checkout's; None outside git.
        versions: Of Python and the packages; None of one that is not installed.
        system: The operating system.
        processor: Its name.
        cores: How many may be used.
        memory_gib: How much there is.
        settings: The environment variables that change speed or last bits.
        devices: What each backend computed on.
        threads: Each backend's numbers of threads.
    """

    git_commit: str | None
    versions: dict[str, str | None]
    system: str
    processor: str
    cores: int
    memory_gib: float
    settings: dict[str, str]
    devices: dict[str, tuple[str, ...]]
    threads: dict[str, Any]


@dataclass(frozen=True)
class Regressions:
    """What has got worse since a baseline.

    Attributes:
        worse: A sentence for each number that has, by more than its noise.
        not_compared: A sentence for each that could not be compared.
        date: The baseline's.
        command: The baseline's.
    """

    worse: tuple[str, ...]
    not_compared: tuple[str, ...]
    date: str | None
    command: str | None


@dataclass(frozen=True)
class Report:
    """A comparison's report.

    Attributes:
        outcome: The verdict: `agree`, `disagree` or `inconclusive`.
        sentence: The verdict in words.
        model: Name of the system.
        title: What the system is.
        source: Its origin, under the key that reports have.
        parameters: How many it has.
        test_examples: How many score a run.
        class_names: A name per class.
        smoke: Whether it is only a trial.
        backends: Those compared.
        seeds: Those of the runs.
        margin: The largest difference of accuracies that is none, in percentage points.
        recipe: The values that the runs train with; a baseline's may be of an earlier version.
        answers: To the four questions.
        failures: For each backend or run that failed, its last words.
        runs: The finished ones.
        curves: Theirs.
        twins: The curves of runs from weights that differ in the last place.
        speed: Of the runs that had the machine to themselves.
        sweep: Speed against batch size.
        confusions: For each backend how often each class (row) was taken for each (column), means over seeds.
        disputed: The first test examples that the backends classify differently.
        disputed_seed: The seed of those runs; None where none are looked at.
        engine: The engine's verdicts as it writes them, by what was checked.
        environment: What it ran on.
        command: What the user typed.
        date: When it was done, in ISO's form.
        seconds: How long it took.
        baseline: What has got worse since an earlier report; None where none was given.
    """

    outcome: str
    sentence: str
    model: str
    title: str
    source: str
    parameters: int
    test_examples: int
    class_names: tuple[str, ...]
    smoke: bool
    backends: tuple[str, ...]
    seeds: tuple[int, ...]
    margin: float
    recipe: dict[str, Any]
    answers: tuple[Answer, ...]
    failures: dict[str, str]
    runs: tuple[RunSummary, ...]
    curves: tuple[Curve, ...]
    twins: tuple[Curve, ...]
    speed: Speed
    sweep: tuple[SweepRow, ...]
    confusions: dict[str, tuple[tuple[float, ...], ...]]
    disputed: tuple[DisputedExample, ...]
    disputed_seed: int | None
    engine: dict[str, Any]
    environment: Environment
    command: str
    date: str
    seconds: float
    baseline: Regressions | None = None

    def details(self, question: str) -> Details | None:
        """Return what an answer was found from; None where the question was not asked or has no answer."""
        return next((answer.details for answer in self.answers if answer.question == question), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the report in strict JSON's types; numbers that are none, as an infinite ratio, are None."""
        values = {"format": FORMAT, **encode(self)}
        for answer, own in zip(self.answers, values["answers"], strict=True):
            own["details"] = own["details"] or {}
            own["title"] = answer.title
        return {key: value for key, value in values.items() if value is not None or key not in _LEFT_OUT}

    @classmethod
    def from_dict(cls, values: Any) -> "Report":
        """Return the report that `to_dict` wrote.

        Raises:
            ValueError: Naming what is not as it is written.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError("another format")
        answers = [_decode_answer(answer) for answer in values.get("answers", [])]
        plain = dict.fromkeys(_LEFT_OUT) | values | {"answers": []}
        return dataclasses.replace(decode(cls, plain, "report"), answers=tuple(answers))


# Keys that are not written where they have no value.
_LEFT_OUT = ("disputed_seed", "baseline")


def render_json(report: Report) -> str:
    """Return the report as one indented JSON object."""
    return json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n"


def _decode_answer(values: Any) -> Answer:
    answer = decode(Answer, values | {"details": None}, "answer")
    kind = OF_QUESTION.get(answer.question)
    if kind is None:
        raise ValueError(f"no question {answer.question!r}")
    details = decode(kind, values["details"], f"details of {answer.question}") if values["details"] else None
    return dataclasses.replace(answer, details=details)
