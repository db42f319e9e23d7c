"""How a model is trained and on what, as the user says, as it came compiled, or as the check chooses."""

import numpy as np
import pytest

from keras_parity.comparison.training import (
    keep_training,
    label_of,
    loss_of_each,
    targets_of_steps,
    training_of,
    who_differs,
)
from keras_parity.draws import Draw
from keras_parity.judge import Difference, Judgement, raised
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Study
from keras_parity.protocol.tasks import Training
from tests.keras_parity.comparison.checks import make_check

DRAW = Draw("ordinary 1", True, [np.ones((4, 3))])
OUTPUT = Quantity(Kind.OUTPUT)


@pytest.mark.parametrize(
    ("compiled", "changes", "expected"),
    [
        (False, {}, Training("adam", "mean_squared_error", ())),
        (False, {"loss": "mae", "optimizer": "sgd", "loss_weights": [2]}, Training("sgd", "mae", (), [2])),
        (True, {}, Training(own=True)),
        (True, {"loss": "mae"}, Training("adam", "mae", ())),
    ],
)
def test_a_model_is_trained_as_the_user_says_or_as_it_came(compiled, changes, expected):
    """Or as the check chooses."""
    check = make_check(**changes)
    check.compiled = compiled

    assert training_of(check) == expected


def test_metrics_for_all_outputs_are_given_to_each_by_its_name():
    """As `compile` wants them of a model with several."""
    check = make_check(metrics=("accuracy",))
    check.outputs = ["a", "b"]

    assert training_of(check).metrics == {"a": ["accuracy"], "b": ["accuracy"]}


def test_a_loss_is_found_for_each_output_and_named():
    """One for all, by name, or in order; a configuration is one loss."""
    huber = {"class_name": "Huber", "config": {}}

    assert loss_of_each("mse", ["a", "b"]) == ["mse", "mse"]
    assert loss_of_each({"b": "mae"}, ["a", "b"]) == [None, "mae"]
    assert loss_of_each(("mse", None), ["a", "b"]) == ["mse", None]
    assert loss_of_each(huber, ["a"]) == [huber]
    assert (label_of(huber), label_of("mse"), label_of(len)) == ("Huber", "mse", "len")


def test_targets_are_those_given_or_fit_the_loss():
    """One batch of them for each step."""
    given = np.ones((4, 2))
    drawn = targets_of_steps(make_check(loss="sparse_categorical_crossentropy", steps=2), [np.full((4, 3), 1 / 3)])

    assert targets_of_steps(make_check(targets=given), [given]) == [given] * 3
    assert [len(targets) for targets in drawn] == [1, 1]
    assert all(targets[0].shape == (4,) and targets[0].dtype.kind == "i" for targets in drawn)


def test_where_nobody_is_alone_all_who_took_part_differ():
    """On ordinary data; an edge draw's pair says nothing of the rest."""
    check = make_check()
    for place, draw in (("a", Draw("blank", False, [])), ("b", DRAW)):
        check.ledger.add(
            Place(place), Difference(OUTPUT, None, ("jax", "torch"), Cause.NAN, 1, 1, ""), "training", draw
        )
        everyone = set() if place == "a" else set(check.participants.names)
        assert who_differs(check) == everyone


def test_an_error_in_a_training_belongs_to_the_layer_that_raised_it():
    """And one that is known from a part is not told again."""
    check = make_check()
    errors = {"jax": Raised("ValueError: no", at="dense"), "torch": Raised("TypeError: never")}
    studies = {name: Study("float32", error, error, {}, {}, {}) for name, error in errors.items()}
    check.ledger.add(Place("loss"), raised(OUTPUT, "torch", "TypeError: never"), "training", DRAW)

    said = Judgement([raised(Quantity(Kind.STEP), name, error.text) for name, error in errors.items()])
    keep_training(check, Place("(training)"), said, studies, DRAW)

    assert {(finding.layer, finding.execution) for finding in check.ledger.findings} == {
        ("dense", "jax"),
        ("loss", "torch"),
    }
