"""Divergences that a project knows and accepts: the file `parity.toml`, and what it does to a verdict.

    [[accepted]]
    layer = "encoder/attention"   # the path that the report prints
    backend = "jax"               # the one that is alone; "none" where no two agree
    quantity = "output"           # what differs, as the report prints it
    at_most = 3e-4                # the largest absolute difference that is accepted; left out where there is no number
    reason = "reported as keras#12345"
    until = "keras 3.16"          # accepted by every version before this one; or "jax 0.11", "torch 2.14" …
    model = "my_pkg.models:build" # optional: only for this model, as it is named on the command line
    kwargs = {units = 4}          # optional: only for the model that these arguments build
    cause = "error raised"        # optional: only for this cause; needed for an error raised and for NaN

An entry hides the one quantity that it names, up to the size that it names, and nothing worse. A divergence of Keras
that this project knows by a name is accepted by that name, wherever it shows:

    [[accepted]]
    known = "adam-sparse-gradients"
    reason = "we train on one backend alone"

The list is strict, so that it cannot rot: an entry that matches nothing, or whose version has come, makes the check
disagree. One is left out of account only where it cannot show, because it is for another model, or because its backend
takes no part. A check without training or without edge draws sees less, so there a missing one is a note.
"""

import dataclasses
import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_parity.errors import UsageError
from keras_parity.executions import refuse_unknown
from keras_parity.known import known_by_name
from keras_parity.names import BACKENDS, DEFAULT_FILE
from keras_parity.protocol.cause import Cause
from keras_parity.verdict import Finding, Outcome, Verdict

_PACKAGES = ("keras", *BACKENDS)
_REQUIRED = ("layer", "backend", "quantity", "reason", "until")
_KEYS = (*_REQUIRED, "at_most", "model", "kwargs", "cause")
# Causes that an entry accepts only if it names them: an error or a NaN may have any origin.
_TO_BE_NAMED = (Cause.ERROR, Cause.NAN)


@dataclass(frozen=True)
class Accepted:
    """One accepted divergence.

    Attributes:
        layer: The path of the layer, exactly as a finding has it.
        execution: The one that is alone; None where no two agree.
        quantity: What differs, as reports print it.
        at_most: The largest absolute difference that is accepted; None accepts what has no number alone.
        reason: Why it is accepted; reports print it.
        package: `keras` or a backend, whose version ends the acceptance.
        version: The first version of `package` that is not excused any more.
        model: The only model that it is for; None for every model that is checked with the file.
        kwargs: The only arguments of the model's function that it is for; None for any.
        known: The name of a known divergence of Keras; then what it is seen in counts no more.
        cause: The only cause that it is for; None for all but an error raised and NaN.
    """

    layer: str
    execution: str | None
    quantity: str
    at_most: float | None
    reason: str
    package: str
    version: str
    model: str | None = None
    kwargs: Mapping[str, Any] | None = None
    known: str | None = None
    cause: Cause | None = None

    def __str__(self) -> str:
        if self.known is not None:
            return self.known
        who = f"on {self.execution}" if self.execution else "with no backend alone"
        size = "" if self.at_most is None else f" up to {self.at_most:g}"
        cause = "" if self.cause is None else f" ({self.cause.value})"
        return f"{self.layer} {who}, {self.quantity}{size}{cause}"

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is this divergence, and no larger."""
        if self.known is not None:
            return self.names(finding)
        named = self.cause is finding.cause or (self.cause is None and finding.cause not in _TO_BE_NAMED)
        return named and self.names(finding) and self._is_large_enough(finding.max_abs_error)

    def names(self, finding: Finding) -> bool:
        """Return whether a finding is this divergence, whatever its size; of two that differ, either may be the one."""
        if self.known is not None:
            return finding.known == self.known
        if (finding.layer, str(finding.quantity)) != (self.layer, self.quantity):
            return False
        if self.cause not in (None, finding.cause):
            return False
        if finding.execution is None and len(finding.executions) == 2:
            return self.execution is None or self.execution in finding.executions
        return finding.execution == self.execution

    def _is_large_enough(self, size: float) -> bool:
        return math.isnan(size) if self.at_most is None else size <= self.at_most

    def can_show(self, verdict: Verdict) -> bool:
        """Return whether the check could have found it: its model, with its backend."""
        if self.model is not None and self.model != verdict.model:
            return False
        if self.kwargs is not None and dict(self.kwargs) != dict((verdict.request and verdict.request.kwargs) or {}):
            return False
        took_part = {m.execution for m in verdict.measurements} | {b for f in verdict.findings for b in f.executions}
        took_part |= set(verdict.request.executions if verdict.request else ())
        return self.execution is None or self.execution in took_part - set(verdict.failures)

    def is_past(self, versions: Mapping[str, str]) -> bool:
        """Return whether the installed version has reached the one it ends with."""
        installed = versions.get(self.package)
        return installed is not None and _release(installed) >= _release(self.version)


def read_accepted(path: str | Path) -> list[Accepted]:
    """Return the accepted divergences of a `parity.toml`.

    Raises:
        UsageError: If the file is missing, is no TOML, or has a key or a value that means nothing.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; give a file of accepted divergences, or leave the option out") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    _refuse_unknown(values, ("accepted",), str(path))
    entries = values.get("accepted", [])
    if not isinstance(entries, list):
        raise UsageError(f"{path}: write each accepted divergence as a table [[accepted]]")
    accepted = [_read_entry(entry, f"{path}, entry {i}") for i, entry in enumerate(entries, 1)]
    named = [
        (entry.layer, entry.execution, entry.quantity, entry.model, repr(entry.kwargs), entry.cause)
        for entry in accepted
    ]
    if doubled := next((i for i, name in enumerate(named) if name in named[:i]), None):
        raise UsageError(f"{path}, entry {doubled + 1}: {accepted[doubled]} is there twice; remove one")
    return accepted


def apply_accepted(verdict: Verdict, accepted: Iterable[Accepted]) -> Verdict:
    """Return the verdict with its accepted findings marked, and its outcome as it is then.

    Args:
        verdict: What the check found.
        accepted: What the project accepts.

    Returns:
        A new verdict. *disagree* becomes *agree* where every finding is accepted and every backend finished; *agree*
        becomes *disagree* where an entry is past its version or matches nothing; *inconclusive* stays.
    """
    versions = verdict.environment.get("versions", {})
    entries = [entry for entry in accepted if entry.can_show(verdict)]
    past = [entry for entry in entries if entry.is_past(versions)]
    valid = [entry for entry in entries if entry not in past]
    findings = [_mark(finding, valid) for finding in verdict.findings]
    # One name serves all models of a project, and need not show in each.
    idle = [e for e in valid if e.known is None and not any(e.names(finding) for finding in findings)]
    complaints = [
        f"{DEFAULT_FILE} accepts {entry}, and {_describe_worse(finding)}"
        for entry in valid
        for finding in verdict.findings
        if entry.names(finding) and not any(other.covers(finding) for other in valid)
    ]
    complaints += [
        f"{DEFAULT_FILE} accepts {entry} until {entry.package} {entry.version}, and this is {versions[entry.package]}: "
        f"look again, then remove the entry or raise its version"
        for entry in past
    ]
    missing = [
        f"{DEFAULT_FILE} accepts {entry}, which does not occur in {verdict.model}: remove the entry, or name the model "
        f"it is for"
        for entry in idle
    ]
    notes = list(verdict.notes)
    if _sees_less(verdict):
        notes += [f"{DEFAULT_FILE} accepts {entry}, which this partial check did not show" for entry in idle]
    elif verdict.outcome is not Outcome.INCONCLUSIVE:
        complaints += missing
    outcome, reason = _decide(verdict, findings, complaints)
    return dataclasses.replace(verdict, findings=findings, notes=notes, outcome=outcome, reason=reason)


def _describe_worse(finding: Finding) -> str:
    """Return why an entry does not cover a finding at its place."""
    if finding.cause in _TO_BE_NAMED:
        return f'the finding has another cause: only an entry with cause = "{finding.cause.value}" accepts it'
    return f"the difference has grown to {finding.max_abs_error:.3g}"


def _mark(finding: Finding, accepted: list[Accepted]) -> Finding:
    reason = next((entry.reason for entry in accepted if entry.covers(finding)), None)
    return finding if reason is None else dataclasses.replace(finding, accepted=reason)


def _sees_less(verdict: Verdict) -> bool:
    """Return whether the user left a part of the check out that shows by default."""
    return verdict.request is not None and not (verdict.request.training and verdict.request.edge)


def _decide(verdict: Verdict, findings: list[Finding], complaints: list[str]) -> tuple[Outcome, str]:
    """Return the outcome after acceptance, and its reason."""
    outcome, reasons = verdict.outcome, [verdict.reason.rstrip(". ")] if verdict.reason else []
    marked = [finding for finding in findings if finding.accepted is not None]
    if marked:
        layers = len({finding.culprit for finding in marked})
        if outcome is Outcome.DISAGREE and not any(finding.is_open for finding in findings):
            # A backend that did not finish could hide a difference that nobody has accepted.
            outcome = Outcome.INCONCLUSIVE if verdict.failures else Outcome.AGREE
            reasons = [f"{backend} did not finish" for backend in verdict.failures]
            reasons.append(f"the only differences are the {layers} that {DEFAULT_FILE} accepts")
        else:
            reasons.append(f"of these, {DEFAULT_FILE} accepts {layers}")
    if complaints and outcome is Outcome.AGREE:
        outcome, reasons = Outcome.DISAGREE, []
    reasons += complaints
    return outcome, "; ".join(reasons)


def _read_entry(entry: object, where: str) -> Accepted:
    """Return one entry of the file, every value looked at."""
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: write each accepted divergence as a table [[accepted]]")
    if "known" in entry:
        return _read_known(entry, where)
    _refuse_unknown(entry, _KEYS, where)
    for key in _REQUIRED:
        if key not in entry:
            raise UsageError(f"{where}: {key} is missing; an entry has {', '.join(_REQUIRED)}")
    at_most, kwargs = entry.get("at_most"), entry.get("kwargs")
    if at_most is not None and (isinstance(at_most, bool) or not isinstance(at_most, int | float) or not at_most > 0):
        raise UsageError(f"{where}: at_most must be a number above 0, the largest difference that is accepted")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise UsageError(f"{where}: kwargs must be a table, as {{units = 4}}")
    for key, value in entry.items():
        if key in ("at_most", "kwargs"):
            continue
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where}: {key} must be a text in quotes, and not empty")
    backend = entry["backend"]
    try:
        refuse_unknown(backend, others=("none",))
    except UsageError as error:
        raise UsageError(f"{where}: backend {error}") from None
    until = re.fullmatch(r"(\w+) +(\d+(?:\.\d+)*)", entry["until"].strip())
    if not until or until[1] not in _PACKAGES:
        raise UsageError(
            f'{where}: until {entry["until"]!r} is not understood; write as "keras 3.16" the first version that is not '
            f"excused, of {', '.join(_PACKAGES)}"
        )
    causes = {cause.value: cause for cause in Cause}
    if entry.get("cause", Cause.NAN.value) not in causes:
        raise UsageError(f"{where}: cause {entry['cause']!r} is none of {', '.join(causes)}")
    return Accepted(
        layer=entry["layer"],
        execution=None if backend == "none" else backend,
        quantity=entry["quantity"],
        at_most=None if at_most is None else float(at_most),
        reason=entry["reason"],
        package=until[1],
        version=until[2],
        model=entry.get("model"),
        kwargs=kwargs,
        cause=causes[entry["cause"]] if "cause" in entry else None,
    )


def _read_known(entry: dict[str, Any], where: str) -> Accepted:
    """Return an entry that names a known divergence of Keras."""
    _refuse_unknown(entry, ("known", "reason"), where)
    for key in ("known", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise UsageError(f"{where}: {key} must be a text in quotes, and not empty")
    try:
        known = known_by_name(entry["known"])
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return Accepted("", None, "", None, entry["reason"], "", "", known=known.name)


def _refuse_unknown(values: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
            raise UsageError(f"{where}: the key {key!r} is unknown; {hint}")


def _release(version: str) -> tuple[int, ...]:
    """Return a version's numbers, without what is behind them and without zeros at their end: `3.16.0rc1` is 3.16."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    parts = [int(part) for part in numbers[0].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
