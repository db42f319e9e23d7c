"""Parts of training are run in both precisions and at neighbours, and leave the weights as they were."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised
from keras_parity.protocol.tasks import (
    Batch,
    FitPlan,
    LearningNeighbours,
    LossPlan,
    Nudge,
    Predict,
    SetWeights,
    StepsPlan,
    StudyLearning,
    Training,
)
from tests.keras_parity.worker.asking import INPUTS, KERNEL, open_case

RATE = 0.125
TARGETS = np.array([[1.0, 0.0], [0.5, -1.0], [0.0, 0.25], [-2.0, 1.0]])
DESCENT = Training({"class_name": "SGD", "config": {"learning_rate": RATE}}, "mean_squared_error")
BATCH = Batch([INPUTS], [TARGETS])
TRAINED, LOSS = Quantity(Kind.AFTER_TRAINING, "kernel", family="trained kernel"), Quantity(Kind.LOSS)
LOSS_PLAN = LossPlan(["mean_squared_error"], [INPUTS @ KERNEL], [TARGETS])


def build_dense():
    """A dense layer without a bias."""
    import keras

    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False, name="dense")])


@pytest.fixture
def holder(worker):
    """The worker of each backend, which holds a dense layer."""
    open_case(worker, build_dense)
    worker.ask(SetWeights([KERNEL]))
    return worker


def test_a_step_is_numpys_in_both_precisions(holder):
    """Its unavoidable error is about a rounding; each run begins with the same weights."""
    task = StudyLearning(StepsPlan(DESCENT, [BATCH]), [0, 1])
    study, again = (holder.ask(task) for _ in range(2))

    error = INPUTS @ KERNEL - TARGETS
    expected = KERNEL - RATE * INPUTS.T @ (2 * error / error.size)
    assert study.dtype == "float32"
    np.testing.assert_allclose(study.reference[TRAINED].array, expected, rtol=1e-12)
    np.testing.assert_allclose(study.checked[TRAINED].array, expected, rtol=1e-5)
    assert np.abs(study.checked[TRAINED].array - expected).max() > 0
    assert 1e-9 < study.moves[TRAINED] < 1e-5
    assert 0 < study.noise[TRAINED] < 1e-14
    np.testing.assert_array_equal(again.checked[TRAINED].array, study.checked[TRAINED].array)
    np.testing.assert_allclose(holder.ask(Predict([INPUTS]))[0], INPUTS @ KERNEL, rtol=1e-14)


def test_an_epoch_begins_with_the_same_weights_each_time(holder):
    """Compiled in the dtype asked about, and in float64."""
    task = StudyLearning(FitPlan(DESCENT, BATCH, 2), [])
    study, again = (holder.ask(task) for _ in range(2))

    np.testing.assert_allclose(study.checked[TRAINED].array, study.reference[TRAINED].array, rtol=1e-5)
    np.testing.assert_array_equal(again.checked[TRAINED].array, study.checked[TRAINED].array)


def test_a_part_that_nobody_asks_for_in_float64_is_not_run_there(holder):
    """Nor is anything measured."""
    study = holder.ask(StudyLearning(LOSS_PLAN, [0, 1], exact=False))

    assert study.reference.unsupported
    assert (study.moves, study.dtype_moves) == ({}, {})
    np.testing.assert_allclose(study.checked[LOSS].array, ((INPUTS @ KERNEL - TARGETS) ** 2).mean(), rtol=1e-6)


def test_what_a_part_raises_is_told(holder):
    """A loss of no such name is the user's mistake."""
    study = holder.ask(StudyLearning(replace(LOSS_PLAN, losses=["no_such_loss"]), [0]))

    assert isinstance(study.reference, Raised)
    assert isinstance(study.checked, Raised)
    assert study.checked.misuse
    assert "no_such_loss" in study.checked.text


def test_training_that_raises_leaves_the_weights(holder):
    """In the middle of its steps, too."""
    wide = Batch([INPUTS], [np.ones((4, 5))])
    study = holder.ask(StudyLearning(StepsPlan(DESCENT, [BATCH, wide]), [0]))

    assert isinstance(study.reference, Raised)
    assert isinstance(study.checked, Raised)
    np.testing.assert_allclose(holder.ask(Predict([INPUTS]))[0], INPUTS @ KERNEL, rtol=1e-14)


def test_neighbours_of_a_part_lie_within_its_unavoidable_error(holder):
    """One for each nudge."""
    study = holder.ask(StudyLearning(LOSS_PLAN, [0, 1]))
    nudges = [Nudge(2.0**-24, seed) for seed in (0, 1)]

    near = holder.ask(LearningNeighbours(LOSS_PLAN, nudges, [LOSS]))

    moves = [np.abs(array - study.reference[LOSS].array).max() for array in near[LOSS]]
    assert len(moves) == 2
    assert 0 < max(moves) <= study.moves[LOSS]
