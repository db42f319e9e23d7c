"""(4) Same predictions: do the backends' classes differ on more test examples than the seeds of one backend?"""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from comparing.answers import Answer, not_asked, unanswered
from comparing.destination import alone
from comparing.details import DifferingBetween, DifferingWithin, PredictionsDetails, PredictionsPair
from comparing.statistics import ALPHA
from keras_parity.report.wording import backend_title, enumerate_names
from keras_parity.verdict import Outcome

# Another backend may change so many times as many classes as another seed does. Ours: with the same system and
# recipe the ratio is 1 but for chance, and a difference of half as much again is one that nobody would call the same.
LIMIT = 1.5
LEAST_SEEDS = 3


Classes = Mapping[tuple[str, int], np.ndarray]  # by backend and seed: the predicted class of each test example


def compare_predictions(classes: Classes, backends: Sequence[str], smoke: bool) -> Answer:
    """Return the answer, from what every run predicts.

    For each pair of backends, the share of test examples on which two runs of the same seed differ, in units of the
    share on which two seeds of one backend differ. Its uncertainty is found by leaving out each seed in turn.

    Args:
        classes: For each (backend, seed) int64 `(n,)`, the predicted class of each test example.
        backends: All that were to be compared.
        smoke: Whether the runs are trials, whose predictions say nothing.
    """
    criterion = (
        f"For each pair of backends, the test examples on which runs of the same seed differ are at most {LIMIT:g} "
        f"times as many as those on which two seeds of one backend differ (jackknife over seeds, α = {ALPHA:g})."
    )
    if smoke:
        return not_asked("predictions", criterion)
    there = [backend for backend in backends if any(b == backend for b, _ in classes)]
    if len(there) < 2:
        return unanswered("predictions", criterion, "Fewer than two backends have predictions.")
    seeds = sorted(set.intersection(*({seed for b, seed in classes if b == backend} for backend in there)))
    examples = len(next(iter(classes.values())))
    pairs = list(itertools.combinations(there, 2))
    details = PredictionsDetails(
        examples=examples,
        between=tuple(
            DifferingBetween(pair, seed, count_differing(classes, (pair[0], seed), (pair[1], seed)))
            for pair in pairs
            for seed in seeds
        ),
        within=tuple(
            DifferingWithin(backend, two, count_differing(classes, (backend, two[0]), (backend, two[1])))
            for backend in there
            for two in itertools.combinations(seeds, 2)
        ),
    )
    if len(seeds) < LEAST_SEEDS:
        between = statistics.fmean(row.differing for row in details.between) if seeds else math.nan
        more = LEAST_SEEDS - len(seeds)
        reason = (
            f"Backends with the same seed differ on {between:,.0f} of {examples:,} test examples on average; how many "
            f"seeds of one backend differ on takes {LEAST_SEEDS} seeds to know. Run {more} more: --seeds {LEAST_SEEDS}."
        )
        return _answer(Outcome.INCONCLUSIVE, None, criterion, reason, details, None, more)
    from scipy import stats

    quantile = float(stats.t.ppf(1 - ALPHA, len(seeds) - 1))
    rows = []
    for pair in pairs:
        ratio = _ratio(details, pair, seeds)
        without = [_ratio(details, pair, [s for s in seeds if s != seed]) for seed in seeds]
        mean = statistics.fmean(without)
        error = math.sqrt((len(seeds) - 1) / len(seeds) * sum((value - mean) ** 2 for value in without))
        rows.append(PredictionsPair(pair, ratio, ratio - quantile * error, ratio + quantile * error))
    details = dataclasses.replace(details, pairs=tuple(rows))
    worst = max(rows, key=lambda row: row.ratio)
    names = enumerate_names([backend_title(backend) for backend in worst.backends])
    differing = statistics.fmean(row.differing for row in details.between if row.backends == worst.backends)
    counts = (
        f"with the same seed, {names} differ on {differing:,.0f} of {examples:,} "
        f"test examples, {worst.ratio:.2f} times as many as two seeds of one backend do"
    )
    interval = f"(90 % interval {worst.low:.2f} to {worst.high:.2f})"
    apart = [row.backends for row in rows if row.low > LIMIT]
    if apart:
        return _answer(
            Outcome.DISAGREE, worst.ratio, criterion, f"{_capital(counts)} {interval}.", details, alone(apart, there)
        )
    if all(row.high <= LIMIT for row in rows):
        return _answer(Outcome.AGREE, worst.ratio, criterion, f"At most, {counts} {interval}.", details)
    # The error falls with the root of the number of seeds.
    widest = max(rows, key=lambda row: row.high)
    short = (widest.high - widest.ratio) / max(abs(LIMIT - widest.ratio), 0.1)
    more = max(1, math.ceil(len(seeds) * (short**2 - 1)))
    reason = (
        f"{_capital(counts)} {interval}: it takes more seeds to tell. Run {more} more: --seeds {len(seeds) + more}."
    )
    return _answer(Outcome.INCONCLUSIVE, worst.ratio, criterion, reason, details, None, more)


def count_differing(classes: Classes, first: tuple[str, int], second: tuple[str, int]) -> int:
    """Return on how many test examples two runs predict different classes."""
    return int((classes[first] != classes[second]).sum())


def find_disputed(classes: Classes, seed: int, most: int) -> list[int]:
    """Return the indices of test examples that the backends' runs of one seed classify differently, in order."""
    votes = np.stack([predicted for (_, s), predicted in sorted(classes.items()) if s == seed])
    indices: list[int] = np.flatnonzero((votes != votes[0]).any(axis=0))[:most].tolist()
    return indices


def _ratio(details: PredictionsDetails, pair: tuple[str, ...], seeds: Sequence[int]) -> float:
    """Return how many times as many examples differ between two backends as between seeds of one of them.

    Of the two backends the one whose seeds differ less is taken, so that a fault that makes one erratic does not
    excuse itself; half an example is added to both numbers, so that none differing is no division by nought.
    """
    between = statistics.fmean(row.differing for row in details.between if row.backends == pair and row.seed in seeds)
    within = min(
        statistics.fmean(
            row.differing for row in details.within if row.backend == backend and set(row.seeds) <= set(seeds)
        )
        for backend in pair
    )
    return (between + 0.5) / (within + 0.5)


def _answer(
    outcome: Outcome,
    number: float | None,
    criterion: str,
    reason: str,
    details: PredictionsDetails,
    culprit: str | None = None,
    more: int | None = None,
) -> Answer:
    return Answer("predictions", outcome.value, number, "times", criterion, reason, culprit, more, details)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
