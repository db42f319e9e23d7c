"""The tests of few runs err as seldom as they promise, and ask for as many runs as it takes."""

import math

import numpy as np
import pytest

from comparing.statistics import ALPHA, MOST_RUNS, POWER, compare_means, pooled_spread, runs_needed

RESOLUTION, MARGIN = 0.01, 0.3


def simulate(difference, spread, runs, times=2000, seed=1):
    """Return the share of simulated comparisons that find the means equal, and the share that find them apart."""
    generator = np.random.default_rng(seed)
    found = [
        compare_means(
            generator.normal(98 + difference, spread, runs), generator.normal(98, spread, runs), MARGIN, RESOLUTION
        )
        for _ in range(times)
    ]
    return np.mean([f.p_equal < ALPHA for f in found]), np.mean([f.p_apart < ALPHA for f in found])


def test_a_difference_at_the_margin_is_called_equal_no_oftener_than_alpha():
    """Equivalence is wrongly claimed in at most 5 % of the cases, up to the simulation's own error."""
    equal, apart = simulate(MARGIN, 0.1, 5)

    assert equal <= ALPHA + 0.02
    assert apart <= ALPHA + 0.02


def test_equal_means_are_found_and_distant_ones_are_not():
    """The test above could pass by never finding anything."""
    assert simulate(0.0, 0.1, 5)[0] > 0.9
    assert simulate(1.0, 0.1, 5) == (0.0, 1.0)


@pytest.mark.parametrize("spread", [0.1, 0.2, 0.3])
def test_so_many_runs_as_are_asked_for_suffice(spread):
    """With that many runs equal means are found equal in four of five cases; with half as many they are not."""
    runs = runs_needed(spread, 0.0, MARGIN)

    assert simulate(0.0, spread, runs, 1000)[0] > POWER - 0.05
    assert simulate(0.0, spread, max(2, runs // 2), 1000)[0] < POWER


def test_an_impossible_claim_is_not_asked_for():
    """Where hundreds of runs would be needed, the answer is that no practicable number does."""
    assert runs_needed(5.0, 0.0, MARGIN) is None
    assert runs_needed(0.1, 0.0, MARGIN) <= MOST_RUNS


def test_identical_accuracies_are_not_certain():
    """Equal numbers of few examples have the spread of their resolution: three seeds of 30 examples prove nothing."""
    coarse = compare_means([100.0] * 3, [100.0] * 3, MARGIN, 100 / 30)
    fine = compare_means([100.0] * 3, [100.0] * 3, MARGIN, 100 / 10_000)

    assert coarse.p_equal > ALPHA
    assert fine.p_equal < ALPHA
    assert pooled_spread([[100.0] * 3], 100 / 30) == pytest.approx(100 / 30 / math.sqrt(12))
