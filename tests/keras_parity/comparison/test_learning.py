"""Parts of training are compared alone, then whole steps, then `fit`; what was asked for is not left out silently."""

import numpy as np
import pytest

from keras_parity.comparison.learning import compare_learning
from keras_parity.draws import Draw
from keras_parity.judge import raised
from keras_parity.ledger import Place
from keras_parity.protocol.cause import StepCause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import InputSpec, Raised, Study, Value
from keras_parity.protocol.tasks import (
    BatchwisePlan,
    ComposedPlan,
    FitPlan,
    LearningNeighbours,
    LossPlan,
    MetricPlan,
    OptimizerPlan,
    Predict,
    PredictPlan,
    StepsPlan,
    StudyLearning,
)
from tests.keras_parity.comparison.checks import make_check, study, tasks_of

EXACT = np.linspace(0.1, 0.9, 50)
DRAW = Draw("ordinary 1", True, [np.ones((4, 3))])
EDGE = Draw("constant", False, [np.ones((4, 3))])
OWN = ("compute_loss",)
OUTPUTS = [np.full((4, 2), 0.25)]
QUANTITIES = {
    LossPlan: Quantity(Kind.LOSS),
    MetricPlan: Quantity(Kind.METRIC, "result"),
    OptimizerPlan: Quantity(Kind.SLOT, "kernel_velocity"),
    StepsPlan: Quantity(Kind.AFTER_TRAINING, "kernel"),
    ComposedPlan: Quantity(Kind.AFTER_TRAINING, "kernel"),
    FitPlan: Quantity(Kind.AFTER_TRAINING, "kernel"),
    PredictPlan: Quantity(Kind.PREDICTION),
    BatchwisePlan: Quantity(Kind.AFTER_TRAINING, "kernel"),
}


def compare(off=None, outputs=OUTPUTS, compiled=False, own_step=(), known=None, draw=DRAW, **changes):
    """Return a check after its training.

    Args:
        off: By execution and kind of plan what somebody is off by, or raises, or a function that gives it of the plan.
        outputs: What the model predicts.
        compiled: Whether it came compiled.
        own_step: What it trains by.
        known: The draw on which JAX was blamed at a layer before, if it was.
        draw: What it is trained on.
        changes: Of the request.
    """
    off = off or {}

    def shifted(name, plan):
        shift = off.get((name, type(plan)), 0.0)
        shift = shift(plan) if callable(shift) else shift
        return shift if isinstance(shift, Raised) else EXACT + shift

    def studied(name, task):
        return study(QUANTITIES[type(task.plan)], shifted(name, task.plan))

    def neighbours(name, task):
        return {q: [shifted(name, task.plan) for _ in task.nudges] for q in task.quantities}

    check = make_check({Predict: outputs, StudyLearning: studied, LearningNeighbours: neighbours}, **changes)
    check.inputs, check.compiled, check.own_step = [InputSpec("x", (None, 3), "float32")], compiled, own_step
    if known is not None:
        check.ledger.add(Place("dense"), raised(Quantity(Kind.OUTPUT), "jax", "wrong"), "training", known)
    compare_learning(check, draw)
    return check


def blamed(check) -> list[tuple]:
    """Return the place and the execution of each finding."""
    return [(finding.layer, finding.execution) for finding in check.ledger.findings]


def plans(check) -> list[type]:
    """Return the kinds of the plans that were run, in their order, each once."""
    return list(dict.fromkeys(type(task.plan) for _, task in tasks_of(check, StudyLearning)))


def test_all_parts_are_run_and_nothing_is_found_where_all_agree():
    """Metrics too, where they are asked for."""
    check = compare(metrics=("accuracy",))

    assert blamed(check) == []
    assert set(plans(check)) == {PredictPlan, LossPlan, MetricPlan, OptimizerPlan, StepsPlan, FitPlan}


@pytest.mark.parametrize(
    ("plan", "place"),
    [
        (LossPlan, "(loss)"),
        (MetricPlan, "(metric accuracy)"),
        (OptimizerPlan, "(optimizer)"),
        (StepsPlan, "(training)"),
        (FitPlan, "(fit)"),
        (PredictPlan, "(predict)"),
    ],
)
def test_a_part_that_is_off_is_blamed(plan, place):
    """And who is off there."""
    assert (place, "jax") in blamed(compare({("jax", plan): 0.5}, metrics=("accuracy",)))


def test_steps_that_a_part_is_proven_to_explain_are_not_told_again():
    """Composed of the same parts without Keras's own step they give the same; else the step itself is at fault."""
    both = {("jax", OptimizerPlan): 0.5, ("jax", StepsPlan): 0.5}

    explained = compare(both | {("jax", ComposedPlan): 0.5})
    unexplained = compare(both | {("jax", ComposedPlan): 0.0})

    assert ("(training)", "jax") not in blamed(explained)
    assert ("(training)", "jax") in blamed(unexplained)


@pytest.mark.parametrize(
    ("part", "cause"), [("sparse", StepCause.SPARSE_GRADIENTS), ("fused", StepCause.FUSED_ACTIVATION), ("none", None)]
)
def test_what_keras_own_step_differs_by_is_named_where_steps_without_it_agree(part, cause):
    """No name is given where steps that are composed of the same parts differ without either one."""
    composed = {("jax", ComposedPlan): lambda plan: 0.5 if getattr(plan, part, True) else 0.0}

    check = compare({("jax", StepsPlan): 0.5} | composed)

    (detail,) = {finding.detail for finding in check.ledger.findings if finding.layer == "(training)"}
    told = [one for one in StepCause if detail.endswith(f", {one.value}")]
    assert told == ([cause] if cause else [])


@pytest.mark.parametrize(
    ("own_step", "composed", "told"), [((), 0.5, False), ((), 0.0, True), (OWN, 0.5, False), (OWN, 0.0, True)]
)
def test_what_an_edge_draw_shows_does_not_hide_a_compiled_models_training(own_step, composed, told):
    """Its parts, composed, must differ, too."""
    check = compare(
        {("jax", StepsPlan): 0.5, ("jax", ComposedPlan): composed}, compiled=True, own_step=own_step, known=EDGE
    )

    assert (("(training)", "jax") in blamed(check)) is told


@pytest.mark.parametrize(("draw", "told"), [(EDGE, True), (DRAW, False)])
def test_where_the_parts_cannot_be_composed_a_layer_explains_by_ordinary_data_alone(draw, told):
    """As where a model's own step has a loss of its own."""
    nobody = {(name, ComposedPlan): Raised("no") for name in ("tensorflow", "jax", "torch")}
    check = compare(nobody | {("jax", StepsPlan): 0.5}, compiled=True, own_step=OWN, known=draw)

    assert (("(training)", "jax") in blamed(check)) is told


def test_a_metric_is_not_explained_by_steps_that_are_sound(monkeypatch):
    """Composed steps have no metrics: who differs in nothing else is told."""
    monkeypatch.setitem(QUANTITIES, StepsPlan, Quantity(Kind.LOG, "mae after step 1"))

    check = compare({("jax", StepsPlan): 0.5}, compiled=True, known=EDGE)

    assert ("(training)", "jax") in blamed(check)


@pytest.mark.parametrize(("loss_agrees", "told"), [(True, True), (False, False)])
def test_a_metric_is_wrong_by_itself_where_the_loss_of_the_first_step_agrees(loss_agrees, told):
    """Whatever else of its backend is wrong, and whatever cause its later steps have."""
    metric, loss, kernel = (
        Quantity(Kind.LOG, "mae after step 1", family="mae"),
        Quantity(Kind.LOG, "loss after step 1", family="loss"),
        QUANTITIES[StepsPlan],
    )
    exact = {quantity: Value(EXACT, "float32") for quantity in (metric, loss, kernel)}
    off = {quantity: Value(EXACT + 0.5, "float32") for quantity in exact if quantity != loss or not loss_agrees}

    def studied(name, task):
        steps = exact | (off if name == "jax" else {})
        composed = {quantity: value for quantity, value in steps.items() if quantity != metric}
        found = {StepsPlan: steps, ComposedPlan: composed}.get(type(task.plan), exact)
        return Study("float32", found, found, {}, {})

    check = make_check({Predict: OUTPUTS, StudyLearning: studied, LearningNeighbours: {}}, steps=1)
    check.inputs, check.compiled = [InputSpec("x", (None, 3), "float32")], True
    check.ledger.add(Place("dense"), raised(Quantity(Kind.OUTPUT), "jax", "wrong"), "training", DRAW)
    compare_learning(check, DRAW)

    assert [f.quantity for f in check.ledger.findings if f.layer == "(training)"] == ([metric] if told else [])


def test_who_is_blamed_on_edge_draws_alone_takes_part_in_fit():
    """Unless whole steps were seen to differ by it."""
    assert ("(fit)", "jax") in blamed(compare({("jax", FitPlan): 0.5}, compiled=True, own_step=OWN, known=EDGE))


def test_a_part_that_raises_on_one_is_its_error():
    """The others are compared."""
    check = compare({("jax", LossPlan): Raised("ValueError: no")})

    assert ("(loss)", "jax") in blamed(check)


@pytest.mark.parametrize(("loss", "unjudged"), [("mse", True), (None, False)])
def test_what_raises_everywhere_makes_the_check_inconclusive_if_it_was_asked_for(loss, unjudged):
    """What the check chose itself is a note."""
    check = compare({(name, LossPlan): Raised("ValueError: no") for name in ("tensorflow", "jax", "torch")}, loss=loss)

    assert any("(loss) raises on every backend: ValueError: no" in note for note in check.ledger.notes)
    assert bool(check.ledger.unjudged) is unjudged


@pytest.mark.parametrize("outputs", [[], [np.arange(4)], [np.array(0.5)], [np.full((4, 2), np.nan)]])
def test_an_output_that_no_loss_takes_is_said(outputs):
    """No step is tried."""
    check = compare(outputs=outputs, loss="mse")

    assert check.ledger.unjudged is not None
    assert StepsPlan not in plans(check)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"optimizer": "sgd"}, "optimizer"),
        ({"loss_weights": [2.0], "weighted_metrics": ["mae"]}, "loss_weights and weighted_metrics"),
        ({"class_weight": {0: 2.0}}, "class_weight"),
        ({"metrics": {"dense": ["mae"]}}, "metrics"),
        ({"loss": "mse", "metrics": ("mae",), "sample_weight": np.ones(4)}, ""),
    ],
)
def test_what_no_step_shows_is_no_agreement_where_none_is_taken(asked, left):
    """The loss and metrics for all outputs are compared alone; the rest was asked for in vain."""
    check = compare(steps=0, **asked)

    text = f"{left} could not be compared: no training step was asked for"
    assert check.ledger.unjudged == (text if left else None)
    assert compare(**{"steps": 3} | asked).ledger.unjudged is None


def test_classes_weigh_in_the_loss_and_in_composed_steps_as_their_examples():
    """By our own computing of them; Keras's own steps take the weights of the classes."""
    off = {("jax", LossPlan): 0.5, ("jax", StepsPlan): 0.5}
    check = compare(off, targets=np.array([0, 1, 1, 0]), loss="sparse_categorical_crossentropy", class_weight={1: 5.0})

    given = {type(task.plan): task.plan for _, task in tasks_of(check, StudyLearning)}
    weighed = [given[LossPlan].sample_weight, given[ComposedPlan].batches[0].sample_weight]
    assert all(np.array_equal(weights, [1, 5, 5, 1]) for weights in weighed)
    for batch in (given[StepsPlan].batches[0], given[FitPlan].data):
        assert (batch.sample_weight, batch.class_weight) == (None, {1: 5.0})
