"""`reduce_to_script`: from a model on which backends disagree to the smallest script that still shows it."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_parity.checking import check
from keras_parity.errors import UsageError, WorkerError, quote
from keras_parity.reduction import Reduction, say_nothing
from keras_parity.reduction_output import NoReproducer
from keras_parity.reduction_training import IN_TRAINING, TrainingReduction
from keras_parity.report import write_file
from keras_parity.source import describe_source
from keras_parity.verdict import Finding, Outcome, Verdict
from keras_parity.workers import Workers, shared_workers


def reduce_to_script(
    model,
    *,
    backends: Sequence[str] | None = None,
    kwargs: dict | None = None,
    custom: str | None = None,
    dtype: str = "float32",
    seed: int = 1,
    out: str | Path = "script.py",
    say: Callable[[str], None] | None = None,
    loss=None,
    optimizer=None,
    metrics: Sequence = (),
    steps: int = 3,
    workers: Workers | None = None,
    time_limit: float = 300.0,
) -> Path:
    """Write the smallest script that still shows where backends disagree on a model, and return its path.

    The script was run on every backend before it is written, and its docstring says what it printed.

    Args:
        model: As for `check`, and so are all other arguments but `out`.
        backends: Two or more of those installed; None for all.
        kwargs: Arguments of the function.
        custom: A module to import first.
        dtype: The dtype policy.
        seed: Of the check.
        out: Where to write the script.
        say: Gets a line on each stage.
        loss: As in `compile`; None takes the mean squared error.
        optimizer: As in `compile`; None takes Adam.
        metrics: As in `compile`.
        steps: Training steps of the check.
        workers: Processes to use; None takes those that this process shares.
        time_limit: Seconds that a backend may take for one stage.

    Raises:
        UsageError: If the backends agree, or if no script shows the difference.
    """
    say = say or say_nothing
    workers = workers or shared_workers()
    settings = {"dtype": dtype, "seed": seed, "time_limit": time_limit}
    training = {"optimizer": optimizer, "metrics": metrics, "steps": steps}
    shared = {"loss": loss, "workers": workers, "reload": False, "say": say, **training, **settings}
    verdict = check(model, backends, kwargs=kwargs, custom=custom, **shared)
    if verdict.outcome is not Outcome.DISAGREE:
        what = "nothing to reduce" if verdict.outcome is Outcome.AGREE else "nothing was decided"
        raise UsageError(f"{what}: {verdict.reason}")
    source = describe_source(model, kwargs, custom)
    reasons = []
    for finding in _worst_first(verdict):
        say(f"reducing {finding.message}")
        arguments = (source, finding, tuple(verdict.settings["backends"]), workers, dtype, seed, time_limit, say)
        in_training = finding.layer.startswith(IN_TRAINING)
        case = TrainingReduction(*arguments, **training) if in_training else Reduction(*arguments)
        try:
            text = case.reduce(loss, verdict)
        except (NoReproducer, WorkerError) as error:
            reasons.append(f"{finding.layer}: {error}")
            continue
        write_file(out, text)
        return Path(out)
    raise UsageError(f"no script shows the difference by itself ({quote('; '.join(reasons), 400)})")


def _worst_first(verdict: Verdict) -> list[Finding]:
    """Return one finding for each culprit and cause: on ordinary data before edge cases, the largest first."""

    def size(finding: Finding) -> tuple:
        units = finding.rounding_units
        return finding.ordinary, math.inf if math.isnan(units) else units

    found = {}
    for finding in sorted(verdict.findings, key=size, reverse=True):
        found.setdefault((finding.culprit, finding.cause), finding)
    return list(found.values())
