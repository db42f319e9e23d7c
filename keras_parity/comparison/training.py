"""What the parts of training share: how the model is trained and on what, and what is kept of a difference."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_parity.comparison.check import Check
from keras_parity.draws import Draw
from keras_parity.judge import Judgement
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.results import Raised, Study
from keras_parity.protocol.tasks import Plan, StudyLearning, Training
from keras_parity.targets import draw_targets, weigh_classes


def training_of(check: Check) -> Training:
    """Return how the model is trained: as the user says, as it came compiled, or as the check chooses."""
    request = check.request
    if check.own_training:
        return Training(own=True)
    return Training(
        request.optimizer or "adam",
        loss_of(check),
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


def loss_of(check: Check) -> Any:
    """Return the loss or losses, as in `compile`: the user's, the model's own, or the mean squared error."""
    if check.own_training and check.own_losses is not None:
        return check.own_losses
    return "mean_squared_error" if check.request.loss is None else check.request.loss


def losses_of_outputs(check: Check, count: int) -> list[Any]:
    """Return the loss of each of `count` outputs, None where that cannot be told."""
    names = check.outputs if check.outputs and len(check.outputs) == count else [str(i) for i in range(count)]
    losses = loss_of_each(loss_of(check), names)
    return losses if len(losses) == count else [None] * count


def targets_of_steps(check: Check, outputs: list[np.ndarray]) -> list[Any]:
    """Return the targets of each step: those given, or drawn ones that fit the loss of each output."""
    request = check.request
    count = max(request.steps, 1)
    if request.targets is not None:
        return [request.targets] * count
    labels = [None if loss is None else label_of(loss) for loss in losses_of_outputs(check, len(outputs))]
    return [draw_targets(labels, outputs, request.seed, step) for step in range(count)]


def flat_targets(targets: Any, names: list[str] | None) -> list[np.ndarray]:
    """Return targets as one array for each output, in flattened order."""
    if isinstance(targets, np.ndarray):
        return [targets]
    if isinstance(targets, dict):
        return [np.asarray(targets[name]) for name in names or sorted(targets) if name in targets]
    return [np.asarray(target) for target in targets]


def weights_of_examples(check: Check, targets: Any) -> Any:
    """Return the weight of each example of a step, as given or by its class; None if all weigh the same."""
    request = check.request
    if request.class_weight is None:
        return request.sample_weight
    return weigh_classes(flat_targets(targets, check.outputs), request.class_weight)


def say_what_own_training_ignores(check: Check) -> None:
    """Say what was asked for that a model cannot be given which is trained as it came compiled."""
    request = check.request
    if not check.own_training:
        return
    ignored = [name for name in ("loss_weights", "weighted_metrics") if getattr(request, name) is not None]
    if isinstance(request.metrics, dict):
        ignored.append("metrics by output")
    if ignored:
        text = f"{' and '.join(ignored)} were not compared: the model came compiled and is trained as it is"
        not_compared(check, f"{text}; give its loss and optimizer, too, to have it compiled anew", True)


def who_differs(check: Check) -> set[str]:
    """Return which executions differ so far on ordinary data, for a fault or for what is excused.

    If a finding blames no single execution, all that it compares count. An execution that was blamed on edge draws
    alone counts if its fault was seen to explain how whole training steps differ.
    """
    blamed = check.ledger.excused | check.differ_in_steps
    for finding in check.ledger.findings:
        if finding.ordinary and not finding.on_data:
            blamed.update((finding.execution,) if finding.execution is not None else finding.executions)
    return blamed


# Errors of one execution that begin with the same so many characters are the same.
_SAME_ERROR = 60


def keep_training(check: Check, place: Place, said: Judgement, studies: Mapping[str, Study], draw: Draw) -> None:
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


def training_is_asked(check: Check) -> bool:
    """Return whether the user asked for training, by an argument or by a model that came compiled."""
    return check.request.asks_for_training or check.own_training


def not_compared(check: Check, text: str, asked: bool) -> None:
    """Note what was not compared; where the user asked for it, the check is inconclusive."""
    check.ledger.note(text)
    if asked:
        check.ledger.unjudged = check.ledger.unjudged or text


def spread(names: tuple[str, ...], plan: Plan) -> dict[str, StudyLearning]:
    """Return each execution's task: each measures with a perturbation of its own how far the plan amplifies it."""
    return {name: StudyLearning(plan, [i]) for i, name in enumerate(names)}
