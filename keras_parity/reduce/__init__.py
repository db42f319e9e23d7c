"""`reduce_to_script`: from a model on which executions disagree to the smallest script that still shows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_parity.comparison import run_check
from keras_parity.crew import Crew, shared_crew
from keras_parity.errors import UsageError, WorkerError, quote
from keras_parity.reduce.output import NoReproducer
from keras_parity.reduce.search import Reduction, say_nothing
from keras_parity.reduce.training import IN_TRAINING, TrainingReduction
from keras_parity.reduce.whole import WholeReduction
from keras_parity.report import write_file
from keras_parity.request import CheckRequest, make_request
from keras_parity.verdict import Finding, Outcome, Verdict


def reduce_to_script(
    model: object,
    *,
    backends: Any = None,
    out: str | Path = "script.py",
    say: Callable[[str], None] | None = None,
    crew: Crew | None = None,
    **options: Any,
) -> Path:
    """Write the smallest script that still shows where backends disagree on a model, and return its path.

    The script was run on every backend before it is written, and its docstring says what it printed.

    Args:
        model: As for `check`, or a `CheckRequest`, as a verdict holds it.
        backends: Two or more of those installed; None for all.
        out: Where to write the script.
        say: Gets a line on each stage.
        crew: Processes to use; None takes those that this process shares.
        options: As for `check`.

    Raises:
        UsageError: If the backends agree, or if no script shows the difference.
    """
    request = model if isinstance(model, CheckRequest) else make_request(model, backends, **options)
    say, crew = say or say_nothing, crew or shared_crew()
    verdict = run_check(request, crew, say)
    if not verdict.findings:
        what = "nothing to reduce" if verdict.outcome is Outcome.AGREE else "nothing was decided"
        raise UsageError(f"{what}: {verdict.reason}")
    reasons = []
    findings = _worst_first(verdict)
    # What no call shows alone the whole model does: last, as it is the longest.
    for finding, whole in [*((finding, False) for finding in findings), *((finding, True) for finding in findings)]:
        say(f"{'with the whole model, ' if whole else ''}reducing {quote(finding.message, 200)}")
        kind = WholeReduction if whole else TrainingReduction if finding.layer.startswith(IN_TRAINING) else Reduction
        try:
            text = kind(request, finding, crew, say).reduce(verdict)
        except (NoReproducer, WorkerError, UsageError) as error:
            reasons.append(f"{finding.layer}: {error}")
            continue
        write_file(out, text)
        return Path(out)
    raise UsageError(f"no script shows the difference by itself ({quote('; '.join(reasons), 400)})")


def _worst_first(verdict: Verdict) -> list[Finding]:
    """Return one finding for each culprit and cause: on ordinary data before edge cases, the largest first."""
    found: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(verdict.findings, key=lambda finding: finding.severity, reverse=True):
        found.setdefault((finding.culprit, finding.cause), finding)
    return list(found.values())
