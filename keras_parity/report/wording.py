"""What every report says in the same words: the headline, the sizes, the culprits, and the command that reduces."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keras_parity.verdict import Culprit, Finding, Outcome, Verdict

DEFAULT_THRESHOLD = 500.0  # rounding units; the engine's own for float32, where a verdict does not say another

MOST_PLACES = 2  # of one cause are named

_TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "openvino": "OpenVINO"}
_PLACES = {
    "(loss)": "the loss",
    "(optimizer)": "the optimizer",
    "(training)": "whole training steps",
    "(fit)": "training by fit",
    "(predict)": "predict",
    "(model)": "the model's own code",
    "(reload)": "the saved and reloaded model",
}


def visible(text: object) -> str:
    r"""Return `text` with every character that a screen would obey, hide or fail to write replaced by its escape.

    Names come from models, and a model may be anybody's: terminal escapes, line breaks, marks that turn the writing
    direction and half surrogates all become `\x1b` and the like.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def visible_lines(text: object) -> str:
    """Return `visible` text that keeps its line breaks, for the last words of a process."""
    return "\n".join(visible(line.replace("\t", "    ")) for line in str(text).splitlines())


def backend_title(backend: str) -> str:
    """Return a backend's name as its makers write it."""
    return _TITLES.get(backend, visible(backend))


def enumerate_names(names: list[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def count(number: int, noun: str) -> str:
    """Return `1 layer`, `3 layers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_units(units: float) -> str:
    """Return a number of rounding units, as `3.2`, `41,000` or `4.1e+12`; a dash where nothing was measured."""
    if math.isnan(units):
        return "–"
    if math.isinf(units):
        return "∞"
    if units >= 1e6:
        return f"{units:.1e}"
    return f"{units:.1f}" if units < 10 else f"{units:,.0f}"


def format_error(error: float) -> str:
    """Return an absolute error with two digits; a dash where there is no number."""
    return "–" if math.isnan(error) else "∞" if math.isinf(error) else f"{error:.2g}"


def describe_size(finding: Finding, verdict: Verdict) -> str:
    """Return the size of a difference in both measures, as `0.0012 absolute, 41,000 rounding units (at most 500 …)`."""
    absolute, units = finding.max_abs_error, finding.rounding_units
    sizes = [f"{format_error(absolute)} absolute"] if not math.isnan(absolute) else []
    if not math.isnan(units):
        threshold = threshold_of(verdict)
        # Below the threshold another measure has decided: the message tells which.
        allowed = f" (at most {format_units(threshold)} agree)" if units > threshold else ""
        sizes.append(f"{format_units(units)} rounding units{allowed}")
    return ", ".join(sizes) or "none: see the cause"


def describe_layer(layer: str) -> str:
    """Return what a finding's `layer` is, as a part of a sentence."""
    if layer.startswith("(metric ") and layer.endswith(")"):
        return f"the metric {visible(layer[8:-1])}"
    return _PLACES.get(layer, f"the layer {visible(layer)}")


def describe_alone(finding: Finding) -> str:
    """Return which backend is alone, and with whom it disagrees."""
    if finding.execution is None:
        return f"none, {enumerate_names([visible(b) for b in finding.executions])} differ from each other"
    others = [visible(backend) for backend in finding.executions if backend != finding.execution]
    return (
        f"{visible(finding.execution)} ({enumerate_names(others)} agree)"
        if len(others) > 1
        else (f"{visible(finding.execution)} (against {enumerate_names(others)})")
    )


def describe_draw(finding: Finding) -> str:
    """Return which data a difference was worst on, and whether it takes an edge case to see it."""
    return visible(finding.draw) + ("" if finding.ordinary else " (edge draws alone show it)")


def threshold_of(verdict: Verdict) -> float:
    """Return how many rounding units still agree."""
    threshold = verdict.used.get("threshold")
    return float(threshold) if isinstance(threshold, int | float) else DEFAULT_THRESHOLD


def backends_of(verdict: Verdict) -> list[str]:
    """Return every backend that took part or was meant to, each once, in the order it was asked for."""
    names = list(verdict.request.executions) if verdict.request else []
    names += [measurement.execution for measurement in verdict.measurements]
    names += [backend for finding in verdict.findings for backend in finding.executions]
    return list(dict.fromkeys([*names, *verdict.failures]))


@dataclass(frozen=True)
class Blame:
    """One class of layer that is wrong in one way on one backend, wherever it stands in the model.

    Attributes:
        findings: Those that ordinary data shows before the others, the largest first.
    """

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Finding:
        """What is told in full."""
        return self.findings[0]

    @property
    def places(self) -> tuple[str, ...]:
        """The layers, each once, the worst first."""
        return tuple(dict.fromkeys(finding.layer for finding in self.findings))

    @property
    def by_quantity(self) -> dict[str, "Blame"]:
        """What differs, with the findings of it."""
        names = dict.fromkeys(str(finding.quantity) for finding in self.findings)
        return {name: Blame(tuple(f for f in self.findings if str(f.quantity) == name)) for name in names}


def open_findings(verdict: Verdict) -> list[Blame]:
    """Return the findings that nobody accepted, by who is to blame.

    Layers of one class that are wrong in the same way, by the worst of each, are one, as the normalisations of a deep
    network. They are in the model's order, those that ordinary data shows before those that edge draws alone show.
    """
    culprits: dict[Culprit, list[Finding]] = {culprit: [] for culprit in verdict.culprits}
    for finding in verdict.findings:
        if finding.is_open:
            culprits[finding.culprit].append(finding)
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for findings in culprits.values():
        worst = max(findings, key=lambda finding: finding.severity)
        way = worst.execution, worst.quantity.kind, worst.quantity.aspect, worst.ordinary, worst.known
        groups.setdefault((worst.layer_type or worst.layer, *way), []).extend(findings)
    blames = [
        Blame(tuple(sorted(findings, key=lambda finding: finding.severity, reverse=True)))
        for findings in groups.values()
    ]
    return sorted(blames, key=lambda blame: not blame.worst.ordinary)


def describe_places(places: Sequence[str], show: Callable[[str], str] = visible) -> str:
    """Return the first places, and how many there are more: `a, b and 3 more`.

    Args:
        places: Layers.
        show: Makes text of each that is safe where it goes.
    """
    shown = [show(place) for place in places[: MOST_PLACES if len(places) > MOST_PLACES + 1 else None]]
    more = len(places) - len(shown)
    return enumerate_names([*shown, *([f"{more} more"] if more else [])])


def headline(verdict: Verdict) -> str:
    """Return the verdict in one sentence that asks for no knowledge of numerics."""
    model = visible(verdict.model)
    backends = [backend_title(backend) for backend in backends_of(verdict)]
    everyone = enumerate_names(backends) or "the backends"
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return f"It cannot be said whether {everyone} compute the same for {model}."
    if verdict.outcome is Outcome.AGREE:
        accepted = len({finding.culprit for finding in verdict.findings if finding.accepted is not None})
        besides = f", but for {count(accepted, 'accepted difference')}" if accepted else ""
        return f"{everyone} compute the same for {model}{besides}."
    culprits = verdict.culprits
    if not culprits:
        return f"The check of {model} fails, though no difference between {everyone} stands open."
    where = describe_layer(culprits[0].layer) if len(culprits) == 1 else f"{len(culprits)} places"
    if len(culprits) > 1 and len(blames := open_findings(verdict)) == 1 and not culprits[0].layer.startswith("("):
        where = f"the layers {describe_places(blames[0].places)}"
    alone = {culprit.execution for culprit in culprits}
    odd = alone.pop() if len(alone) == 1 else None
    worst = verdict.worst
    if odd is None or worst is None:
        return f"{everyone} do not compute the same in {where} of {model}."
    others = [backend_title(backend) for backend in worst.executions if backend != odd]
    return f"{backend_title(odd)} computes a different function from {enumerate_names(others)} in {where} of {model}."


def reduce_command(verdict: Verdict) -> str | None:
    """Return the command that writes the smallest script which still shows the disagreement.

    None where no script can: a file that is written on one backend and read on another takes two processes. A request
    that no command line can name, as of a function of a notebook, gets the same as a call of Python.
    """
    request = verdict.request
    if all(culprit.layer == "(reload)" for culprit in verdict.culprits):
        return None
    if request is None:
        return "keras-parity reduce --help"
    command = request.command("reduce", out="script.py")
    return visible(command or request.call("keras_parity.reduce.reduce_to_script", out="script.py"))


def settings_of(verdict: Verdict) -> dict[str, object]:
    """Return what a report says about how the check was made."""
    asked = verdict.request.to_dict() if verdict.request else {}
    asked = {name: value for name, value in asked.items() if name not in ("model", "kind")}
    return (
        asked
        | {"loss": asked.get("loss") or "mean_squared_error", "optimizer": asked.get("optimizer") or "adam"}
        | (verdict.used)
    )
