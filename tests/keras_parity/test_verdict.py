"""A verdict knows its culprits and its worst finding, and comes back from its dictionary."""

import math

import pytest

from keras_parity.protocol.cause import Cause
from keras_parity.verdict import Culprit, Outcome, Verdict
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive


def test_each_outcome_has_its_exit_code():
    """2 is left to wrong usage."""
    assert {outcome: outcome.exit_code for outcome in Outcome} == {
        Outcome.AGREE: 0,
        Outcome.DISAGREE: 1,
        Outcome.INCONCLUSIVE: 3,
    }


def test_a_culprit_is_named_once_and_an_accepted_one_not_at_all():
    """In the order of the model."""
    verdict = disagreeing(
        finding("b"), finding("b", mode="training"), finding("a", "torch"), finding("c", accepted="it is meant so")
    )

    assert verdict.culprits == [Culprit("b", "jax"), Culprit("a", "torch")]


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [
        ({}, True),
        ({"accepted": "it is meant so"}, False),
        ({"known": "adam"}, True),
        ({"known": "adam", "ordinary": False}, False),
        ({"ordinary": False}, True),
    ],
)
def test_a_finding_is_closed_by_acceptance_or_by_being_known_on_edge_draws(changes, is_open):
    """A known one on ordinary data stays open until somebody accepts it."""
    assert finding(**changes).is_open is is_open


def test_the_worst_is_the_largest_and_one_without_a_number_comes_first():
    """An accepted one does not count."""
    small, large = finding("small", rounding_units=600.0), finding("large", rounding_units=900.0)
    raised = finding("raised", cause=Cause.ERROR, rounding_units=math.nan)
    accepted = finding("accepted", rounding_units=1e9, accepted="it is meant so")

    assert disagreeing(small, large, accepted).worst == large
    assert disagreeing(small, raised, large).worst == raised
    assert agreeing().worst is None


@pytest.mark.parametrize("verdict", [agreeing(), disagreeing(finding(known="adam")), inconclusive(seconds=2.0)])
def test_a_verdict_comes_back_from_its_dictionary(verdict):
    """With its findings, measurements and request."""
    assert Verdict.from_dict(verdict.to_dict()) == verdict
