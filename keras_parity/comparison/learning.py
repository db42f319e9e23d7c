"""The parts of training, each compared alone, and then the training of the whole model."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from keras_parity.comparison.check import Check
from keras_parity.comparison.fitting import begin_fit, begin_predict, judge_as_called, spans_batch
from keras_parity.comparison.opening import refuse_misuse
from keras_parity.comparison.training import (
    flat_targets,
    keep_training,
    label_of,
    loss_of,
    losses_of_outputs,
    not_compared,
    say_what_own_training_ignores,
    spread,
    targets_of_steps,
    training_is_asked,
    training_of,
    weights_of_examples,
    who_differs,
)
from keras_parity.draws import BLANK, CERTAIN, Draw
from keras_parity.judge import Difference, Judgement, judge_part, judge_steps, same_steps
from keras_parity.ledger import TRAINING, Place
from keras_parity.protocol.cause import StepCause
from keras_parity.protocol.quantity import AFTER_FIRST_STEP, Kind, Quantity
from keras_parity.protocol.results import Raised, Study
from keras_parity.protocol.tasks import (
    Batch,
    ComposedPlan,
    ForgetCalls,
    LearningNeighbours,
    LossPlan,
    MetricPlan,
    OptimizerPlan,
    Plan,
    Predict,
    RegularizerPlan,
    StepsPlan,
    StudyLearning,
)
from keras_parity.targets import draw_certainties

# The parts of a step that a difference may come from, and the arguments of `ComposedPlan` that leave them out.
_WITHOUT = {
    StepCause.SPARSE_GRADIENTS: {"sparse": False},
    StepCause.FUSED_ACTIVATION: {"fused": False},
}


@dataclass(frozen=True)
class Part:
    """One part of training, to be run alone.

    Attributes:
        place: What findings call it.
        plan: What to run.
        kind: What an error raised is an error of.
        draw: On which data.
        asked: Whether the user asked for it, and the check did not choose it itself.
    """

    place: Place
    plan: Plan
    kind: Kind
    draw: Draw
    asked: bool


def compare_learning(check: Check, draw: Draw) -> None:
    """Compare the loss, the metrics and the optimiser, each alone, then training steps, and then `fit`.

    With edge draws asked for, the loss is also asked about probabilities of exactly 0 and 1.

    Raises:
        UsageError: If the name of one of them names nothing.
    """
    check.say("loss, metrics, optimiser")
    participants, request = check.participants, check.request
    if check.large:
        participants.ask_all(ForgetCalls())
        check.ledger.note("fit, evaluate and predict were not compared: they would take too much memory")
    outputs = participants.ask(participants.trainers[0], Predict(draw.inputs))
    check.spans_batch = spans_batch(check, draw, outputs)
    predicting = None if check.large else begin_predict(check, draw)
    fit = [output.dtype.kind == "f" and output.ndim > 0 and np.isfinite(output).all() for output in outputs]
    if not outputs or not all(fit):
        judge_as_called(check, predicting, {})
        text = "no loss or training step was compared: an output is no batch of finite floating-point numbers"
        not_compared(check, text, training_is_asked(check))
        return
    outputs = [output.astype(np.float32).astype(np.float64) for output in outputs]
    targets = targets_of_steps(check, outputs)
    flat = [flat_targets(one, check.outputs) for one in targets]
    trainers = participants.trainers
    say_what_own_training_ignores(check)
    parts = _parts(check, draw, outputs, flat[0]) + _regularizer_parts(check, draw)
    _say_what_no_steps_show(check, parts)
    begun = [participants.begin(dict.fromkeys(trainers, StudyLearning(part.plan, [0]))) for part in parts]
    batches = [Batch(draw.inputs, one, request.sample_weight, request.class_weight) for one in targets]
    training = training_of(check)
    steps = StepsPlan(training, batches)
    stepping = participants.begin(spread(trainers, steps)) if request.steps else None
    fitting = begin_fit(check, training, batches[0], draw) if request.steps and not check.large else None
    judge_as_called(check, predicting, {})
    for part, study in zip(parts, begun, strict=True):
        _judge_part(check, part, study.answers())
    if stepping is not None:
        check.say("training steps")
        stepped = stepping.answers()
        _judge_steps(check, steps, stepped, draw)
        judge_as_called(check, fitting, stepped)


def _say_what_no_steps_show(check: Check, parts: list[Part]) -> None:
    """Without training steps, name what the user asked for and no part compares; the check is then inconclusive."""
    kinds = {type(part.plan) for part in parts}
    shown_by = {"loss": LossPlan, "targets": LossPlan, "sample_weight": LossPlan, "metrics": MetricPlan}
    left = [name for name in check.request.given_training if shown_by.get(name) not in kinds]
    if left and not check.request.steps:
        not_compared(check, f"{' and '.join(left)} could not be compared: no training step was asked for", asked=True)


def _parts(check: Check, draw: Draw, outputs: list[np.ndarray], targets: list[np.ndarray]) -> list[Part]:
    """Return the parts to run alone. A model that came compiled keeps its loss and optimiser: only metrics are left."""
    if check.own_training:
        return _metric_parts(check, draw, outputs, targets)
    request = check.request
    losses = losses_of_outputs(check, len(outputs))
    parts = []
    if len(targets) == len(outputs):
        label = label_of(loss_of(check))
        place, asked = Place("(loss)", label), request.loss is not None
        weights = weights_of_examples(check, targets)
        parts.append(Part(place, LossPlan(losses, outputs, targets, weights), Kind.LOSS, draw, asked))
        certainties = draw_certainties(outputs, request.seed) if request.edge else None
        if certainties is not None:  # where an entropy's logarithm must be kept from zero
            certain = Draw(CERTAIN, False, draw.inputs)
            parts.append(Part(place, LossPlan(losses, certainties, targets, weights), Kind.LOSS, certain, asked))
        parts += _metric_parts(check, draw, outputs, targets)
    optimizer = request.optimizer or "adam"
    for portion in range(check.weight_portions if request.steps else 0):
        plan = OptimizerPlan(optimizer, request.steps, request.seed, (portion, check.weight_portions))
        place = Place("(optimizer)", label_of(optimizer))
        parts.append(Part(place, plan, Kind.STEP, draw, request.optimizer is not None))
    return parts


def _regularizer_parts(check: Check, draw: Draw) -> list[Part]:
    """Return what penalises each weight, as it was drawn and, with edge draws asked for, at zero: there many kink."""
    draws = [draw, Draw(BLANK, False, draw.inputs)] if check.request.edge else [draw]
    return [
        Part(
            Place(f"(regularizer of {path})", kind),
            RegularizerPlan(path, not one.ordinary),
            Kind.LOSS,
            one,
            asked=False,
        )
        for path, kind in check.regularizers.items()
        for one in (draws if check.request.steps and not check.large else ())
    ]


def _metric_parts(check: Check, draw: Draw, outputs: list[np.ndarray], targets: list[np.ndarray]) -> list[Part]:
    """Return each metric that was asked for all outputs; those of single ones are seen in whole steps."""
    metrics = check.request.metrics
    by_output = isinstance(metrics, dict) or any(isinstance(one, list | tuple) for one in metrics)
    if by_output or len(targets) != len(outputs):
        return []
    return [
        Part(
            Place(f"(metric {label_of(one)})", label_of(one)),
            MetricPlan(one, outputs, targets),
            Kind.METRIC,
            draw,
            True,
        )
        for one in metrics
    ]


def _judge_part(check: Check, part: Part, studies: Mapping[str, Study]) -> None:
    """Judge the loss, a metric or the optimiser."""
    check.ledger.see(part.place.path)
    neighbours = check.neighbours(partial(LearningNeighbours, part.plan))
    said = judge_part(studies, part.kind, neighbours, underflows=isinstance(part.plan, OptimizerPlan))
    if said.raised_everywhere:
        refuse_misuse(said.raised_everywhere)
        text = f"{part.place.name} raises on every backend: {said.raised_everywhere.text}"
        not_compared(check, text, part.asked and part.draw.ordinary)
    for name, error in said.without_float64.items():
        check.ledger.note_without_float64(name, part.place, error)
    # At 1 a clipped logarithm's argument is a single rounding, for all alike.
    check.ledger.keep(part.place, said, "training", part.draw, measured=part.draw.ordinary)


def _judge_steps(check: Check, plan: StepsPlan, studies: Mapping[str, Study], draw: Draw) -> None:
    """Judge whole training steps; what a part of them is proven to explain is not told again."""
    ledger, place = check.ledger, Place(TRAINING, "train_on_batch")
    ledger.see(TRAINING)
    said = judge_steps(studies, ledger.places)
    if said.raised_everywhere:
        refuse_misuse(said.raised_everywhere)
        text = f"training steps raise on every backend: {said.raised_everywhere.text}"
        not_compared(check, text, training_is_asked(check))
        return
    for name, error in said.without_float64.items():
        ledger.note_without_float64(name, place, error)
    if said.beyond_judging and training_is_asked(check):
        ledger.unjudged = ledger.unjudged or f"{place.name} {said.beyond_judging}"
    of_metrics = [] if check.own_step else _of_metrics_alone(said.differences)
    said.differences = [difference for difference in said.differences if difference not in of_metrics]
    # A cause of its own, as of sparse gradients, is told beside what a part explains.
    said.differences = _name_causes(check, plan, studies, said.differences)
    explained = _explained(check, plan, studies, said)
    check.differ_in_steps |= {name for name in explained if name is not None}
    said.differences = [d for d in said.differences if d.execution not in explained or d.pair is None or d.step_cause]
    if None in explained:
        # What those differ in who have been blamed hides how the others differ.
        others = {name: study for name, study in studies.items() if name not in who_differs(check)}
        between = [d for d in judge_steps(others, ledger.places).differences if d.pair is not None] if others else []
        said.differences += _name_causes(check, plan, others, between)
    said.differences += of_metrics
    keep_training(check, place, said, studies, draw)


def _of_metrics_alone(differences: list[Difference]) -> list[Difference]:
    """Return differences in reported metrics that only the metric itself can explain.

    At the first step, a metric sees the same outputs as the loss, before any update. If the loss agrees there and the
    metric does not, the metric is wrong.
    """
    logs = {
        (d.execution, d.quantity.name): d for d in differences if d.quantity.kind is Kind.LOG and d.pair is not None
    }
    wrong = {
        (who, difference.quantity.family)
        for (who, _), difference in logs.items()
        if difference.quantity.is_after_first_step and (who, f"loss{AFTER_FIRST_STEP}") not in logs
    }
    return [difference for difference in logs.values() if (difference.execution, difference.quantity.family) in wrong]


def _explained(check: Check, plan: StepsPlan, studies: Mapping[str, Study], said: Judgement) -> set[str | None]:
    """Return whose differences in whole steps come from parts of them that have been blamed already.

    That is proven: the execution takes the same steps again, composed of the same parts without Keras's own step. If
    both give the same, the step itself is sound, and what differs is a part. Composed steps have no metrics, so a
    difference in reported metrics alone is not explained.
    """
    blamed = {finding.execution for finding in check.ledger.findings} | check.ledger.excused
    doubtful = {difference.execution for difference in said.differences if difference.pair is not None}
    if not doubtful & blamed and not (None in doubtful and blamed):
        return set()
    if check.own_step:
        return _explained_beside_own_step(check, plan, studies, doubtful & (blamed | {None}))
    composed = _compose(check, plan, studies)
    sound = _that_take_the_same(studies, composed)
    shown = {d.execution for d in said.differences if any(_has(study, d.quantity) for study in composed.values())}
    explained: set[str | None] = {name for name in doubtful & blamed if name in sound}
    return (explained | ({None} if sound >= set(studies) else set())) & shown


def _explained_beside_own_step(
    check: Check, plan: StepsPlan, studies: Mapping[str, Study], doubtful: Set[str | None]
) -> set[str | None]:
    """Return whose differences in the model's own training steps may come from parts that have been blamed already.

    These are the executions whose composed steps differ, too. If steps cannot be composed, they are the executions with
    a layer that differs on ordinary data.

    Args:
        check: The check.
        plan: The steps.
        studies: What each gave.
        doubtful: Who differs in them and has been blamed.
    """
    composed = _compose(check, plan, studies, measured=True)
    raising = {name for name, study in composed.items() if isinstance(study.reference, Raised)}
    shown = {d.execution for d in judge_steps(composed, check.ledger.places).differences if d.pair is not None}
    layers = {f.execution for f in check.ledger.findings if f.ordinary and not f.on_data and f.layer[:1] != "("}
    return {who for who in doubtful if who in shown or (raising and who in layers)}


def _has(study: Study, quantity: Quantity) -> bool:
    return any(not isinstance(found, Raised) and quantity in found for found in (study.reference, study.checked))


def _compose(
    check: Check, plan: StepsPlan, studies: Mapping[str, Study], *, measured: bool = False, **parts: bool
) -> dict[str, Study]:
    """Return what the same steps give when they are composed of their parts.

    Args:
        check: The check.
        plan: The steps.
        studies: What each gave by Keras's own steps.
        measured: Whether to measure how far they amplify roundings.
        parts: What the composed steps leave out that Keras's own have; see `ComposedPlan`.
    """
    batches = [Batch(one.inputs, one.targets, weights_of_examples(check, one.targets)) for one in plan.batches]
    composed = ComposedPlan(plan.training, batches, **parts)
    tasks = spread(tuple(studies), composed) if measured else dict.fromkeys(studies, StudyLearning(composed, []))
    return check.participants.ask_each(tasks)


def _that_compose(check: Check, plan: StepsPlan, studies: Mapping[str, Study], **parts: bool) -> set[str]:
    """Return who takes the same steps when they are composed of their parts.

    Args:
        check: The check.
        plan: The steps.
        studies: What each gave by Keras's own steps.
        parts: What the composed steps leave out that Keras's own have; see `ComposedPlan`.
    """
    return _that_take_the_same(studies, _compose(check, plan, studies, **parts))


def _that_take_the_same(studies: Mapping[str, Study], composed: Mapping[str, Study]) -> set[str]:
    return {name for name in composed if same_steps(studies[name], composed[name])}


def _name_causes(
    check: Check, plan: StepsPlan, studies: Mapping[str, Study], differences: list[Difference]
) -> list[Difference]:
    """Return differences, with a word on those that are not there without one part of Keras's own steps.

    Args:
        check: The check.
        plan: The steps.
        studies: What each gave; where nobody can be told apart among more than two of them, nothing is said.
        differences: In what they gave.
    """
    two = sum(not isinstance(study.checked, Raised) for study in studies.values()) == 2
    sound: set[str] | None = None
    for cause, parts in _WITHOUT.items():
        doubtful = [d for d in differences if d.pair is not None and d.step_cause is None]
        if not any(two or d.execution for d in doubtful) or check.own_step:
            break
        sound = _that_compose(check, plan, studies) if sound is None else sound
        due = sound - _that_compose(check, plan, studies, **parts)

        def named(difference: Difference, due: set[str] = due, cause: StepCause = cause) -> Difference:
            who = difference.concerned
            if len(who & due) != 1 or not (two or difference.execution):
                return difference
            alone = None if len(check.participants.names) == 2 else (who & due).pop()
            detail = f"{difference.detail}, {cause.value}"
            return replace(difference, execution=difference.execution or alone, detail=detail, step_cause=cause)

        differences = [named(d) if d in doubtful else d for d in differences]
    return differences
