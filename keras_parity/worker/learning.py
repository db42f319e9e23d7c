"""What a worker does to study learning: it runs parts of training in both precisions, and at neighbouring inputs."""

from collections.abc import Callable
from dataclasses import replace

import keras

from keras_parity.protocol import tasks
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import Raised, Results, Study
from keras_parity.protocol.rounding import UNIT_ROUNDOFF
from keras_parity.protocol.tasks import Neighbours, Nudge
from keras_parity.worker import parts, restoring, training
from keras_parity.worker.capture import CallStack
from keras_parity.worker.case import (
    assign,
    current_case,
    describe_error,
    model_dtype,
    running,
    training_dtype,
    weights_of,
)
from keras_parity.worker.nudging import largest_moves, let_layers_round, letting_means_round, select_neighbours
from keras_parity.worker.performing import performs
from keras_parity.worker.replay import perturb, to_value

# Plans that train the whole model.
_WHOLE = (tasks.StepsPlan, tasks.ComposedPlan, tasks.FitPlan, tasks.PredictPlan, tasks.BatchwisePlan)
_NOT_ASKED = Raised("no float64 result was asked for", unsupported=True)

# What runs a plan.
_RUN: dict[type, Callable[..., Results]] = {
    tasks.LossPlan: parts.run_loss,
    tasks.MetricPlan: parts.run_metric,
    tasks.OptimizerPlan: parts.run_optimizer,
    tasks.RegularizerPlan: parts.run_regularizer,
    tasks.StepsPlan: training.run_steps,
    tasks.ComposedPlan: training.run_composed,
    tasks.FitPlan: training.run_fit,
    tasks.PredictPlan: training.run_predict,
    tasks.BatchwisePlan: training.run_batchwise,
}


@performs(tasks.StudyLearning)
def study_learning(task: tasks.StudyLearning) -> Study:
    """Run a part of training in both precisions."""
    dtype = training_dtype() if isinstance(task.plan, _WHOLE) else model_dtype()
    if not task.exact:
        return Study(dtype, _NOT_ASKED, _run_plan("checked", task.plan, None), {}, {})
    exact = _reference_plan(task.plan)
    reference, checked = _run_plan("reference", exact, None), _run_plan("checked", task.plan, None)

    def moves_by(size: float) -> dict[Quantity, float]:
        nudged = [_run_plan("reference", exact, Nudge(size, sample)) for sample in task.samples]
        return largest_moves(reference, nudged)

    moves = {name: moves_by(UNIT_ROUNDOFF[name]) for name in {"float32", dtype}}
    if isinstance(reference, Raised):  # its unavoidable error is measured where it can be computed
        nudges = [Nudge(2 * UNIT_ROUNDOFF[dtype], sample) for sample in task.samples]
        moves[dtype] = largest_moves(checked, [_run_plan("checked", task.plan, nudge) for nudge in nudges])
    # Steps may amplify even float64's own roundings.
    noise = moves_by(UNIT_ROUNDOFF["float64"]) if isinstance(task.plan, _WHOLE) else {}
    return Study(dtype, reference, checked, moves["float32"], moves[dtype], noise)


@performs(tasks.LearningNeighbours)
def learning_neighbours(task: tasks.LearningNeighbours) -> Neighbours:
    """Return float64 quantities of a part of training at neighbouring inputs, of each as many as could be computed."""
    return select_neighbours([_run_plan("reference", task.plan, nudge) for nudge in task.nudges], task.quantities)


def _run_plan(kind: str, plan: tasks.Plan, nudge: Nudge | None) -> Results | Raised:
    case = current_case()
    if (missing := case.why_missing(kind)) is not None:
        return missing
    model = case.models[kind]
    variables = weights_of(model)
    trained = [variable.trainable for variable in variables]
    before = [to_value(variable.value).array for variable in variables]
    stack = CallStack()
    try:
        if nudge is not None and isinstance(plan, _WHOLE):
            floats = [value.dtype.kind == "f" and moved for value, moved in zip(before, trained, strict=True)]
            moved = [perturb(value, nudge) if yes else value for value, yes in zip(before, floats, strict=True)]
            assign(kind, variables, moved)
            let_layers_round(stack, nudge)
        rounding = letting_means_round(nudge if isinstance(plan, _WHOLE) else None)
        with running(kind, stack), rounding, restoring.other_optimizers_restored(model):
            return _RUN[type(plan)](model, plan, nudge, case.compiled[kind])
    except Exception as error:
        return describe_error(error, stack.failed_at)
    finally:
        assign(kind, variables, before)
        restoring.reset_states(model)


def _reference_plan(plan: tasks.Plan) -> tasks.Plan:
    """Return a plan as the reference runs it: eagerly, where that takes no compiling."""
    if isinstance(plan, tasks.BatchwisePlan):
        return replace(plan, whole=_reference_run(plan.whole))
    return _reference_run(plan) if isinstance(plan, tasks.FitPlan | tasks.PredictPlan) else plan


def _reference_run(plan: tasks.FitPlan | tasks.PredictPlan) -> tasks.FitPlan | tasks.PredictPlan:
    return replace(plan, eager=keras.backend.backend() != "jax")
