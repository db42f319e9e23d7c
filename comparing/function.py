"""(1) Same function: the parity engine's check of the network, at initial weights and at trained ones."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from comparing.answers import Answer, unanswered
from comparing.details import CheckedCase, FunctionDetails
from keras_parity import check
from keras_parity.crew import Crew
from keras_parity.errors import UsageError
from keras_parity.judge import ACCURATE
from keras_parity.report.wording import format_units, headline
from keras_parity.verdict import Outcome, Verdict

CRITERION = (
    f"The engine's check: the same function in float64, and in float32 at most {ACCURATE:g} rounding units from it, "
    "layer by layer, forward and backward."
)


def check_functions(
    model: str,
    builder: Mapping[str, Any],
    trained: Path | None,
    backends: Sequence[str],
    crew: Crew,
    smoke: bool,
    say: Callable[[str], None],
) -> tuple[Answer, dict[str, Verdict]]:
    """Return the answer and the engine's verdicts, by what was checked.

    Args:
        model: Name of the system.
        builder: The arguments of its `build`.
        trained: The `.keras` file of a trained run; None if there is none.
        backends: What to compare.
        crew: Their processes.
        smoke: Whether to leave out the engine's edge cases.
        say: Gets a line on each check.
    """
    module = f"models.{model.split('-')[0]}"
    # The engine makes the initial weights itself, so that no bias is nought: that would hide faults.
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "initial weights": (f"{module}:build", {"kwargs": dict(builder) or None})
    }
    if trained is not None:
        cases["trained weights"] = (str(trained), {"custom": module})
    verdicts: dict[str, Verdict] = {}
    for name, (what, options) in cases.items():
        say(f"same function? {name}")
        try:
            # The optimiser and whole steps are the second question's.
            verdict = check(what, backends, steps=0, edge=not smoke, crew=crew, **options)
        except UsageError as error:
            return unanswered("function", CRITERION, f"The engine cannot check the {name}: {error}."), verdicts
        verdicts[name] = dataclasses.replace(verdict, model=f"{model} at {name}")
    return judge(verdicts), verdicts


def judge(verdicts: dict[str, Verdict]) -> Answer:
    """Return the answer that the engine's verdicts give: the first that disagrees, else the first that cannot say."""
    units = [m.rounding_units for v in verdicts.values() for m in v.measurements]
    units += [f.rounding_units for v in verdicts.values() for f in v.findings]
    number = max((unit for unit in units if not math.isnan(unit)), default=None)
    order = (Outcome.DISAGREE, Outcome.INCONCLUSIVE, Outcome.AGREE)
    verdict = min(verdicts.values(), key=lambda verdict: order.index(verdict.outcome))
    details = FunctionDetails(
        {case: CheckedCase(v.outcome.value, headline(v), v.reason, v.seconds) for case, v in verdicts.items()}
    )
    culprits = {culprit.execution for culprit in verdict.culprits}
    culprit = culprits.pop() if len(culprits) == 1 else None
    if verdict.outcome is Outcome.AGREE:
        worst = format_units(number) if number is not None else "no"
        reason = (
            f"At {' and at '.join(verdicts)} all layers agree, forward and backward: at most {worst} rounding units."
        )
    else:
        reason = f"{headline(verdict)} {verdict.reason[:1].upper()}{verdict.reason[1:]}."
    return Answer(
        "function", verdict.outcome.value, number, "rounding units", CRITERION, reason, culprit, None, details
    )
