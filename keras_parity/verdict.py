"""What a check found: its outcome, each finding with its numbers, and what they were measured with.

Plain values only: a verdict is made of strings, numbers and lists, goes to JSON and comes back the same.
"""

import dataclasses
import enum
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Quantity
from keras_parity.request import CheckRequest


class Outcome(enum.Enum):
    """What a check says in one word; never a silent pass."""

    AGREE = "agree"
    DISAGREE = "disagree"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> int:
        """The command's exit code; 2 is left to wrong usage."""
        return {Outcome.AGREE: 0, Outcome.DISAGREE: 1, Outcome.INCONCLUSIVE: 3}[self]


@dataclass(frozen=True)
class Culprit:
    """A layer that is wrong by itself, and the execution that is alone with it; None where that cannot be said."""

    layer: str
    execution: str | None


@dataclass(frozen=True)
class Finding:
    """One difference between backends, at one layer.

    Attributes:
        layer: The path of the layer or operation within the model, as `encoder/attention`; in parentheses what is no
            layer: `(loss)`, `(optimizer)`, `(metric accuracy)`, `(model)`, `(reload)`.
        layer_type: Its class, as `Conv2D`.
        execution: The one that is alone, as `jax`; None where no two agree.
        executions: All that took part.
        quantity: What differs.
        mode: `inference`, `training`, or `building`.
        cause: The probable class of cause.
        draw: The input draw it was worst on, as `ordinary 1` or `blank`.
        ordinary: Whether it shows on ordinary data, and not on edge draws alone.
        max_abs_error: The largest absolute difference; NaN where there is no number.
        rounding_units: That difference in units of the unavoidable error; NaN where there is no number.
        detail: The sizes and the other side in words, or what was raised.
        accepted: The reason why the project accepts it (`parity.toml`); None where it does not.
        known: The name of the divergence of Keras that it is; None where it is none that is known.
        on_data: Whether it is a gradient of data that no trained weight has been at.
    """

    layer: str
    layer_type: str
    execution: str | None
    executions: tuple[str, ...]
    quantity: Quantity
    mode: str
    cause: Cause
    draw: str
    ordinary: bool
    max_abs_error: float
    rounding_units: float
    detail: str
    accepted: str | None = None
    known: str | None = None
    on_data: bool = False

    @property
    def matters(self) -> bool:
        """Whether ordinary data show it, in what some training needs: none needs a gradient of data."""
        return self.ordinary and not self.on_data

    @property
    def is_open(self) -> bool:
        """Whether it makes a check fail: nobody accepted it, and it is no known divergence that does not matter."""
        return self.accepted is None and (self.known is None or self.matters)

    @property
    def size(self) -> float:
        """The difference in rounding units, for sorting: a difference without a number counts as the largest."""
        return math.inf if math.isnan(self.rounding_units) else self.rounding_units

    @property
    def severity(self) -> tuple[bool, float]:
        """What findings are sorted by: those on ordinary data above those on edge draws alone, then the size."""
        return self.ordinary, self.size

    @property
    def message(self) -> str:
        """One sentence that says it all, without a traceback."""
        who = f"{self.execution} is alone" if self.execution else "no two backends agree"
        if self.execution and self.cause is Cause.ERROR:  # of three backends two may raise: neither is alone
            others = [name for name in self.executions if name != self.execution]
            who = f"{self.execution} raises where {' and '.join(others)} {'does' if len(others) == 1 else 'do'} not,"
        elif self.execution and self.cause is Cause.PRECISION and len(self.executions) == 2:  # of three, two may be off
            who = f"{self.execution} differs from {' and '.join(n for n in self.executions if n != self.execution)}"
        return f"{self.layer}: {who} on the {self.quantity} ({self.cause.value}): {self.detail}"

    @property
    def culprit(self) -> Culprit:
        """The layer and the execution to look at."""
        return Culprit(self.layer, self.execution)


@dataclass(frozen=True)
class Measurement:
    """The worst error measured of one layer in one execution and direction, replayed with shared inputs.

    Attributes:
        layer: The path, as in `Finding`.
        layer_type: The layer's class.
        execution: Whose error it is.
        direction: `forward` or `backward`.
        rounding_units: The largest error, in units of what is unavoidable; NaN where nothing was compared.
        quantity: The quantity that this worst error was seen on.
        max_abs_error: The absolute difference there.
        allowed: The units that a sound result may be off there; NaN in reports of an older version.
    """

    layer: str
    layer_type: str
    execution: str
    direction: str
    rounding_units: float
    quantity: Quantity
    max_abs_error: float
    allowed: float = math.nan


@dataclass(repr=False)
class Verdict:
    """What a check says, and all that it rests on.

    Attributes:
        outcome: Agree, disagree or inconclusive.
        reason: One sentence: why this outcome.
        model: What was checked, as the user named it, or the model's name.
        findings: Differences, in the order of the model's layers; accepted ones included.
        notes: What a reader should know and what turns no light red, as differences that only float64 shows.
        measurements: For each layer, execution and direction the worst error, in the order of the model's layers.
        failures: For each execution that could not finish, why, in its own last words.
        request: What was asked for.
        used: What the check chose itself: `batch_size`, and how many rounding units still agree, `threshold`.
        raised_everywhere: Whether the model raises on every backend.
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
    request: CheckRequest | None = None
    used: dict[str, Any] = field(default_factory=dict)
    raised_everywhere: bool = False
    environment: dict[str, Any] = field(default_factory=dict)
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
        return list(dict.fromkeys(finding.culprit for finding in self.findings if finding.is_open))

    @property
    def worst(self) -> Finding | None:
        """The finding, not accepted, with the largest error in rounding units; one without a number comes first."""
        open_findings = [finding for finding in self.findings if finding.is_open]
        if not open_findings:
            return None
        return max(open_findings, key=lambda finding: finding.size)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON's types; NaN and infinities as None and strings are left to the writer."""
        kept = (self.reason, self.model, self.notes, self.failures, self.used, self.raised_everywhere, self.environment)
        names = ("reason", "model", "notes", "failures", "used", "raised_everywhere", "environment")
        return {
            "outcome": self.outcome.value,
            **dict(zip(names, kept, strict=True)),
            "findings": [
                {
                    **{f.name: getattr(finding, f.name) for f in dataclasses.fields(finding)},
                    "cause": finding.cause.value,
                    "executions": list(finding.executions),
                    "quantity": finding.quantity.to_dict(),
                    "message": finding.message,
                }
                for finding in self.findings
            ],
            "measurements": [
                {
                    **{f.name: getattr(measurement, f.name) for f in dataclasses.fields(measurement)},
                    "quantity": measurement.quantity.to_dict(),
                }
                for measurement in self.measurements
            ],
            "request": self.request.to_dict() if self.request else None,
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Verdict":
        """Return the verdict that `to_dict` gave."""
        findings = [
            Finding(
                **{name: value for name, value in finding.items() if name != "message"}
                | {
                    "cause": Cause(finding["cause"]),
                    "executions": tuple(finding["executions"]),
                    "quantity": Quantity.from_dict(finding["quantity"]),
                }
            )
            for finding in values["findings"]
        ]
        measurements = [
            Measurement(**{**measurement, "quantity": Quantity.from_dict(measurement["quantity"])})
            for measurement in values["measurements"]
        ]
        read = {
            "outcome": Outcome(values["outcome"]),
            "findings": findings,
            "measurements": measurements,
            "request": values["request"] and CheckRequest.from_dict(values["request"]),
        }
        return cls(**{**values, **read})

    def report(self, folder: str | Path) -> Path:
        """Write `report.html`, `report.json` and `report.md` into `folder` and return the page's path."""
        from keras_parity.report import write_report

        return write_report(self, Path(folder))
