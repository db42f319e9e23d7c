"""What has got worse since an earlier report, by more than its measured noise?

Speeds of another machine or of a busier day are no measure, their ratios are: so it is ratios that are compared.
"""

import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comparing.answers import Answer
from comparing.details import PredictionsDetails
from comparing.report.content import Regressions, Report
from comparing.statistics import compare_means
from foundation.errors import UserError
from keras_parity.report.wording import backend_title

SIGNIFICANT = 0.01  # of a one-sided test; several numbers are looked at, and a false alarm stops somebody's work
# A parity number is a largest error over inputs, layers or steps. Measured on clean systems: another seed or another
# number of threads moves it by less than this factor (docs/how-compare-decides.md).
PARITY_NOISE = 4.0
# Less than this is no number to be worse than: one unit of rounding, or the band itself.
LEAST_PARITY = 1.0


def read_baseline(path: Path) -> Report:
    """Return the report that `--baseline` names.

    Raises:
        UserError: If it is none.
    """
    try:
        return Report.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; give a report.json of compare.py") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is no report.json of compare.py ({type(error).__name__})") from error


def check_comparable(baseline: Report, model: str, recipe: Mapping[str, Any], smoke: bool, path: Path) -> None:
    """Refuse a baseline of another system or recipe.

    Raises:
        UserError: Naming what differs.
    """
    pairs: dict[str, tuple[Any, Any]] = {"model": (baseline.model, model), "smoke": (baseline.smoke, smoke)}
    pairs |= {key: (baseline.recipe.get(key), value) for key, value in recipe.items() if key != "seed"}
    for key, (before, now) in pairs.items():
        if before != now:
            raise UserError(f"{path} is no baseline for this: its {key} is {before}, not {now}")


def find_regressions(report: Report, baseline: Report) -> Regressions:
    """Return what has got worse by more than its noise.

    Args:
        report: Of now.
        baseline: Of then.
    """
    worse: list[str] = []
    left: list[str] = []
    for check in (_compare_accuracies, _compare_speeds, _compare_parity):
        found, skipped = check(report, baseline)
        worse += found
        left += skipped
    return Regressions(tuple(worse), tuple(left), baseline.date, baseline.command)


def _compare_accuracies(report: Report, baseline: Report) -> tuple[list[str], list[str]]:
    worse: list[str] = []
    left: list[str] = []
    if report.smoke:
        return worse, ["accuracies: a trial's say nothing"]
    resolution = 100 / report.test_examples
    for backend in report.backends:
        then, now = (_accuracies(one, backend) for one in (baseline, report))
        title = backend_title(backend)
        if min(len(then), len(now)) < 2:
            left.append(f"accuracy of {title}: takes two seeds on either side, for their noise")
            continue
        found = compare_means(then, now, 0.0, resolution)
        if found.mean > 0 and found.p_apart < SIGNIFICANT:
            means = f"{statistics.fmean(now):.2f} %, was {statistics.fmean(then):.2f} %"
            worse.append(f"accuracy of {title}: {means} (p = {found.p_apart:.1g})")
    return worse, left


def _accuracies(report: Report, backend: str) -> list[float]:
    runs = [run.test_accuracy for run in report.runs if run.backend == backend]
    return [100 * accuracy for accuracy in runs if accuracy is not None]


def _compare_speeds(report: Report, baseline: Report) -> tuple[list[str], list[str]]:
    worse: list[str] = []
    left: list[str] = []
    before = {row.backends: row.turns for row in baseline.speed.ratios}
    now = {row.backends: row.turns for row in report.speed.ratios}
    if not now:
        return worse, ["speeds: no run was alone on the machine"]
    for pair, turns in now.items():
        titles = [backend_title(backend) for backend in pair]
        if len(turns) < 2 or len(before.get(pair, ())) < 2:
            left.append(f"speed of {titles[0]} against {titles[1]}: takes two turns on either side, for their noise")
            continue
        # A ratio's noise is relative. The ratio of a busy machine still jitters by a few per cent between turns.
        found = compare_means(
            [math.log(ratio) for ratio in before[pair]], [math.log(ratio) for ratio in turns], 0.0, 0.02
        )
        if found.p_apart < SIGNIFICANT:
            slower, faster = titles if found.mean > 0 else reversed(titles)
            medians = [statistics.median(rows) for rows in (turns, before[pair])]
            ratios = [value if found.mean > 0 else 1 / value for value in medians]
            worse.append(
                f"speed of {slower} against {faster}: {ratios[0]:.2f} times as fast, was {ratios[1]:.2f} "
                f"(p = {found.p_apart:.1g})"
            )
    return worse, left


def _compare_parity(report: Report, baseline: Report) -> tuple[list[str], list[str]]:
    worse: list[str] = []
    left: list[str] = []
    before = {answer.question: answer for answer in baseline.answers}
    for answer in report.answers:
        name = answer.question
        if name == "destination":
            continue  # its number is a difference of accuracies, which are looked at one by one
        then = before[name].number if name in before else None
        title = answer.title.rstrip("?").lower()
        if then is None or (answer.number is None and answer.outcome != "disagree"):
            left.append(f"{title}: without a number on either side")
            continue
        now = math.inf if answer.number is None else answer.number
        noise = _ratio_noise(before[name], answer) if name == "predictions" else PARITY_NOISE
        if now > noise * max(then, LEAST_PARITY):
            worse.append(f"{title}: {now:.3g} {answer.unit}, was {then:.3g} (its noise is a factor of {noise:.2g})")
    return worse, left


def _ratio_noise(then: Answer, now: Answer) -> float:
    """Return the factor by which the ratio of predictions may change by chance: both intervals' half-widths."""
    halves = [
        max(((row.high - row.ratio) / row.ratio for row in details.pairs), default=0.0)
        for details in (then.details, now.details)
        if isinstance(details, PredictionsDetails)
    ]
    return 1 + math.hypot(*halves) if any(halves) else PARITY_NOISE
