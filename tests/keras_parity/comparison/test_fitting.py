"""`fit` and `predict` are compared on several batches, and looked at closely where their results are not close."""

from collections import namedtuple

import numpy as np
import pytest

from keras_parity.comparison.fitting import _sizes, _take
from keras_parity.draws import PARTIAL, Draw
from keras_parity.protocol.results import Raised
from keras_parity.protocol.tasks import BatchwisePlan, FitPlan, LossPlan, PredictPlan, StepsPlan, StudyLearning
from tests.keras_parity.comparison.checks import tasks_of
from tests.keras_parity.comparison.test_learning import compare


def exactly(check, plan: type) -> list[bool]:
    """Return, for each task with such a plan, whether it was run in float64, too."""
    return [task.exact for _, task in tasks_of(check, StudyLearning) if isinstance(task.plan, plan)]


def test_several_batches_are_the_same_examples_with_half_a_batch_at_the_end():
    """Two and a half of four, as findings on them say."""

    def fitted(**changes):
        return next(
            task.plan for _, task in tasks_of(compare(**changes), StudyLearning) if isinstance(task.plan, FitPlan)
        )

    with_half, whole = fitted(), fitted(edge=False)

    assert (len(with_half.data.inputs[0]), with_half.batch_size) == (10, 4)
    assert len(whole.data.inputs[0]) == 8
    assert compare({("jax", FitPlan): 0.5}).ledger.findings[0].draw == PARTIAL


@pytest.mark.parametrize("width", [None, 4])
def test_batches_whose_results_cannot_be_joined_are_of_one_size(width):
    """As the similarities of all examples with all; an output of four numbers may chance to be as wide as the batch."""

    def predict(_, task):
        count = len(task.inputs[0])
        return [np.full((count, width or count), 0.25)]

    sizes = {
        len(task.plan.data.inputs[0])
        for _, task in tasks_of(compare(outputs=predict), StudyLearning)
        if isinstance(task.plan, FitPlan)
    }
    assert sizes == {10 if width else 8}


@pytest.mark.parametrize(
    ("inputs", "size"), [([np.ones((1, 3))], 1), ([np.ones((4, 3)), np.ones((2, 3))], None), ([np.array(0.5)], None)]
)
def test_data_that_are_no_batch_are_said_and_one_example_is_a_batch(inputs, size):
    """A state that a model carries on shows with batches of one, too."""
    check = compare(draw=Draw("ordinary 1", True, inputs), outputs=[np.full((len(np.atleast_1d(inputs[0])), 2), 0.25)])

    begun = {task.plan.batch_size for _, task in tasks_of(check, StudyLearning) if isinstance(task.plan, PredictPlan)}
    text = "predict was not compared: its data do not all have the same number of examples"
    assert begun == ({size} if size else set())
    assert (text in check.ledger.notes) is (size is None)


def test_close_results_are_not_computed_in_float64():
    """It takes a difference to look closer."""
    assert not any(exactly(compare(), FitPlan) + exactly(compare(), PredictPlan))
    assert any(exactly(compare({("jax", FitPlan): 0.5}), FitPlan))


def test_what_fit_raises_behind_steps_that_raise_is_not_told_again():
    """On JAX Keras raises something else once a training has raised; alone it is told."""
    broken = Raised("ValueError: no such step")
    after = Raised("TypeError: None is not callable")

    both = compare({("jax", StepsPlan): broken, ("jax", FitPlan): after})
    alone = compare({("jax", FitPlan): after})

    assert [finding.layer for finding in both.ledger.findings] == ["(training)"]
    assert [finding.layer for finding in alone.ledger.findings] == ["(fit)"]


def test_the_loop_of_who_is_blamed_already_is_held_against_its_own_batches():
    """Nobody else's: the others are compared with each other."""
    check = compare({("jax", LossPlan): 0.5, ("jax", FitPlan): 0.5})

    asked = {name for name, task in tasks_of(check, StudyLearning) if isinstance(task.plan, BatchwisePlan)}
    assert asked == {"jax"}


def test_examples_are_taken_of_every_array_in_a_structure():
    """Named tuples are kept, and numbers that belong to no example."""
    pair = namedtuple("Pair", "first second")
    given = {"pair": pair(np.arange(4), [np.ones((4, 2))]), "threshold": np.float32(0.5), "none": None}

    taken = _take(given, np.array([0, 1, 0]))

    assert (_sizes(given), _sizes(taken)) == ({4}, {3})
    assert isinstance(taken["pair"], pair)
    assert (taken["pair"].first.tolist(), taken["threshold"]) == ([0, 1, 0], 0.5)
