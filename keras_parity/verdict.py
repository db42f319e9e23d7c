"""What a check found: its outcome, each finding with its numbers, and what they were measured with.

Plain values only: a verdict is made of strings, numbers and lists, goes to JSON and comes back the same.
"""

import dataclasses
import enum
import math
from dataclasses import dataclass, field
from pathlib import Path


class Outcome(enum.Enum):
    """What a check says in one word; never a silent pass."""

    AGREE = "agree"
    DISAGREE = "disagree"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """The command's exit code; 2 is left to wrong usage."""
        return {Outcome.AGREE: 0, Outcome.DISAGREE: 1, Outcome.INCONCLUSIVE: 3}[self]


class Cause(enum.Enum):
    """The probable class of a difference."""

    ERROR = "error raised"
    STRUCTURE = "structure"
    SHAPE = "shape"
    DTYPE = "dtype"
    NAN = "NaN"
    SEMANTIC = "semantic"
    PRECISION = "precision"


@dataclass(frozen=True)
class Culprit:
    """A layer that is wrong by itself, and the backend that is alone with it; None where that cannot be said."""

    layer: str
    backend: str | None


@dataclass(frozen=True)
class Finding:
    """One difference between backends, at one layer.

    Attributes:
        layer: The path of the layer or operation within the model, as `encoder/attention`; in parentheses what is no
            layer: `(loss)`, `(optimizer)`, `(metric accuracy)`, `(model)`, `(reload)`.
        layer_type: Its class, as `Conv2D`.
        backend: The backend that is alone; None where no two backends agree.
        backends: All backends that took part.
        quantity: What differs, as `output`, `gradient of kernel`, `gradient of input`, `state moving_mean`,
            `update of kernel`, `dtype of output`.
        mode: `inference` or `training`.
        cause: The probable class of cause.
        draw: The input draw it was worst on, as `ordinary 1` or `blank`.
        ordinary: Whether it shows on ordinary data, and not on edge draws alone.
        max_abs_error: The largest absolute difference; NaN where there is no number.
        rounding_units: That difference in units of the unavoidable error; NaN where there is no number.
        message: One sentence that says it all, without the backend's traceback.
        accepted: The reason why the project accepts it (`parity.toml`); None where it does not.
    """

    layer: str
    layer_type: str
    backend: str | None
    backends: tuple[str, ...]
    quantity: str
    mode: str
    cause: Cause
    draw: str
    ordinary: bool
    max_abs_error: float
    rounding_units: float
    message: str
    accepted: str | None = None

    @property
    def detail(self) -> str:
        """What the message says beyond the other attributes."""
        return self.message.partition(f"({self.cause.value}): ")[2] or self.message

    @property
    def culprit(self) -> Culprit:
        """The layer and the backend to look at."""
        return Culprit(self.layer, self.backend)


@dataclass(frozen=True)
class Measurement:
    """The worst error measured of one layer on one backend in one direction, replayed with shared inputs.

    Attributes:
        layer: The path, as in `Finding`.
        layer_type: The layer's class.
        backend: The backend.
        direction: `forward` or `backward`.
        rounding_units: The largest error, in units of what is unavoidable; NaN where nothing was compared.
        quantity: The quantity that this worst error was seen on.
        max_abs_error: The absolute difference there.
    """

    layer: str
    layer_type: str
    backend: str
    direction: str
    rounding_units: float
    quantity: str
    max_abs_error: float


@dataclass(repr=False)
class Verdict:
    """What a check says, and all that it rests on.

    Attributes:
        outcome: Agree, disagree or inconclusive.
        reason: One sentence: why this outcome.
        model: What was checked, as the user named it, or the model's name.
        findings: Differences, in the order of the model's layers; accepted ones included.
        notes: What a reader should know and what turns no light red, as differences that only float64 shows.
        measurements: For each layer, backend and direction the worst error, in the order of the model's layers.
        failures: For each backend that could not finish, why, in its own last words.
        settings: dtype, seed, steps, draws, loss, optimizer, threshold, as the check used them.
        environment: Versions, processor and threads, date and command.
        seconds: How long the check took.
    """

    outcome: Outcome
    reason: str
    model: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    seconds: float = math.nan

    def __repr__(self) -> str:
        return f"<Verdict on {self.model}: {self.outcome.value}: {self.reason}>"

    def __str__(self) -> str:
        """The lines that the command line prints."""
        from keras_parity.report.terminal import render_terminal

        return render_terminal(self)

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        from keras_parity.report.markdown import render_markdown

        return render_markdown(self)

    @property
    def culprits(self) -> list[Culprit]:
        """The layers that are wrong by themselves and not accepted, each once, in the model's order."""
        return list(dict.fromkeys(finding.culprit for finding in self.findings if finding.accepted is None))

    @property
    def worst(self) -> Finding | None:
        """The finding, not accepted, with the largest error in rounding units; one without a number comes first."""
        open_findings = [finding for finding in self.findings if finding.accepted is None]
        if not open_findings:
            return None
        return max(open_findings, key=lambda f: math.inf if math.isnan(f.rounding_units) else f.rounding_units)

    def to_dict(self) -> dict:
        """Return the verdict as JSON's types; NaN and infinities as None and strings are left to the writer."""
        values = dataclasses.asdict(self)
        values["outcome"] = self.outcome.value
        values["findings"] = [
            {**dataclasses.asdict(finding), "cause": finding.cause.value, "backends": list(finding.backends)}
            for finding in self.findings
        ]
        return values

    @classmethod
    def from_dict(cls, values: dict) -> "Verdict":
        """Return the verdict that `to_dict` gave."""
        findings = [
            Finding(**{**finding, "cause": Cause(finding["cause"]), "backends": tuple(finding["backends"])})
            for finding in values["findings"]
        ]
        measurements = [Measurement(**measurement) for measurement in values["measurements"]]
        rest = {key: value for key, value in values.items() if key not in ("outcome", "findings", "measurements")}
        return cls(outcome=Outcome(values["outcome"]), findings=findings, measurements=measurements, **rest)

    def report(self, folder: str | Path) -> Path:
        """Write `report.html`, `report.json` and `report.md` into `folder` and return the page's path."""
        from keras_parity.report import write_report

        return write_report(self, Path(folder))
