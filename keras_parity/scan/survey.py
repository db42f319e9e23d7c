"""Runs the configurations through `check`, one after the other, and keeps a row for each."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_parity.comparison import Patches, run_check
from keras_parity.crew import shared_crew
from keras_parity.executions import installed_executions
from keras_parity.protocol.cause import Cause
from keras_parity.request import make_request
from keras_parity.scan.configuration import Configuration
from keras_parity.scan.record import Record
from keras_parity.scan.values import draw_inputs
from keras_parity.verdict import Outcome, Verdict

AGREES, DIFFERS, RAISES, RAISES_EVERYWHERE, UNDECIDED = (
    "agrees",
    "differs",
    "raises",
    "raises everywhere",
    "undecided",
)
BUILDER = "keras_parity.worker.scanning:build"
# JAX keeps what it compiled: after so many checks its process holds some gigabytes, and all are started anew.
FRESH_AFTER = 300


@dataclass(frozen=True)
class Row:
    """What the scan found for one configuration.

    Attributes:
        name: The configuration's name.
        result: `agrees`, `differs`, `raises` (on some backends only), `raises everywhere` or `undecided`.
        backends: The backends that are alone with a difference or that raise; empty where no two agree.
        reason: The verdict's reason.
        findings: For each finding its quantity, mode, cause, backend, size and message, as plain values.
        seconds: How long the check took.
    """

    name: str
    result: str
    backends: tuple[str, ...]
    reason: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> str:
        """Return the row as one line of JSON; NaN is written as null."""
        values = dataclasses.asdict(self)
        values["findings"] = [
            {key: None if value != value else value for key, value in finding.items()} for finding in self.findings
        ]
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str) -> "Row":
        """Return the row that `to_json` wrote."""
        values = json.loads(line)
        return cls(**{**values, "backends": tuple(values["backends"])})


def survey(
    configurations: Sequence[Configuration],
    backends: Sequence[str] | None,
    dtype: str,
    *,
    edge: bool = False,
    patches: Patches | None = None,
    time_limit: float = 120.0,
) -> Iterator[Row]:
    """Yield the row of each configuration as it is done.

    Args:
        configurations: What to check.
        backends: Those to compare; None for all installed.
        dtype: The dtype policy asked about.
        edge: Whether to let the engine add its edge draws where all inputs hold normal numbers; this takes longer.
        patches: For tests, as in `keras_parity.comparison.run_check`.
        time_limit: Seconds that a backend may take for one stage.
    """
    backends = tuple(backends or (execution.name for execution in installed_executions()))
    crew = shared_crew()
    for number, configuration in enumerate(configurations, 1):
        if number % FRESH_AFTER == 0:
            for backend in backends:
                crew[backend].restart()
        drawn = edge and all(tensor.values == "normal" for tensor in configuration.inputs)
        request = make_request(
            BUILDER,
            backends,
            kwargs={"configuration": configuration.name},
            inputs=None if drawn else draw_inputs(configuration, dtype),
            dtype=dtype,
            steps=0,
            edge=drawn,
            reload=False,
            time_limit=time_limit,
        )
        yield to_row(configuration.name, run_check(request, crew, _say_nothing, patches))


def to_row(name: str, verdict: Verdict) -> Row:
    """Return what a verdict says of a configuration."""
    findings = [
        {
            "layer_type": finding.layer_type,
            "backend": finding.execution,
            "quantity": str(finding.quantity),
            "mode": finding.mode,
            "cause": finding.cause.value,
            "max_abs_error": finding.max_abs_error,
            "rounding_units": finding.rounding_units,
            "message": plain(finding.message),
        }
        for finding in verdict.findings
    ]
    differences = [finding for finding in verdict.findings if finding.cause is not Cause.ERROR]
    raising = [finding.execution for finding in verdict.findings if finding.cause is Cause.ERROR]
    raising += list(verdict.failures)
    if differences:
        result, backends = DIFFERS, [finding.execution for finding in verdict.findings]
    elif verdict.raised_everywhere or (verdict.request and set(raising) >= set(verdict.request.executions)):
        result, backends = RAISES_EVERYWHERE, []
    elif raising:
        result, backends = RAISES, raising
    else:
        result, backends = UNDECIDED if verdict.outcome is Outcome.INCONCLUSIVE else AGREES, []
    alone = tuple(dict.fromkeys(backend for backend in backends if backend is not None))
    findings += [
        {"backend": backend, "quantity": "", "mode": "", "cause": Cause.ERROR.value, "message": plain(text)}
        for backend, text in verdict.failures.items()
        if backend not in {finding["backend"] for finding in findings}
    ]
    return Row(name, result, alone, plain(verdict.reason), findings, round(verdict.seconds, 2))


def _say_nothing(line: str) -> None:
    pass


def plain(text: str) -> str:
    """Return a text on one line, without a terminal's colours."""
    return " ".join(re.sub(r"\x1b?\[\d*m", "", text).split())


def run(
    configurations: Sequence[Configuration], record: Record[Row], say: Callable[[str], None], **options: Any
) -> dict[str, Row]:
    """Check what the record does not hold yet, and return all rows by name.

    Args:
        configurations: What to check.
        record: What is known, and where new rows go.
        say: Gets a line for each configuration.
        **options: As in `survey`.
    """
    left = [configuration for configuration in configurations if configuration.name not in record.rows]
    if len(left) < len(configurations):
        say(f"{len(configurations) - len(left)} of {len(configurations)} are in the record already")
    for number, row in enumerate(survey(left, **options), 1):
        record.add(row)
        alone = f" ({', '.join(row.backends)})" if row.backends else ""
        say(f"[{number}/{len(left)}] {row.result}{alone}: {row.name}, {row.seconds:.1f} s")
    return {configuration.name: record.rows[configuration.name] for configuration in configurations}
