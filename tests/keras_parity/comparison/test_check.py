"""The state of a check: how much memory is spared, how many examples are drawn, and who is asked about neighbours."""

import numpy as np
import pytest

from keras_parity.comparison.check import BATCH_SIZE, LARGE, LARGE_WEIGHTS, PORTION, SMALL_BATCH_SIZE
from keras_parity.judge import NEIGHBOURS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.tasks import ReplayNeighbours
from tests.keras_parity.comparison.checks import died, make_check, tasks_of

OUTPUT = Quantity(Kind.OUTPUT)


@pytest.mark.parametrize(
    ("activations", "weights", "large"),
    [
        (0, 0, False),
        (LARGE // BATCH_SIZE, LARGE_WEIGHTS, False),
        (LARGE // BATCH_SIZE + 1, 0, True),
        (0, LARGE_WEIGHTS + 1, True),
    ],
)
def test_a_model_is_large_by_its_batch_or_its_weights(activations, weights, large):
    """A batch that is large has fewer examples, unless the user says how many."""
    check = make_check()
    check.bytes_of_activations, check.bytes_of_weights = activations, weights

    assert check.large is large
    assert check.batch_size == (SMALL_BATCH_SIZE if activations > LARGE // BATCH_SIZE else BATCH_SIZE)
    assert make_check(batch_size=7).batch_size == 7


def test_the_weights_of_a_large_model_are_tried_in_portions():
    """As many as fit in memory, and never more than there are weights."""
    check = make_check()
    check.bytes_of_weights, check.trained_weights = LARGE_WEIGHTS + PORTION, 1000
    assert check.weight_portions == LARGE_WEIGHTS // PORTION + 1

    check.trained_weights = 5
    assert check.weight_portions == 5

    check.bytes_of_weights = PORTION
    assert check.weight_portions == 1


@pytest.mark.parametrize(("compiled", "loss", "own"), [(True, None, True), (True, "mse", False), (False, None, False)])
def test_a_model_is_trained_as_it_came_unless_the_user_names_something_else(compiled, loss, own):
    """A loss or an optimiser is something else."""
    check = make_check(loss=loss)
    check.compiled = compiled

    assert check.own_training is own


def test_neighbours_are_asked_of_the_two_alone_all_at_the_same_places():
    """Both get the same nudges, as many as the judge wants."""
    arrays = {"jax": [np.zeros(1)], "torch": [np.ones(1)]}
    check = make_check({ReplayNeighbours: lambda name, _: {OUTPUT: arrays[name]}})

    ask = check.neighbours(lambda nudges, wanted: ReplayNeighbours("a#0", [], False, False, nudges, wanted))

    assert ask(("jax", "torch"), [OUTPUT]) == {OUTPUT: (arrays["jax"], arrays["torch"])}
    [(_, first), (_, second)] = tasks_of(check, ReplayNeighbours)
    assert first == second
    assert len({nudge.seed for nudge in first.nudges}) == NEIGHBOURS


def test_a_worker_that_is_lost_has_no_neighbours():
    """The check goes on with the others."""
    check = make_check({ReplayNeighbours: lambda name, _: died(name) if name == "jax" else {OUTPUT: []}})

    ask = check.neighbours(lambda nudges, wanted: ReplayNeighbours("a#0", [], False, False, nudges, wanted))

    assert ask(("jax", "torch"), [OUTPUT]) == {}
    assert check.participants.active == ("tensorflow", "torch")
