"""The statistics of few runs: are two means equal within a margin, and how many runs would tell?

Two one-sided tests: D. J. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987); with Welch's degrees
of freedom, since backends need not spread alike. `tests/comparing/test_statistics.py` holds the error rates against
simulations.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.05
POWER = 0.8  # what `runs_needed` aims at
MOST_RUNS = 100  # more than this is not asked of anyone


@dataclass(frozen=True)
class Difference:
    """The difference of two means, first minus second.

    Attributes:
        mean: The difference.
        low: Lower end of its 90 % confidence interval; the two one-sided tests at 5 % look at both ends.
        high: Upper end.
        p_equal: The chance of such data if the true difference lay at the margin or beyond; small: they are equal.
        p_apart: The chance of such data if the true difference lay within the margin; small: they are not.
    """

    mean: float
    low: float
    high: float
    p_equal: float
    p_apart: float


def compare_means(first: Sequence[float], second: Sequence[float], margin: float, resolution: float) -> Difference:
    """Return how the means of two samples differ, by Welch's test against a margin on either side.

    Args:
        first: At least two numbers.
        second: At least two.
        margin: The largest difference that is none.
        resolution: The step in which the numbers are counted, as 1/n of n examples. It keeps the spread of equal
            numbers from being nought, which would make certain what is only coarse.
    """
    from scipy import stats

    variances = [_variance(sample, resolution) / len(sample) for sample in (first, second)]
    error = math.sqrt(sum(variances))
    freedom = sum(variances) ** 2 / sum(
        variance**2 / (len(sample) - 1) for variance, sample in zip(variances, (first, second), strict=True)
    )
    mean = statistics.fmean(first) - statistics.fmean(second)
    half = stats.t.ppf(1 - ALPHA, freedom) * error
    return Difference(
        mean,
        mean - half,
        mean + half,
        float(stats.t.sf((margin - abs(mean)) / error, freedom)),
        float(stats.t.sf((abs(mean) - margin) / error, freedom)),
    )


def runs_needed(spread: float, difference: float, margin: float) -> int | None:
    """Return how many runs of each side let the two one-sided tests succeed with a chance of `POWER`.

    Args:
        spread: Standard deviation of a run.
        difference: The true difference to reckon with; what lies beyond half the margin counts as half the margin,
            for which far more runs than these would be wanted.
        margin: As for `compare_means`.

    Returns:
        At least 3; None if it is more than `MOST_RUNS`.
    """
    import numpy as np
    from scipy import stats

    difference = min(abs(difference), margin / 2)
    levels = (np.arange(200) + 0.5) / 200
    for runs in range(3, MOST_RUNS + 1):
        error, freedom = spread * math.sqrt(2 / runs), 2 * (runs - 1)
        # The tests use the spread that they find, which itself is random: average over it. Welch's degrees of freedom
        # lie between runs - 1 and twice that; the least is reckoned with.
        found = np.sqrt(stats.chi2.ppf(levels, freedom) / freedom) * stats.t.ppf(1 - ALPHA, runs - 1)
        high, low = (margin - difference) / error - found, found - (margin + difference) / error
        if np.maximum(0.0, stats.norm.cdf(high) - stats.norm.cdf(low)).mean() >= POWER:
            return runs
    return None


def pooled_spread(samples: Sequence[Sequence[float]], resolution: float) -> float:
    """Return the standard deviation of a run within its sample, over all samples, each of at least two."""
    freedom = sum(len(sample) - 1 for sample in samples)
    return math.sqrt(sum(_variance(sample, resolution) * (len(sample) - 1) for sample in samples) / freedom)


def _variance(sample: Sequence[float], resolution: float) -> float:
    # A number that is rounded to steps has a variance of at least a twelfth of a step squared (W. F. Sheppard, 1898).
    return max(statistics.variance(sample), resolution**2 / 12)
