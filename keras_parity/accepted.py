"""Divergences that a project knows and accepts: the file `parity.toml`, and what it does to a verdict.

    [[accepted]]
    layer = "encoder/attention"   # the path that the report prints
    backend = "jax"               # the backend that is alone; "none" where no two agree
    reason = "reported as keras#12345"
    until = "keras 3.16"          # accepted by every version before this one; or "jax 0.11", "torch 2.14" …
    model = "my_pkg.models:build" # optional: only for this model, as it is named on the command line

The list is strict, so that it cannot rot: an entry that matches nothing, or whose version has come, makes the check
disagree. One is left out of account only where it cannot show, because it is for another model, or because its backend
takes no part. A check without training or without edge draws sees less, so there a missing one is a note.
"""

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keras_parity.errors import UsageError
from keras_parity.verdict import Finding, Outcome, Verdict

DEFAULT_FILE = "parity.toml"
BACKENDS = ("tensorflow", "jax", "torch", "openvino")
_PACKAGES = ("keras", *BACKENDS)
_REQUIRED = ("layer", "backend", "reason", "until")
_KEYS = (*_REQUIRED, "model")


@dataclass(frozen=True)
class Accepted:
    """One accepted divergence.

    Attributes:
        layer: The path of the layer, exactly as a finding has it.
        backend: The backend that is alone; None where no two agree.
        reason: Why it is accepted; reports print it.
        package: `keras` or a backend, whose version ends the acceptance.
        version: The first version of `package` that is not excused any more.
        model: The only model that it is for; None for every model that is checked with the file.
    """

    layer: str
    backend: str | None
    reason: str
    package: str
    version: str
    model: str | None = None

    def __str__(self) -> str:
        return f"{self.layer} on {self.backend}" if self.backend else f"{self.layer} with no backend alone"

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is this divergence; of two backends that differ, either may be the one."""
        if finding.layer != self.layer:
            return False
        if finding.backend is None and len(finding.backends) == 2:
            return self.backend is None or self.backend in finding.backends
        return finding.backend == self.backend

    def can_show(self, verdict: Verdict) -> bool:
        """Return whether the check could have found it: its model, with its backend."""
        if self.model is not None and self.model != verdict.model:
            return False
        took_part = {m.backend for m in verdict.measurements} | {b for f in verdict.findings for b in f.backends}
        took_part |= set(verdict.settings.get("backends") or ())
        return self.backend is None or self.backend in took_part - set(verdict.failures)

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
    named = [(entry.layer, entry.backend, entry.model) for entry in accepted]
    if doubled := next((i for i, name in enumerate(named) if name in named[:i]), None):
        raise UsageError(f"{path}, entry {doubled + 1}: {accepted[doubled]} is there twice; remove one")
    return accepted


def apply_accepted(verdict: Verdict, accepted: Iterable[Accepted], versions: Mapping[str, str]) -> Verdict:
    """Return the verdict with its accepted findings marked, and its outcome as it is then.

    Args:
        verdict: What the check found.
        accepted: What the project accepts.
        versions: The installed version of `keras` and of each backend that took part.

    Returns:
        A new verdict. *disagree* becomes *agree* where every finding is accepted and every backend finished; *agree*
        becomes *disagree* where an entry is past its version or matches nothing; *inconclusive* stays.
    """
    entries = [entry for entry in accepted if entry.can_show(verdict)]
    past = [entry for entry in entries if entry.is_past(versions)]
    valid = [entry for entry in entries if entry not in past]
    findings = [_mark(finding, valid) for finding in verdict.findings]
    idle = [entry for entry in valid if not any(entry.covers(finding) for finding in findings)]
    complaints = [
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


def _mark(finding: Finding, accepted: list[Accepted]) -> Finding:
    reason = next((entry.reason for entry in accepted if entry.covers(finding)), None)
    return finding if reason is None else dataclasses.replace(finding, accepted=reason)


def _sees_less(verdict: Verdict) -> bool:
    """Return whether the user left a part of the check out that shows by default."""
    return any(verdict.settings.get(part) is False for part in ("training", "edge"))


def _decide(verdict: Verdict, findings: list[Finding], complaints: list[str]) -> tuple[Outcome, str]:
    """Return the outcome after acceptance, and its reason."""
    outcome, reasons = verdict.outcome, [verdict.reason.rstrip(". ")] if verdict.reason else []
    marked = [finding for finding in findings if finding.accepted is not None]
    if marked:
        layers = len({finding.culprit for finding in marked})
        if outcome is Outcome.DISAGREE and len(marked) == len(findings):
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
    _refuse_unknown(entry, _KEYS, where)
    for key in _REQUIRED:
        if key not in entry:
            raise UsageError(f"{where}: {key} is missing; an entry has {', '.join(_REQUIRED)}")
    for key, value in entry.items():
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where}: {key} must be a text in quotes, and not empty")
    backend = entry["backend"]
    if backend not in (*BACKENDS, "none"):
        raise UsageError(f"{where}: backend {backend!r} is none of {', '.join(BACKENDS)}, none")
    until = re.fullmatch(r"(\w+) +(\d+(?:\.\d+)*)", entry["until"].strip())
    if not until or until[1] not in _PACKAGES:
        raise UsageError(
            f'{where}: until {entry["until"]!r} is not understood; write as "keras 3.16" the first version that is not '
            f"excused, of {', '.join(_PACKAGES)}"
        )
    return Accepted(
        layer=entry["layer"],
        backend=None if backend == "none" else backend,
        reason=entry["reason"],
        package=until[1],
        version=until[2],
        model=entry.get("model"),
    )


def _refuse_unknown(values: dict, known: tuple[str, ...], where: str) -> None:
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
