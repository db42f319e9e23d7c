"""The model is built everywhere, seen to be the same one, and given the same weights and inputs."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.comparison.opening import make_draws, open_model
from keras_parity.errors import UsageError
from keras_parity.participants import TooFewLeft
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Description, InputSpec, Raised, Tried, WeightSpec
from keras_parity.protocol.tasks import ConstrainWeights, OpenCase, SetWeights, TryInputs
from tests.keras_parity.comparison.checks import make_check, tasks_of
from tests.keras_parity.verdicts import REQUEST

KERNEL, BIAS = WeightSpec("d/kernel", (2, 3), "float32", True), WeightSpec("d/bias", (3,), "float32", False)
MODEL = Description(
    "model", [InputSpec("x", (None, 2), "float32")], [KERNEL, BIAS], [np.ones((2, 3)), np.ones(3)], 160, ["out"]
)
FUNCTION = replace(REQUEST.source, kind="function")


def test_all_get_the_same_weights_each_in_its_own_order():
    """Those of a file are the user's, a function's are drawn."""
    other = replace(MODEL, weights=[BIAS, KERNEL], initial=MODEL.initial[::-1])
    answers = {OpenCase: lambda name, _: other if name == "torch" else MODEL}
    file, function = make_check(answers), make_check(answers, source=FUNCTION)

    for check in (file, function):
        open_model(check, {})

    for check, drawn in ((file, False), (function, True)):
        given = {name: task.values for name, task in tasks_of(check, SetWeights)}
        np.testing.assert_array_equal(given["jax"][0], given["torch"][1])
        np.testing.assert_array_equal(given["jax"][1], given["torch"][0])
        assert bool((given["jax"][0] != 1).any()) is drawn


def test_a_constraint_holds_for_what_is_drawn():
    """One execution applies it, and all get the same."""
    held = replace(MODEL, weights=[replace(KERNEL, constrained=True), BIAS])
    check = make_check(
        {OpenCase: held, ConstrainWeights: lambda _, task: [np.abs(value) for value in task.values]}, source=FUNCTION
    )

    open_model(check, {})

    assert len(tasks_of(check, ConstrainWeights)) == 1
    assert all((task.values[0] >= 0).all() for _, task in tasks_of(check, SetWeights))


def test_what_the_model_is_like_is_kept():
    """Its size decides how memory is spared; patches reach the execution that they are for."""
    check = make_check({OpenCase: MODEL})

    open_model(check, {"jax": dict})

    assert (check.inputs, check.outputs) == (MODEL.inputs, ["out"])
    assert (check.bytes_of_activations, check.bytes_of_weights, check.trained_weights) == (160, 8 * 9, 1)
    assert {name: task.patch for name, task in tasks_of(check, OpenCase)} == {
        "tensorflow": None,
        "jax": dict,
        "torch": None,
    }


def test_who_cannot_build_the_model_is_left_out_with_a_finding():
    """The others are compared all the same."""
    check = make_check({OpenCase: lambda name, _: Raised("ValueError: no", "d") if name == "jax" else MODEL})

    open_model(check, {})

    [finding] = check.ledger.findings
    assert (finding.layer, finding.execution, finding.cause) == ("d", "jax", Cause.ERROR)
    assert check.participants.active == ("tensorflow", "torch")


def test_where_nobody_can_build_it_the_check_ends():
    """With what was raised; a mistake of the user's is told as such."""
    check = make_check({OpenCase: Raised("ValueError: no")})
    with pytest.raises(TooFewLeft):
        open_model(check, {})
    assert check.ledger.raised_everywhere == "ValueError: no"
    assert check.ledger.findings == []

    with pytest.raises(UsageError, match="m:f gave an int"):
        open_model(make_check({OpenCase: Raised("m:f gave an int", misuse=True)}), {})


def test_another_model_is_left_out():
    """Its weights are others than the others'."""
    other = replace(MODEL, weights=[replace(KERNEL, shape=(2, 4)), BIAS])
    check = make_check({OpenCase: lambda name, _: other if name == "torch" else MODEL})

    open_model(check, {})

    [finding] = check.ledger.findings
    assert (finding.execution, finding.quantity) == ("torch", Quantity(Kind.WEIGHTS))
    assert "other weights" in check.participants.failures["torch"]


def test_the_users_inputs_come_first_and_without_any_the_model_must_declare_some():
    """Other draws are made around them, but where they do not hold one number of examples, which is noted."""
    given, graph = np.ones((2, 2)), [np.ones((2, 2)), np.ones((5, 2))]
    fine = {TryInputs: lambda _, task: [Tried(None, None, True) for _ in task.draws]}
    several, one = make_check(fine, inputs=given), make_check(fine, inputs=graph)

    first, *others = make_draws(several)
    [only] = make_draws(one)

    assert first.inputs is given
    assert "blank" in {draw.name for draw in others}
    assert only.inputs is graph
    assert (len(several.ledger.notes), len(one.ledger.notes)) == (0, 1)
    with pytest.raises(UsageError, match="declares no input shape"):
        make_draws(make_check())
