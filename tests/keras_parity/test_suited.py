"""Whole checks of models that not every input or weight suits: what is drawn suits them, and hides no fault."""

from typing import Any

import numpy as np
import pytest

from keras_parity import check
from keras_parity.verdict import Outcome
from tests.keras_parity import suited_models

TWO = ("jax", "torch")
QUICK: dict[str, Any] = {"steps": 0, "reload": False}
REALS = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")


@pytest.mark.parametrize(
    "name", ["index_of_differences", "two_tables", "recognition_with_ctc", "halving_network", "summed_by_segment"]
)
def test_what_is_drawn_suits_a_model(name):
    """No backend raises, and all agree."""
    verdict = check(f"{suited_models.__name__}:{name}", TWO, training=False, **QUICK)

    assert verdict.outcome is Outcome.AGREE, verdict.reason


@pytest.mark.parametrize(
    ("name", "fault", "options"),
    [
        ("mixture", {"factor": 1.01}, {}),
        ("normalised_rows", {"least": 0.0}, {"inputs": REALS}),
        ("masked_mean", {"heeds": False}, {}),
    ],
)
def test_what_only_suitable_numbers_show_is_found(name, fault, options):
    """Positive deviations, a blank row beside given inputs, and padded steps; without the fault all agree."""
    model = f"{suited_models.__name__}:{name}"

    sound, wrong = (check(model, TWO, kwargs=kwargs, **options, **QUICK) for kwargs in ({}, fault))

    assert sound.outcome is Outcome.AGREE, sound.reason
    assert wrong.outcome is Outcome.DISAGREE
    assert wrong.findings[0].layer == "off"


def test_a_model_that_gives_nothing_but_nan_is_inconclusive():
    """Equal NaN say nothing."""
    verdict = check(f"{suited_models.__name__}:always_nan", TWO, **QUICK)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no output of the model was finite" in verdict.reason
