"""What a worker does to study calls: it replays each alone, at shared inputs and at their neighbours."""

from dataclasses import replace

import keras
import numpy as np

from keras_parity.protocol import tasks
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.results import Measures, Raised, Results, Study
from keras_parity.protocol.rounding import UNIT_ROUNDOFF, round_to
from keras_parity.protocol.tasks import Neighbours, Nudge
from keras_parity.worker.capture import CallStack, Change
from keras_parity.worker.case import KINDS, NO_FLOAT64, Studied, call_dtype, current_case, describe_error, running
from keras_parity.worker.lone_values import has_lone_values
from keras_parity.worker.nudging import (
    largest_moves,
    let_layers_round,
    letting_means_round,
    nudged_weights,
    select_neighbours,
)
from keras_parity.worker.performing import performs
from keras_parity.worker.replay import perturb, perturb_data, replay
from keras_parity.worker.unrounded import before_casts, bounds_of, range_of, taken_in_float64

_NOT_REACHED = Raised("the model raises in float64 before it comes to this call")
# Where data move by so little of themselves in float64, and results by so large a part of theirs, the results jump.
_NEXT_TO, _JUMP = 2.0**-50, 2.0**-26
# How far a real number may lie from the boundary at which it is rounded, and the runs that look for one.
_ROUNDED_UNITS, _ROUNDED_RUNS = 16, 6


@performs(tasks.StudyCalls)
def study_calls(task: tasks.StudyCalls) -> dict[str, Study]:
    """Replay calls alone with shared inputs, in both precisions, and measure their unavoidable errors."""
    case = current_case()
    case.studied = {}
    found = {}
    for key in task.inputs:
        exact = _study(key, task)
        study = Study(call_dtype(key), exact.reference, exact.checked, {}, {}, {}, *exact.gradients)
        if task.samples:
            for samples, alike in ((task.samples[:1], False), (task.samples, True)):
                study = study.measured(_measure(key, exact, replace(task, samples=samples), alike))
        found[key] = study
        if task.keep:
            case.studied[key] = exact
    return found


@performs(tasks.MeasureCalls)
def measure_calls(task: tasks.MeasureCalls) -> dict[str, Measures]:
    """Measure the unavoidable errors of calls that were studied before."""
    kept = current_case().studied
    return {
        key: _measure(key, kept.get(key) or _study(key, task.study), task.study, task.alike)
        for key in task.study.inputs
    }


def _study(key: str, task: tasks.StudyCalls) -> Studied:
    exact: dict[str, Results | Raised] = {}
    gradients: dict[str, Raised] = {}
    backward = dict.fromkeys(KINDS, task.backward)
    for kind in KINDS:
        exact[kind] = error = _replay_studied(kind, key, task, task.backward)
        if isinstance(error, Raised) and task.backward:  # what is raised on the way back leaves the results
            forward = _replay_studied(kind, key, task, False)
            if not isinstance(forward, Raised):
                exact[kind], gradients[kind], backward[kind] = forward, error, False
    raised_back = gradients.get("reference"), gradients.get("checked")
    return Studied(exact["reference"], exact["checked"], raised_back, backward)


def _measure(key: str, exact: Studied, task: tasks.StudyCalls, alike: bool) -> Measures:
    """Return how far a call's results move under perturbations, one for each of the task's samples."""
    dtype, reference = call_dtype(key), exact.reference

    def moved(kind: str, *nudges: Nudge) -> list[Results | Raised]:
        return [_replay_studied(kind, key, task, exact.backward[kind], nudge) for nudge in nudges]

    if not alike:
        # Rounding does not move equal values alike: a constant less its mean is not zero, but a rounding error. Each
        # layer within a model rounds, too, and a normalisation behind it may magnify that.
        nudges = [Nudge(UNIT_ROUNDOFF[dtype], sample, alike=False) for sample in task.samples]
        apart = largest_moves(reference, moved("reference", *nudges))
        noise = {quantity: move * UNIT_ROUNDOFF["float64"] / UNIT_ROUNDOFF[dtype] for quantity, move in apart.items()}
        return Measures({}, apart, noise)
    moves = {
        name: largest_moves(reference, moved("reference", *(Nudge(UNIT_ROUNDOFF[name], s) for s in task.samples)))
        for name in {"float32", dtype}
    }
    if isinstance(reference, Raised):  # its unavoidable error is measured where it can be computed
        nudges = [Nudge(2 * UNIT_ROUNDOFF[dtype], sample) for sample in task.samples]
        moves[dtype] = largest_moves(exact.checked, moved("checked", *nudges))
    return Measures(moves["float32"], moves[dtype])


def _replay_studied(
    kind: str, key: str, task: tasks.StudyCalls, backward: bool, nudge: Nudge | None = None
) -> Results | Raised:
    """Replay a call as a study asks for it; what it takes in other dtypes than most is given in theirs."""
    calls = current_case().calls["checked"]
    if key in task.dtypes and key in calls:
        calls[key] = replace(calls[key], dtypes=list(task.dtypes[key]))
    return replay_call(kind, key, task.inputs[key], task.training, backward, nudge, rounds=True)


def replay_call(
    kind: str,
    key: str,
    arrays: list[np.ndarray],
    training: bool,
    backward: bool = True,
    nudge: Nudge | None = None,
    rounds: bool = False,
    change: Change | None = None,
) -> Results | Raised:
    """Replay one call alone.

    Args:
        kind: Which of the two models.
        key: Which call.
        arrays: Its tensors.
        training: The mode that it was recorded in.
        backward: Whether gradients are wanted.
        nudge: A perturbation of inputs and weights; None for none.
        rounds: Whether, with one, the means of single values are off by as much, too.
        change: As `CallStack.change_results` takes it; then nothing is compiled.

    Returns:
        What it computed, or what it raised.
    """
    case = current_case()
    if key not in case.calls[kind]:
        return NO_FLOAT64 if keras.backend.backend() == "openvino" else case.unbuilt or _NOT_REACHED
    call = case.calls[kind][key]
    if nudge is not None:
        dtype = call_dtype(key)
        data = [
            i
            for i, array in enumerate(arrays)
            if any(array.shape == g.shape and np.array_equal(array, round_to(g, dtype)) for g in case.data)
        ]
        exact = data if data and _jumps(key, arrays, data, training, backward) else []
        arrays = [(perturb_data if i in exact else perturb)(array, nudge) for i, array in enumerate(arrays)]
    stack = CallStack()
    if nudge is not None and not nudge.alike:
        let_layers_round(stack, nudge)
    if change is not None:
        stack.change_results(change)
    lone = any(has_lone_values(call.operation, array.shape) for array in arrays[:1])
    rounding = letting_means_round(nudge if rounds else None, lone)
    eager = kind in case.eager or change is not None or (lone and nudge is not None)
    with running(kind, stack), nudged_weights(kind, call, nudge), rounding:
        try:
            compiled = None if eager else case.compiled[kind]
            return replay(call, stack, arrays, training, case.seed, backward, compiled)
        except Exception as error:
            return describe_error(error, stack.failed_at)


def _jumps(key: str, arrays: list[np.ndarray], data: list[int], training: bool, backward: bool) -> bool:
    """Return whether a call's results jump next to the data that the model was given.

    So do those of code that looks up, compares or cuts off: no rounding is behind such a move.

    Args:
        key: Which call.
        arrays: Its tensors.
        data: Which of them are the model's own inputs.
        training: Whether it was made in training mode.
        backward: Whether gradients are wanted.
    """
    case = current_case()
    if key not in case.jumps:
        exact, *near = (
            replay_call("reference", key, moved, training, backward)
            for size in (0.0, -_NEXT_TO, _NEXT_TO)
            for moved in [[a * (1 + size) if i in data else a for i, a in enumerate(arrays)]]
        )
        case.jumps[key] = any(_jump_apart(exact, other) for other in near)
    return case.jumps[key]


def _jump_apart(exact: Results | Raised, near: Results | Raised) -> bool:
    """Return whether two results lie further apart than so near a neighbour's can by rounding, in size or as others."""
    if isinstance(exact, Raised) or isinstance(near, Raised):
        return isinstance(exact, Raised) != isinstance(near, Raised)
    moves = largest_moves(exact, [near])
    sizes: dict[Kind, float] = {}
    for quantity, value in exact.items():
        if quantity in moves:
            size = float(np.max(np.abs(value.array), initial=0.0, where=np.isfinite(value.array)))
            sizes[quantity.kind] = max(sizes.get(quantity.kind, 0.0), size)
        elif quantity in near and not np.array_equal(value.array, near[quantity].array):
            return True
    return any(move > _JUMP * sizes[quantity.kind] for quantity, move in moves.items())


@performs(tasks.ReplayNeighbours)
def replay_neighbours(task: tasks.ReplayNeighbours) -> Neighbours:
    """Return float64 quantities of a call at neighbouring inputs, of each as many as could be computed."""
    backward = task.backward and any(quantity.kind is Kind.GRADIENT for quantity in task.quantities)
    found = [replay_call("reference", task.key, task.arrays, task.training, backward, nudge) for nudge in task.nudges]
    return select_neighbours(found, task.quantities)


@performs(tasks.FindBounds)
def find_bounds(task: tasks.FindBounds) -> Neighbours:
    """Return the bounds of a call's whole-number results, from their float64 values and from its neighbours."""
    exact = replay_call("reference", task.key, task.arrays, task.training, backward=False)
    if isinstance(exact, Raised):
        return {}
    case, stack = current_case(), CallStack()
    try:
        with running("reference", stack), taken_in_float64(case.calls["reference"][task.key]) as call:
            unrounded = replay(call, stack, task.arrays, task.training, case.seed, False, None)
    except Exception:  # what looks up by a whole number takes no other
        unrounded = {}
    with running("reference", stack), before_casts(exact) as cut_off:
        replay(case.calls["reference"][task.key], stack, task.arrays, task.training, case.seed, False, None)
    unrounded |= cut_off
    nudges = [Nudge(_ROUNDED_UNITS * UNIT_ROUNDOFF["float32"], sample, alike=False) for sample in range(_ROUNDED_RUNS)]
    near = [replay_call("reference", task.key, task.arrays, task.training, False, nudge) for nudge in nudges]
    bounds = bounds_of(unrounded, exact, _ROUNDED_UNITS * UNIT_ROUNDOFF["float32"])
    for quantity, pair in range_of(exact, [results for results in near if not isinstance(results, Raised)]).items():
        bounds.setdefault(quantity, []).extend(pair)
    return bounds
