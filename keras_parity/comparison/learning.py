"""The parts of training, each compared alone, and then the training of the whole model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from keras_parity.comparison.check import Check
from keras_parity.comparison.opening import refuse_misuse
from keras_parity.draws import BLANK, CERTAIN, PARTIAL, Draw
from keras_parity.judge import (
    OTHER_NUMBERS,
    Difference,
    Judgement,
    agree_closely,
    judge_fit,
    judge_own_loop,
    judge_part,
    judge_steps,
    same_steps,
)
from keras_parity.ledger import TRAINING, Place
from keras_parity.participants import Begun
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.results import Raised, Study
from keras_parity.protocol.tasks import (
    Batch,
    BatchwisePlan,
    ComposedPlan,
    FitPlan,
    ForgetCalls,
    LearningNeighbours,
    LossPlan,
    MetricPlan,
    OptimizerPlan,
    Plan,
    Predict,
    PredictPlan,
    RegularizerPlan,
    StepsPlan,
    StudyLearning,
    Training,
)
from keras_parity.targets import draw_certainties, draw_targets

# Errors of one execution that begin with the same so many characters are the same.
_SAME_ERROR = 60
# The parts of a step that steps can be composed without, and what is said of a difference that comes from one.
_CAUSES = {
    "sparse": "from sparse gradients",
    "fused": "from what the last activation was taken of",
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


@dataclass(frozen=True)
class Called:
    """`fit` or `predict`, which has begun.

    Attributes:
        place: What findings call it.
        plan: What is called, and on what.
        draw: What the data are called.
        begun: The run in the dtype asked about.
    """

    place: Place
    plan: FitPlan | PredictPlan
    draw: Draw
    begun: Begun[Study]


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
    predicting = None if check.large else _begin_predict(check, draw)
    outputs = participants.ask(participants.trainers[0], Predict(draw.inputs))
    fit = [output.dtype.kind == "f" and output.ndim > 0 and np.isfinite(output).all() for output in outputs]
    if not outputs or not all(fit):
        _judge_as_called(check, predicting, {})
        text = "no loss or training step was compared: an output is no batch of finite floating-point numbers"
        _not_compared(check, text, _training_is_asked(check))
        return
    outputs = [output.astype(np.float32).astype(np.float64) for output in outputs]
    targets = targets_of_steps(check, outputs)
    flat = [_flat(one, check.outputs) for one in targets]
    trainers = participants.trainers
    _say_what_own_training_ignores(check)
    parts = _parts(check, draw, outputs, flat[0]) + _regularizer_parts(check, draw)
    begun = [participants.begin(dict.fromkeys(trainers, StudyLearning(part.plan, [0]))) for part in parts]
    batches = [Batch(draw.inputs, one, request.sample_weight) for one in targets]
    training = training_of(check)
    steps = StepsPlan(training, batches)
    stepping = participants.begin(_spread(trainers, steps)) if request.steps else None
    fitting = _begin_fit(check, training, batches[0], draw) if request.steps and not check.large else None
    _judge_as_called(check, predicting, {})
    for part, study in zip(parts, begun, strict=True):
        _judge_part(check, part, study.answers())
    if stepping is not None:
        check.say("training steps")
        stepped = stepping.answers()
        _judge_steps(check, steps, stepped, draw)
        _judge_as_called(check, fitting, stepped)


def training_of(check: Check) -> Training:
    """Return how the model is trained: as the user says, as it came compiled, or as the check chooses."""
    request = check.request
    if check.own_training:
        return Training(own=True)
    return Training(
        request.optimizer or "adam",
        _loss(check),
        _metrics_by_output(check),
        request.loss_weights,
        request.weighted_metrics,
    )


def _metrics_by_output(check: Check) -> Any:
    """Return metrics as `compile` takes them: those that are given for all outputs, for each by its name."""
    metrics, names = check.request.metrics, check.outputs or ()
    if isinstance(metrics, dict) or len(names) < 2 or any(isinstance(one, list | tuple) for one in metrics):
        return metrics
    return {name: list(metrics) for name in names}


def label_of(identifier: object) -> str:
    """Return what a loss, metric or optimiser is called: its name, or its class's."""
    if isinstance(identifier, dict) and "class_name" in identifier:
        return str(identifier["class_name"])
    return str(getattr(identifier, "name", None) or getattr(identifier, "__name__", None) or identifier)


def loss_of_each(loss: Any, names: list[str]) -> list[Any]:
    """Return the loss of each output, None for one that has none; `loss` is as in `compile`."""
    if isinstance(loss, dict) and "class_name" not in loss:
        return [loss.get(name) for name in names]
    if isinstance(loss, list | tuple):
        return list(loss)
    return [loss] * len(names)


def _loss(check: Check) -> Any:
    if check.own_training and check.own_losses is not None:
        return check.own_losses
    return "mean_squared_error" if check.request.loss is None else check.request.loss


def _losses(check: Check, count: int) -> list[Any]:
    names = check.outputs if check.outputs and len(check.outputs) == count else [str(i) for i in range(count)]
    losses = loss_of_each(_loss(check), names)
    return losses if len(losses) == count else [None] * count


def targets_of_steps(check: Check, outputs: list[np.ndarray]) -> list[Any]:
    """Return the targets of each step: those given, or drawn ones that fit the loss of each output."""
    request = check.request
    count = max(request.steps, 1)
    if request.targets is not None:
        return [request.targets] * count
    labels = [None if loss is None else label_of(loss) for loss in _losses(check, len(outputs))]
    return [draw_targets(labels, outputs, request.seed, step) for step in range(count)]


def _flat(targets: Any, names: list[str] | None) -> list[np.ndarray]:
    """Return targets as one array for each output, in flattened order."""
    if isinstance(targets, np.ndarray):
        return [targets]
    if isinstance(targets, dict):
        return [np.asarray(targets[name]) for name in names or sorted(targets) if name in targets]
    return [np.asarray(target) for target in targets]


def _say_what_own_training_ignores(check: Check) -> None:
    """Say what was asked for that a model cannot be given which is trained as it came compiled."""
    request = check.request
    if not check.own_training:
        return
    ignored = [name for name in ("loss_weights", "weighted_metrics") if getattr(request, name) is not None]
    if isinstance(request.metrics, dict):
        ignored.append("metrics by output")
    if ignored:
        text = f"{' and '.join(ignored)} were not compared: the model came compiled and is trained as it is"
        _not_compared(check, f"{text}; give its loss and optimizer, too, to have it compiled anew", True)


def _parts(check: Check, draw: Draw, outputs: list[np.ndarray], targets: list[np.ndarray]) -> list[Part]:
    """Return the parts to run alone. A model that came compiled keeps its loss and optimiser: only metrics are left."""
    if check.own_training:
        return _metric_parts(check, draw, outputs, targets)
    request = check.request
    losses = _losses(check, len(outputs))
    parts = []
    if len(targets) == len(outputs):
        label = label_of(_loss(check))
        place, asked = Place("(loss)", label), request.loss is not None
        parts.append(Part(place, LossPlan(losses, outputs, targets, request.sample_weight), Kind.LOSS, draw, asked))
        certainties = draw_certainties(outputs, request.seed) if request.edge else None
        if certainties is not None:  # where an entropy's logarithm must be kept from zero
            certain = Draw(CERTAIN, False, draw.inputs)
            parts.append(
                Part(place, LossPlan(losses, certainties, targets, request.sample_weight), Kind.LOSS, certain, asked)
            )
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


def _spread(names: tuple[str, ...], plan: Plan) -> dict[str, StudyLearning]:
    """Return each execution's task: each measures with a perturbation of its own how far the plan amplifies it."""
    return {name: StudyLearning(plan, [i]) for i, name in enumerate(names)}


def _judge_part(check: Check, part: Part, studies: Mapping[str, Study]) -> None:
    """Judge the loss, a metric or the optimiser."""
    check.ledger.see(part.place.path)
    neighbours = check.neighbours(partial(LearningNeighbours, part.plan))
    said = judge_part(studies, part.kind, neighbours, underflows=isinstance(part.plan, OptimizerPlan))
    if said.raised_everywhere:
        refuse_misuse(said.raised_everywhere)
        text = f"{part.place.name} raises on every backend: {said.raised_everywhere.text}"
        _not_compared(check, text, part.asked and part.draw.ordinary)
    for name, error in said.without_float64.items():
        check.ledger.note_without_float64(name, part.place, error)
    # At 1 a clipped logarithm's argument is a single rounding, for all alike.
    check.ledger.keep(part.place, said, "training", part.draw, measured=part.draw.ordinary)


def _judge_steps(check: Check, plan: StepsPlan, studies: Mapping[str, Study], draw: Draw) -> None:
    """Judge whole training steps; what a part of them is proven to explain is not told again."""
    ledger, place = check.ledger, Place(TRAINING, "train_on_batch")
    ledger.see(TRAINING)
    said = judge_steps(studies)
    if said.raised_everywhere:
        refuse_misuse(said.raised_everywhere)
        text = f"training steps raise on every backend: {said.raised_everywhere.text}"
        _not_compared(check, text, _training_is_asked(check))
        return
    for name, error in said.without_float64.items():
        ledger.note_without_float64(name, place, error)
    if said.beyond_judging and _training_is_asked(check):
        ledger.unjudged = ledger.unjudged or f"{place.name} {said.beyond_judging}"
    # A cause of its own, as of sparse gradients, is told beside what a part explains.
    said.differences = _name_causes(check, plan, studies, said.differences)
    explained = _explained(check, plan, studies, said)
    said.differences = [d for d in said.differences if d.execution not in explained or d.pair is None or _is_named(d)]
    if None in explained:
        # What those differ in who have been blamed hides how the others differ.
        others = {name: study for name, study in studies.items() if name not in _blamed(check)}
        between = [d for d in judge_steps(others).differences if d.pair is not None] if others else []
        said.differences += _name_causes(check, plan, others, between)
    _keep(check, place, said, studies, draw)


def _explained(check: Check, plan: StepsPlan, studies: Mapping[str, Study], said: Judgement) -> set[str | None]:
    """Return whose differences in whole steps come from parts of them that have been blamed already.

    That is proven: the execution takes the same steps again, composed of the same parts without Keras's own step. If
    both give the same, the step itself is sound, and what differs is a part.
    """
    blamed = {finding.execution for finding in check.ledger.findings} | check.ledger.rounding
    doubtful = {difference.execution for difference in said.differences if difference.pair is not None}
    if not doubtful & blamed and not (None in doubtful and blamed):
        return set()
    if check.own_step or plan.training.own:
        return (doubtful & blamed) | ({None} & doubtful)
    sound = _that_compose(check, plan, studies)
    explained: set[str | None] = {name for name in doubtful & blamed if name in sound}
    return explained | ({None} if sound >= set(studies) and blamed else set())


def _that_compose(check: Check, plan: StepsPlan, studies: Mapping[str, Study], **parts: bool) -> set[str]:
    """Return who takes the same steps when they are composed of their parts.

    Args:
        check: The check.
        plan: The steps.
        studies: What each gave by Keras's own steps.
        parts: What the composed steps leave out that Keras's own have; see `ComposedPlan`.
    """
    composed = check.participants.ask_each(
        dict.fromkeys(studies, StudyLearning(ComposedPlan(plan.training, plan.batches, **parts), []))
    )
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
    for part, text in _CAUSES.items():
        doubtful = [d for d in differences if d.pair is not None and not _is_named(d)]
        if not any(two or d.execution for d in doubtful) or check.own_step or plan.training.own:
            break
        due = _that_compose(check, plan, studies) - _that_compose(check, plan, studies, **{part: False})

        def named(difference: Difference, due: set[str] = due, text: str = text) -> Difference:
            who = {difference.execution} if difference.execution is not None else set(difference.pair or ())
            if len(who & due) != 1 or not (two or difference.execution):
                return difference
            alone = None if len(check.participants.names) == 2 else (who & due).pop()
            detail = f"{difference.detail}, {text}"
            return replace(difference, execution=difference.execution or alone, detail=detail)

        differences = [named(d) if d in doubtful else d for d in differences]
    return differences


def _is_named(difference: Difference) -> bool:
    return difference.detail.endswith(tuple(_CAUSES.values()))


def _begin_predict(check: Check, draw: Draw) -> Called | None:
    """Let `predict` begin; of a single example there is nothing to be had."""
    data, size, seen = _several_batches(check, Batch(draw.inputs, None), draw)
    return _begin_as_called(check, PredictPlan(data.inputs, size), Place("(predict)", "predict"), seen)


def _begin_fit(check: Check, training: Training, batch: Batch, draw: Draw) -> Called | None:
    """Let `fit` and `evaluate` begin."""
    data, size, seen = _several_batches(check, batch, draw)
    return _begin_as_called(check, FitPlan(training, data, size), Place("(fit)", "fit"), seen)


def _begin_as_called(check: Check, plan: FitPlan | PredictPlan, place: Place, draw: Draw) -> Called | None:
    if plan.batch_size < 2:
        return None
    tasks = dict.fromkeys(check.participants.trainers, StudyLearning(plan, [], exact=False))
    return Called(place, plan, draw, check.participants.begin(tasks))


def _judge_as_called(check: Check, called: Called | None, steps: Mapping[str, Study]) -> None:
    """Judge what `fit` or `predict` gives as a user calls it.

    Float64 runs are taken only where the results are not close: each is compiled, or traced, anew.

    Args:
        check: The check.
        called: What has begun.
        steps: What training steps gave; by their measures it is judged whether a training's results are close.
    """
    if called is None:
        return
    participants, ledger, place = check.participants, check.ledger, called.place
    check.say(place.type)
    ledger.see(place.path)
    studies = called.begun.answers()
    if agree_closely(studies, steps):
        compared = sum(len(study.checked) for study in studies.values() if not isinstance(study.checked, Raised))
        ledger.keep(place, Judgement(compared=compared), "training", called.draw)
        return
    studies = participants.ask_each(_spread(participants.trainers, called.plan))
    kind = Kind.PREDICTION if isinstance(called.plan, PredictPlan) else Kind.STEP
    blamed = _blamed(check)
    said = judge_fit(studies, blamed, ledger.places, kind)
    if ledger.rounding or any(finding.detail == OTHER_NUMBERS for finding in ledger.findings):
        # In another precision other whole numbers are taken.
        said.differences = [difference for difference in said.differences if difference.cause is not Cause.PRECISION]
    if said.raised_everywhere:
        text = f"{place.type} raises on every backend: {said.raised_everywhere.text}"
        _not_compared(check, text, _training_is_asked(check) or isinstance(called.plan, PredictPlan))
    said.differences += _in_own_loops(check, called.plan, studies, blamed)
    _keep(check, place, said, studies, called.draw)


def _in_own_loops(
    check: Check, plan: FitPlan | PredictPlan, studies: Mapping[str, Study], blamed: set[str]
) -> list[Difference]:
    """Return what the loops of those do wrong that are not compared with others, since they are known to be wrong.

    A training step of the model's own may report what it likes: batches one by one do not tell what `fit` should.
    """
    asked = [name for name in studies if name in blamed]
    if not asked or (check.own_step and isinstance(plan, FitPlan)):
        return []
    batchwise = check.participants.begin({name: StudyLearning(BatchwisePlan(plan), []) for name in asked}).answers()
    return [d for name in batchwise for d in judge_own_loop(name, studies[name], batchwise[name])]


def _blamed(check: Check) -> set[str]:
    """Return who differs so far, by a fault or a rounding; where nobody is alone on ordinary data, all who do."""
    blamed = check.ledger.rounding
    for finding in check.ledger.findings:
        if finding.execution is not None:
            blamed.add(finding.execution)
        elif finding.ordinary:
            blamed.update(finding.executions)
    return blamed


def _keep(check: Check, place: Place, said: Judgement, studies: Mapping[str, Study], draw: Draw) -> None:
    """Keep what was said of a training.

    An error belongs to the layer that raised it, where that is known; one that is known from a part is not told again.
    """
    for difference in list(said.differences):
        error = studies[difference.execution].checked if difference.execution else None
        if not isinstance(error, Raised):
            continue
        known = [f for f in check.ledger.findings if f.cause is Cause.ERROR and f.execution == difference.execution]
        if any(finding.detail[:_SAME_ERROR] == error.text[:_SAME_ERROR] for finding in known):
            said.differences.remove(difference)
        elif error.at:
            said.differences.remove(difference)
            check.ledger.add(Place(error.at, place.type), difference, "training", draw)
    check.ledger.keep(place, said, "training", draw)


def _several_batches(check: Check, batch: Batch, draw: Draw) -> tuple[Batch, int, Draw]:
    """Return the data of several batches, how many examples are in one, and what findings on them are called.

    Of drawn examples, which are repeated, the last batch is half as large as the others, where the model takes any size
    and edge draws are asked for; of the user's own it is what is left.

    Args:
        check: The check.
        batch: A batch of drawn examples, or all that the user gave.
        draw: What they are.
    """
    leaves = _leaves((batch.inputs, batch.targets, batch.sample_weight))
    sizes = {leaf.shape[0] for leaf in leaves if leaf.ndim}
    if len(sizes) != 1:
        return batch, 0, draw
    (size,) = sizes
    fixed = any(spec.shape and spec.shape[0] is not None for spec in check.inputs or ())
    if check.request.inputs is not None and size > check.batch_size and not fixed:
        return batch, check.batch_size, draw
    partial = check.request.edge and not fixed and size > 1
    order = np.arange(int((2.5 if partial else 2.0) * size)) % size

    def take(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value[order] if value.ndim else value
        if isinstance(value, dict):
            return {name: take(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(take(item) for item in value)
        return value

    several = replace(batch, **{n: take(getattr(batch, n)) for n in ("inputs", "targets", "sample_weight")})
    return several, size, Draw(PARTIAL, False, draw.inputs) if partial else draw


def _leaves(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list | tuple) else []


def _training_is_asked(check: Check) -> bool:
    """Return whether the user asked for training, by an argument or by a model that came compiled."""
    return check.request.asks_for_training or check.own_training


def _not_compared(check: Check, text: str, asked: bool) -> None:
    """Note what was not compared; where the user asked for it, the check is inconclusive."""
    check.ledger.note(text)
    if asked:
        check.ledger.unjudged = check.ledger.unjudged or text
