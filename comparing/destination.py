"""(3) Same destination: are the final accuracies equal, within a margin, over seeds?"""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Sequence

from comparing.answers import Answer, not_asked, unanswered
from comparing.details import DestinationDetails, DestinationPair
from comparing.runs import Run
from comparing.statistics import ALPHA, compare_means, pooled_spread, runs_needed
from keras_parity.report.wording import backend_title, enumerate_names
from keras_parity.verdict import Outcome


def compare_destinations(runs: Sequence[Run], backends: Sequence[str], margin: float, smoke: bool) -> Answer:
    """Return the answer: agree, if for every pair of backends two one-sided tests place the difference in the margin.

    Args:
        runs: Finished ones.
        backends: All that were to be compared.
        margin: In percentage points.
        smoke: Whether the runs are trials, whose accuracies say nothing.
    """
    criterion = (
        f"For each pair of backends two one-sided Welch tests place the difference of mean accuracies within "
        f"±{margin:g} points (α = {ALPHA:g})."
    )
    if smoke:
        return not_asked("destination", criterion)
    samples = {
        b: [100 * run.accuracy for run in runs if run.backend == b and run.accuracy is not None] for b in backends
    }
    samples = {backend: sample for backend, sample in samples.items() if sample}
    if len(samples) < 2:
        return unanswered("destination", criterion, "Fewer than two backends have a run with a score.")
    resolution = 100 / min(run.result["test_examples"] for run in runs)
    seeds = min(map(len, samples.values()))
    details = DestinationDetails({backend: tuple(sample) for backend, sample in samples.items()}, margin, resolution)
    if seeds < 2:
        return _of_too_few(seeds, criterion, details)

    pairs = list(itertools.combinations(samples, 2))
    differences = {pair: compare_means(samples[pair[0]], samples[pair[1]], margin, resolution) for pair in pairs}
    rows = tuple(DestinationPair(pair, **vars(found)) for pair, found in differences.items())
    details = dataclasses.replace(details, pairs=rows)
    worst = max(differences, key=lambda pair: differences[pair].p_equal)
    number = max(abs(found.mean) for found in differences.values())
    # A claim for all pairs needs no correction; a claim that any one differs does (Bonferroni's).
    apart = [pair for pair, found in differences.items() if found.p_apart < ALPHA / len(pairs)]
    if apart:
        pair = min(apart, key=lambda pair: differences[pair].p_apart)
        culprit = alone(apart, list(samples))
        reason = (
            f"The mean accuracies of {_names(pair)} are {abs(differences[pair].mean):.2f} points apart, significantly "
            f"more than {margin:g}."
        )
        return _answer(Outcome.DISAGREE, number, criterion, reason, details, culprit)
    if all(found.p_equal < ALPHA for found in differences.values()):
        reason = (
            f"The mean accuracies over {seeds} seeds lie within {number:.2f} points of each other, and significantly "
            f"within {margin:g} (largest p = {differences[worst].p_equal:.2g})."
        )
        return _answer(Outcome.AGREE, number, criterion, reason, details)
    found = differences[worst]
    needed = runs_needed(pooled_spread(list(samples.values()), resolution), found.mean, margin)
    reason = (
        f"The difference of {_names(worst)} is {found.mean:+.2f} points, but with {seeds} seeds it may be anything "
        f"from {found.low:+.2f} to {found.high:+.2f}. "
    )
    return _answer(Outcome.INCONCLUSIVE, number, criterion, reason, details, None, needed, seeds)


def _of_too_few(seeds: int, criterion: str, details: DestinationDetails) -> Answer:
    """Return the answer of a single seed: what spread to expect is guessed, and how many seeds that would take."""
    samples, margin, resolution = details.accuracies, details.margin, details.resolution
    means = [statistics.fmean(sample) for sample in samples.values()]
    mean = min(max(statistics.fmean(means), resolution), 100 - resolution)
    # Chance in the choice of test images alone; runs share those, so this is a guess and not a bound.
    by_chance = math.sqrt(mean * (100 - mean) * resolution / 100)
    spread = max(by_chance, statistics.stdev(means), resolution / math.sqrt(12))
    number = max(means) - min(means)
    reason = (
        f"One seed a backend shows no spread: their accuracies lie {number:.2f} points apart, which may be chance. "
    )
    needed = runs_needed(spread, 0.0, margin)
    return _answer(Outcome.INCONCLUSIVE, number, criterion, reason, details, None, needed, seeds)


def _answer(
    outcome: Outcome,
    number: float,
    criterion: str,
    reason: str,
    details: DestinationDetails,
    culprit: str | None = None,
    needed: int | None = None,
    seeds: int = 0,
) -> Answer:
    more = None
    if outcome is Outcome.INCONCLUSIVE:
        coarse = details.resolution / 2 > details.margin
        if needed is None:
            few = (
                f"the {round(100 / details.resolution)} test examples are too few" if coarse else "runs spread too far"
            )
            reason += (
                f"No practicable number of seeds would tell: {few} for a margin of {details.margin:g} points; "
                "--margin takes a wider one."
            )
        else:
            more = max(1, needed - seeds)
            reason += f"Run {more} more {'seed' if more == 1 else 'seeds'}: --seeds {seeds + more}."
    return Answer("destination", outcome.value, number, "points", criterion, reason, culprit, more, details)


def alone(apart: Sequence[tuple[str, ...]], backends: Sequence[str]) -> str | None:
    """Return the backend that all pairs share, where there are three and it is the only one."""
    shared = [backend for backend in backends if all(backend in pair for pair in apart)]
    return shared[0] if len(shared) == 1 and len(backends) > 2 else None


def _names(pair: tuple[str, ...]) -> str:
    return enumerate_names([backend_title(backend) for backend in pair])
