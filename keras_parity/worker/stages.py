"""What a worker does for a check, one function per task.

A worker holds one case at a time: the model built twice, in float64 (`reference`) and in the dtype that the check is
about (`checked`), with the same weights.
"""

import contextlib
import functools
import itertools
import random
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from keras import tree

from keras_parity.errors import UsageError, quote
from keras_parity.memory import give_back_freed_memory
from keras_parity.protocol import tasks
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import (
    NO_MODEL,
    CallOutline,
    Description,
    LearnedInputs,
    Measures,
    Raised,
    Ran,
    Reloaded,
    Results,
    Study,
    Tried,
    WeightSpec,
)
from keras_parity.protocol.rounding import UNIT_ROUNDOFF, round_to
from keras_parity.protocol.tasks import Neighbours, Nudge
from keras_parity.worker import input_ranges, keras_internals, parts, precision, restoring, saving, training
from keras_parity.worker.building import build_model
from keras_parity.worker.capture import Call, CallStack, Change, is_tensor, record, watching
from keras_parity.worker.compiled_programs import forget_compiled_programs, keep_compiled_programs
from keras_parity.worker.inputs import (
    build_layers,
    count_activations,
    describe_inputs,
    describe_outputs,
    own_training,
    pack,
)
from keras_parity.worker.lone_values import has_lone_values, rounded_means
from keras_parity.worker.performing import performs
from keras_parity.worker.randomness import is_random_state, shared_randomness
from keras_parity.worker.replay import (
    perturb,
    perturb_data,
    perturb_tensor,
    replay,
    to_tensor,
    to_value,
    variable_names,
)
from keras_parity.worker.settings import Settings, apply_settings, read_settings
from keras_parity.worker.tensors import Compiled, Structure
from keras_parity.worker.unrounded import before_casts, bounds_of, range_of, taken_in_float64

KINDS = ("reference", "checked")
# Plans that train the whole model.
WHOLE = (tasks.StepsPlan, tasks.ComposedPlan, tasks.FitPlan, tasks.PredictPlan, tasks.BatchwisePlan)
_NOT_REACHED = Raised("the model raises in float64 before it comes to this call")
# Where data move by so little of themselves in float64, and results by so large a part of theirs, the results jump.
_NEXT_TO, _JUMP = 2.0**-50, 2.0**-26
# How far a real number may lie from the boundary at which it is rounded, and the runs that look for one.
_ROUNDED_UNITS, _ROUNDED_RUNS = 16, 6
# OpenVINO computes in float32 whatever it is told.
NO_FLOAT64 = Raised("no float64 result to be had", unsupported=True)
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

keep_compiled_programs()


@dataclass
class _Case:
    dtype: str
    seed: int
    models: dict[str, keras.Model] = field(default_factory=dict)
    calls: dict[str, dict[str, Call]] = field(default_factory=dict)
    # The floats that the last run gave the model, and whether a call that takes some jumps at them, by its key.
    data: list[np.ndarray] = field(default_factory=list)
    jumps: dict[str, bool] = field(default_factory=dict)
    compiled: dict[str, Compiled] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    # What the calls of the last study gave, by their keys, where that was to be kept.
    studied: "dict[str, _Studied]" = field(default_factory=dict)
    # The models that JAX could not compile in the last run: their calls are replayed eagerly, too.
    eager: set[str] = field(default_factory=set)
    patches: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    # Keras's settings before the model was built.
    settings: Settings = field(default_factory=read_settings)
    # What building the reference raised, where the model that is asked about can be built; then there is none.
    unbuilt: Raised | None = None

    @property
    def finest(self) -> str:
        """Which model computes in the finest numbers: the reference, if it can be built."""
        return next(kind for kind in KINDS if kind in self.models)

    def why_missing(self, kind: str) -> Raised | None:
        """Return why there is no such model: what building it raised; None where there is one."""
        return None if kind in self.models else self.unbuilt


_case: _Case | None = None
# What is freed has to be read or compiled again, if it is Keras's common small change.
CASES_BETWEEN_CLEANINGS = 20
_closed = itertools.count(1)


@performs(tasks.OpenCase)
def open_case(task: tasks.OpenCase) -> Description | Raised:
    """Build the model in both precisions and describe it, or say what building raised."""
    global _case
    close_case(tasks.CloseCase())
    _case = _Case(task.dtype, task.seed)
    if task.patch is not None:
        _case.patches.enter_context(task.patch())
    for kind in KINDS:
        error = _build(_case, kind, task)
        if error is not None and kind == "checked":
            return error
        if error is not None:
            _case.unbuilt = error
    checked, model = _case.models["checked"], _case.models[_case.finest]
    owners = _owners(model)
    return Description(
        name=model.name,
        inputs=describe_inputs(model),
        weights=[
            WeightSpec(
                w.path,
                tuple(w.shape),
                c.dtype,
                bool(w.trainable),
                *owners.get(id(w), ("", False)),
                _regularizer_of(w),
                w.constraint is not None,
            )
            for w, c in zip(_weights(model), _weights(checked), strict=True)
        ],
        initial=[to_value(w.value).array for w in _weights(model)],
        bytes_per_example=8 * count_activations(model),
        outputs=describe_outputs(model),
        compiled=bool(getattr(model, "compiled", False)),
        own_step=own_training(model),
        own_losses=training.own_losses(model),
    )


def _build(case: _Case, kind: str, task: tasks.OpenCase) -> Raised | None:
    """Build one of the two models; return what that raised."""
    stack = CallStack()
    stack.start_at(None)  # the layers that a functional model is built of are called one by one
    # Automatic names count up within a process: start anew, so that they are the same everywhere.
    keras.utils.clear_session(free_memory=False)
    _seed_initialisers(task.seed)
    try:
        # Shared draws spare JAX a compilation for each shape of weights.
        with _precision(kind), watching(stack), shared_randomness(task.seed, stack.next_draw):
            model = build_model(task.source)
            build_layers(model, task.example)
    except Exception as error:
        return describe_error(error, stack.failed_at)
    case.models[kind] = model
    case.compiled[kind][training.RUN_EAGERLY] = model.run_eagerly
    return None


@performs(tasks.CloseCase)
def close_case(task: tasks.CloseCase) -> None:
    """Forget the case, take its patches off, and set what the model's code has set back."""
    global _case
    if _case is not None:
        _case.patches.close()
        apply_settings(_case.settings)
        _case = None
        keras.utils.clear_session(free_memory=False)
        if next(_closed) % CASES_BETWEEN_CLEANINGS == 0:
            forget_compiled_programs()


@performs(tasks.ReleaseMemory)
def release_memory(task: tasks.ReleaseMemory) -> None:
    """Give back to the system what can be made again, as compiled programs, and what was freed."""
    for kept in current_case().compiled.values():
        for name in kept.keys() - training.KEPT:
            del kept[name]
    forget_compiled_programs()
    give_back_freed_memory()


@performs(tasks.ForgetCalls)
def forget_calls(task: tasks.ForgetCalls) -> None:
    """Forget the calls of the last run, and with them what they took."""
    current_case().calls.clear()


@performs(tasks.SetWeights)
def set_weights(task: tasks.SetWeights) -> None:
    """Give both models the same weights, and let layers that keep a copy of what `adapt` has learned take them over."""
    case = current_case()
    case.studied = {}
    for kind, model in case.models.items():
        _assign(kind, _weights(model), task.values)
        with _precision(kind):
            for layer in keras_internals.flatten_layers(model):
                if isinstance(layer, keras.layers.Normalization):
                    layer.finalize_state()


@performs(tasks.ConstrainWeights)
def constrain_weights(task: tasks.ConstrainWeights) -> list[np.ndarray]:
    """Return values for the weights as their constraints leave them; one that raises leaves a value as it is."""
    found, kind = list(task.values), current_case().finest
    with _precision(kind):
        for i, variable in enumerate(_weights(current_case().models[kind])):
            if variable.constraint is not None:
                with contextlib.suppress(Exception):  # training will tell
                    found[i] = to_value(variable.constraint(to_tensor(found[i], variable.dtype))).array
    return found


@performs(tasks.LearnInputs)
def learn_inputs(task: tasks.LearnInputs) -> LearnedInputs:
    """Return what a few runs of the model tell of its inputs."""
    return input_ranges.learn_inputs(_runs(), task.specs)


@performs(tasks.TryInputs)
def try_inputs(task: tasks.TryInputs) -> list[Tried]:
    """Return what runs of the model on some draws came to."""
    return [input_ranges.try_inputs(_runs(), inputs, task.watched) for inputs in task.draws]


@performs(tasks.RunModel)
def run_model(task: tasks.RunModel) -> Ran:
    """Run the whole model in both precisions, and remember each call in it."""
    case = current_case()
    case.data = [a for a in tree.flatten(task.inputs) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    case.jumps.clear()
    errors: dict[str, Raised] = {}
    uncompiled = None
    stored = "float64" if case.dtype == "float64" else "float32"  # no other dtype needs more
    for kind in KINDS:
        if kind == "reference" and keras.backend.backend() == "openvino":
            case.calls[kind], errors[kind] = {}, NO_FLOAT64
            continue
        if (missing := case.why_missing(kind)) is not None:
            case.calls[kind], errors[kind] = {}, missing
            continue
        model = case.models[kind]
        # The reference shares what its calls took; where it has none, the model that the check is about does.
        wanted = stored if task.keep and (kind == "reference" or "reference" in errors) else None
        with _running(kind, CallStack()):
            found = record(model, pack(model, task.inputs), task.training, wanted, case.compiled[kind])
        if found.error is not None:
            errors[kind] = describe_error(found.error, found.failed_at)
        case.eager.discard(kind)
        if found.uncompiled is not None:
            case.eager.add(kind)
            uncompiled = describe_error(found.uncompiled)
        case.calls[kind] = {call.key: call for call in found.calls}
    on_data = calls_on_data(list(case.calls["checked"].values()))
    # An operation made within a call gets another name in each run: it is taken with the call around it.
    told = case.calls["checked"].keys() & case.calls["checked" if "reference" in errors else "reference"].keys()
    calls = [_outline(call, call.key in on_data, told) for call in case.calls["checked"].values() if call.key in told]
    reference_raised = None if "checked" in errors else errors.get("reference")
    return Ran(calls, errors.get("checked"), reference_raised, uncompiled)


@performs(tasks.CallInputs)
def call_inputs(task: tasks.CallInputs) -> dict[str, list[np.ndarray]]:
    """Return the tensors that calls of the reference model took, floats rounded to the dtype the check is about.

    Of a call that the reference did not come to, since it raised before, it is those of the other model.
    """
    case = current_case()
    calls = case.calls["checked"] | {k: c for k, c in case.calls["reference"].items() if c.inputs or not c.dtypes}
    return {key: [round_to(array, _asked_dtype(key)) for array in calls[key].inputs] for key in task.keys}


@performs(tasks.StudyCalls)
def study_calls(task: tasks.StudyCalls) -> dict[str, Study]:
    """Replay calls alone with shared inputs, in both precisions, and measure their unavoidable errors."""
    case = current_case()
    case.studied = {}
    found = {}
    for key in task.inputs:
        exact = _study(key, task)
        study = Study(_asked_dtype(key), exact.reference, exact.checked, {}, {}, {}, *exact.gradients)
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


@dataclass(frozen=True)
class _Studied:
    """What a call gives, unperturbed: attributes as in `Study`, and through which kinds of model gradients go back."""

    reference: Results | Raised
    checked: Results | Raised
    gradients: tuple[Raised | None, Raised | None]
    backward: dict[str, bool]


def _study(key: str, task: tasks.StudyCalls) -> _Studied:
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
    return _Studied(exact["reference"], exact["checked"], raised_back, backward)


def _measure(key: str, exact: _Studied, task: tasks.StudyCalls, alike: bool) -> Measures:
    """Return how far a call's results move under perturbations, one for each of the task's samples."""
    dtype, reference = _asked_dtype(key), exact.reference

    def moved(kind: str, *nudges: Nudge) -> list[Results | Raised]:
        return [_replay_studied(kind, key, task, exact.backward[kind], nudge) for nudge in nudges]

    if not alike:
        # Rounding does not move equal values alike: a constant less its mean is not zero, but a rounding error. Each
        # layer within a model rounds, too, and a normalisation behind it may magnify that.
        nudges = [Nudge(UNIT_ROUNDOFF[dtype], sample, alike=False) for sample in task.samples]
        apart = _largest_moves(reference, moved("reference", *nudges))
        noise = {quantity: move * UNIT_ROUNDOFF["float64"] / UNIT_ROUNDOFF[dtype] for quantity, move in apart.items()}
        return Measures({}, apart, noise)
    moves = {
        name: _largest_moves(reference, moved("reference", *(Nudge(UNIT_ROUNDOFF[name], s) for s in task.samples)))
        for name in {"float32", dtype}
    }
    if isinstance(reference, Raised):  # its unavoidable error is measured where it can be computed
        nudges = [Nudge(2 * UNIT_ROUNDOFF[dtype], sample) for sample in task.samples]
        moves[dtype] = _largest_moves(exact.checked, moved("checked", *nudges))
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
        dtype = _asked_dtype(key)
        data = [
            i
            for i, array in enumerate(arrays)
            if any(array.shape == g.shape and np.array_equal(array, round_to(g, dtype)) for g in case.data)
        ]
        exact = data if data and _jumps(key, arrays, data, training, backward) else []
        arrays = [(perturb_data if i in exact else perturb)(array, nudge) for i, array in enumerate(arrays)]
    stack = CallStack()
    if nudge is not None and not nudge.alike:
        _spoil(stack, nudge)
    if change is not None:
        stack.change_results(change)
    lone = any(has_lone_values(call.operation, array.shape) for array in arrays[:1])
    rounding = _rounding_means(nudge if rounds else None, lone)
    eager = kind in case.eager or change is not None or (lone and nudge is not None)
    with _running(kind, stack), _nudged(kind, call, nudge), rounding:
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
    moves = _largest_moves(exact, [near])
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
    return _select(found, task.quantities)


@performs(tasks.FindBounds)
def find_bounds(task: tasks.FindBounds) -> Neighbours:
    """Return the bounds of a call's whole-number results, from their float64 values and from its neighbours."""
    exact = replay_call("reference", task.key, task.arrays, task.training, backward=False)
    if isinstance(exact, Raised):
        return {}
    case, stack = current_case(), CallStack()
    try:
        with _running("reference", stack), taken_in_float64(case.calls["reference"][task.key]) as call:
            unrounded = replay(call, stack, task.arrays, task.training, case.seed, False, None)
    except Exception:  # what looks up by a whole number takes no other
        unrounded = {}
    with _running("reference", stack), before_casts(exact) as cut_off:
        replay(case.calls["reference"][task.key], stack, task.arrays, task.training, case.seed, False, None)
    unrounded |= cut_off
    nudges = [Nudge(_ROUNDED_UNITS * UNIT_ROUNDOFF["float32"], sample, alike=False) for sample in range(_ROUNDED_RUNS)]
    near = [replay_call("reference", task.key, task.arrays, task.training, False, nudge) for nudge in nudges]
    bounds = bounds_of(unrounded, exact, _ROUNDED_UNITS * UNIT_ROUNDOFF["float32"])
    for quantity, pair in range_of(exact, [results for results in near if not isinstance(results, Raised)]).items():
        bounds.setdefault(quantity, []).extend(pair)
    return bounds


@performs(tasks.Predict)
def predict(task: tasks.Predict) -> list[np.ndarray]:
    """Return the reference model's flattened outputs in inference mode; the other's where it raises or is not there."""

    def run(kind: str) -> list[np.ndarray]:
        model = current_case().models[kind]
        with _running(kind, CallStack()), keras.StatelessScope():
            outputs = model(pack(model, task.inputs), training=False)
        return [to_value(leaf).array for leaf in tree.flatten(outputs) if is_tensor(leaf)]

    try:
        return run(current_case().finest)
    except Exception:
        return run("checked")


@performs(tasks.StudyLearning)
def study_learning(task: tasks.StudyLearning) -> Study:
    """Run a part of training in both precisions."""
    dtype = _training_dtype() if isinstance(task.plan, WHOLE) else _model_dtype()
    if not task.exact:
        return Study(dtype, _NOT_ASKED, _run_plan("checked", task.plan, None), {}, {})
    exact = _reference_plan(task.plan)
    reference, checked = _run_plan("reference", exact, None), _run_plan("checked", task.plan, None)

    def moves_by(size: float) -> dict[Quantity, float]:
        nudged = [_run_plan("reference", exact, Nudge(size, sample)) for sample in task.samples]
        return _largest_moves(reference, nudged)

    moves = {name: moves_by(UNIT_ROUNDOFF[name]) for name in {"float32", dtype}}
    if isinstance(reference, Raised):  # its unavoidable error is measured where it can be computed
        nudges = [Nudge(2 * UNIT_ROUNDOFF[dtype], sample) for sample in task.samples]
        moves[dtype] = _largest_moves(checked, [_run_plan("checked", task.plan, nudge) for nudge in nudges])
    # Steps may amplify even float64's own roundings.
    noise = moves_by(UNIT_ROUNDOFF["float64"]) if isinstance(task.plan, WHOLE) else {}
    return Study(dtype, reference, checked, moves["float32"], moves[dtype], noise)


@performs(tasks.LearningNeighbours)
def learning_neighbours(task: tasks.LearningNeighbours) -> Neighbours:
    """Return float64 quantities of a part of training at neighbouring inputs, of each as many as could be computed."""
    return _select([_run_plan("reference", task.plan, nudge) for nudge in task.nudges], task.quantities)


@performs(tasks.SaveModel)
def save_model(task: tasks.SaveModel) -> bytes | Raised:
    """Return the checked model as the bytes of a `.keras` file, or what saving raised."""
    try:
        return saving.save_to_bytes(current_case().models["checked"])
    except Exception as error:
        return describe_error(error)


@performs(tasks.ReloadModel)
def reload_model(task: tasks.ReloadModel) -> Reloaded | Raised:
    """Load another backend's file and return what the model in it holds and computes, beside our own's."""
    try:
        with _running("checked", CallStack()):
            loaded = saving.load_from_bytes(task.contents)
            own = current_case().models["checked"]
            names = variable_names(_weights(own))
            count = len(_weights(loaded))
            if count != len(names):  # layers that were built by a call may have been left without their weights
                return Raised(f"the loaded model holds {count} weights, not the {len(names)} that were saved")
            return Reloaded(*(_contents(model, names, task.inputs) for model in (own, loaded)))
    except Exception as error:
        return describe_error(error)


def _contents(model: keras.Model, names: list[str], inputs: Structure) -> Results:
    """Return a model's weights and what it computes; the weights by their order: its own name may be another."""
    found: Results = {
        Quantity(Kind.WEIGHT, name): to_value(v.value) for name, v in zip(names, _weights(model), strict=True)
    }
    with keras.StatelessScope():
        outputs = model(pack(model, inputs), training=False)
    leaves = [leaf for leaf in tree.flatten(outputs) if is_tensor(leaf)]
    return found | {Quantity(Kind.OUTPUT, f"[{i}]"): to_value(leaf) for i, leaf in enumerate(leaves)}


def current_case() -> _Case:
    """Return the case that this worker holds.

    Raises:
        RuntimeError: If it holds none, as a process that was started anew.
    """
    if _case is None:
        raise RuntimeError(NO_MODEL)
    return _case


def describe_error(error: Exception, at: str | None = None) -> Raised:
    """Return an exception's class and message as one line of bounded length, and where it was raised."""
    if isinstance(error, UsageError):
        return Raised(str(error), misuse=True)
    return Raised(f"{type(error).__name__}: {quote(error, limit=400) or 'no message'}", at or "")


def calls_on_data(calls: Sequence[Call]) -> set[str]:
    """Return the keys of those calls that take data which no trained weight has been at.

    That is sure of what begins before any trained layer, within models that train no weight of their own.

    Args:
        calls: Of a run, in the order they began.
    """
    enclosing: dict[str, tuple[str, ...]] = {}
    trained: set[str] = set()
    holders: set[str] = set()
    found = set()
    for call in calls:
        around = enclosing.get(call.key, ())
        enclosing |= {inner.key: (*around, call.key) for inner in call.inner}
        if trained <= set(around) and not holders & set(around):
            found.add(call.key)
        if isinstance(call.operation, keras.Layer) and call.operation.trainable_variables:
            trained.add(call.key)
            _, *within = keras_internals.flatten_layers(call.operation)
            inner_weights = {id(v) for layer in within for v in layer.trainable_variables}
            if any(id(v) not in inner_weights for v in call.operation.trainable_variables):
                holders.add(call.key)
    return found


def _outline(call: Call, on_data: bool, told: Set[str]) -> CallOutline:
    return CallOutline(
        key=call.key,
        path=call.path,
        type=type(call.operation).__name__,
        inner=tuple(inner.key for inner in call.inner),
        moded=_depends_on_mode(call.operation),
        functional=type(call.operation) is keras_internals.Functional,
        tensors=len(call.dtypes),
        bytes=call.bytes,
        configuration=_configuration(call.operation),
        dtypes=tuple(call.dtypes),
        on_data=on_data,
        functions=frozenset(_functions(call, told)),
    )


def _functions(call: Call, told: Set[str]) -> set[str]:
    """Return the backend's functions that a call ran, with those of calls within that are not told by themselves."""
    return call.functions.union(*(_functions(inner, told) for inner in call.inner if inner.key not in told))


def _configuration(operation: keras.Operation) -> dict[str, object]:
    """Return what a layer or an operation was made with, its numbers and texts; nothing if it cannot tell."""
    try:
        values = operation.get_config() if isinstance(operation, keras.Layer) else vars(operation)
    except Exception:  # a layer of the user's own may not be made to be saved
        return {}
    plain = (str, int, float, bool, type(None))
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if isinstance(value, plain) or (isinstance(value, list | tuple) and all(isinstance(v, plain) for v in value))
    }


def _seed_initialisers(seed: int) -> None:
    """Make what a builder draws reproducible, without importing TensorFlow, as Keras's own function does."""
    random.seed(seed)
    np.random.seed(seed)
    keras_internals.seed_initializers(seed)


def _depends_on_mode(operation: keras.Operation) -> bool:
    """Return whether an operation's own code heeds the mode."""
    if type(operation) in (keras.layers.Dense, keras.layers.EinsumDense):
        return bool(operation.quantization_mode is not None)  # else they take the argument and leave it
    only_hands_it_on = getattr(type(operation), "call", None) in (
        keras_internals.Functional.call,
        keras.Sequential.call,
    )
    return keras_internals.takes_training(operation) and not only_hands_it_on


def _asked_dtype(key: str) -> str:
    """Return what a call computes in: of one with others within, the coarsest dtype of them all."""
    calls = [current_case().calls["checked"][key]]
    dtypes = []
    while calls:
        call = calls.pop()
        calls += call.inner
        dtypes.append(_own_dtype(call))
    return max(dtypes, key=lambda dtype: UNIT_ROUNDOFF[dtype])


def _model_dtype() -> str:
    return precision.compute_dtype(current_case().models["checked"])


def _training_dtype() -> str:
    """Return the coarsest dtype of the model's layers: whole steps round as they do."""
    layers = keras_internals.flatten_layers(current_case().models["checked"])
    dtypes = {precision.compute_dtype(layer) for layer in layers}
    return max(dtypes, key=lambda dtype: UNIT_ROUNDOFF[dtype])


def _reference_plan(plan: tasks.Plan) -> tasks.Plan:
    """Return a plan as the reference runs it: eagerly, where that takes no compiling."""
    if isinstance(plan, tasks.BatchwisePlan):
        return replace(plan, whole=_reference_run(plan.whole))
    return _reference_run(plan) if isinstance(plan, tasks.FitPlan | tasks.PredictPlan) else plan


def _reference_run(plan: tasks.FitPlan | tasks.PredictPlan) -> tasks.FitPlan | tasks.PredictPlan:
    return replace(plan, eager=keras.backend.backend() != "jax")


def _runs() -> list[input_ranges.Run]:
    """Return what runs the model that is asked about in inference mode; where numbers are coarse, both models."""

    def run(kind: str, inputs: Structure) -> Structure:
        with _running(kind, CallStack()), keras.StatelessScope():
            model = current_case().models[kind]
            return model(pack(model, inputs), training=False)

    coarse = UNIT_ROUNDOFF[_training_dtype()] > UNIT_ROUNDOFF["float32"]
    kinds = [kind for kind in (KINDS if coarse else KINDS[1:]) if kind in current_case().models]
    return [functools.partial(run, kind) for kind in kinds]


def _spoil(stack: CallStack, nudge: Nudge) -> None:
    """Let each layer within a run round, too: a normalisation behind it, or an optimiser, may magnify that."""
    if keras.backend.backend() == "jax":  # it would compile the model anew; the others' measures do without
        return
    stack.spoil_results(lambda tensor, place: perturb_tensor(tensor, nudge.size, [nudge.seed, *place.encode()]))


def _rounding_means(nudge: Nudge | None, alone: bool = False) -> contextlib.AbstractContextManager[None]:
    """Return what lets the means of single values round; of what JAX has compiled, only a call `alone` heeds it."""
    if nudge is None or (keras.backend.backend() == "jax" and not alone):
        return contextlib.nullcontext()
    return rounded_means(nudge.size)


def _own_dtype(call: Call) -> str:
    floats = [dtype for dtype in call.dtypes if dtype in UNIT_ROUNDOFF]
    if isinstance(call.operation, keras.Layer) or not floats:
        return precision.compute_dtype(call.operation)
    # An operation has no policy: it computes in what it is given.
    return max(floats, key=lambda dtype: UNIT_ROUNDOFF[dtype])


def _run_plan(kind: str, plan: tasks.Plan, nudge: Nudge | None) -> Results | Raised:
    case = current_case()
    if (missing := case.why_missing(kind)) is not None:
        return missing
    model = case.models[kind]
    variables = _weights(model)
    trained = [variable.trainable for variable in variables]
    before = [to_value(variable.value).array for variable in variables]
    stack = CallStack()
    try:
        if nudge is not None and isinstance(plan, WHOLE):
            floats = [value.dtype.kind == "f" and moved for value, moved in zip(before, trained, strict=True)]
            moved = [perturb(value, nudge) if yes else value for value, yes in zip(before, floats, strict=True)]
            _assign(kind, variables, moved)
            _spoil(stack, nudge)
        rounding = _rounding_means(nudge if isinstance(plan, WHOLE) else None)
        with _running(kind, stack), rounding, restoring.other_optimizers_restored(model):
            return _RUN[type(plan)](model, plan, nudge, case.compiled[kind])
    except Exception as error:
        return describe_error(error, stack.failed_at)
    finally:
        _assign(kind, variables, before)
        restoring.reset_states(model)


def _select(found: list[Results | Raised], quantities: list[Quantity]) -> Neighbours:
    computed = [values for values in found if not isinstance(values, Raised)]
    return {q: [values[q].array for values in computed if q in values] for q in quantities}


def _largest_moves(exact: Results | Raised, nudged: list[Results | Raised]) -> dict[Quantity, float]:
    """Return, by quantity, how far the nudged results lie from the exact one at most."""
    moves: dict[Quantity, float] = {}
    for results in nudged:
        if isinstance(exact, Raised) or isinstance(results, Raised):
            continue
        for quantity, value in exact.items():
            other = results.get(quantity)
            if value.array.dtype.kind == "f" and other is not None and other.array.shape == value.array.shape:
                with np.errstate(invalid="ignore"):
                    move = np.abs(other.array - value.array)
                largest = float(np.max(move, initial=0.0, where=np.isfinite(move)))
                moves[quantity] = max(moves.get(quantity, 0.0), largest)
    return moves


def _precision(kind: str) -> contextlib.AbstractContextManager[None]:
    return precision.reference_precision() if kind == "reference" else precision.checked_precision(current_case().dtype)


@contextlib.contextmanager
def _running(kind: str, stack: CallStack) -> Iterator[None]:
    with _precision(kind), watching(stack), shared_randomness(current_case().seed, stack.next_draw):
        yield


@contextlib.contextmanager
def _nudged(kind: str, call: Call, nudge: Nudge | None) -> Iterator[None]:
    """Perturb the weights of a call's layer for a while."""
    variables = [v for v in getattr(call.operation, "variables", ()) if keras.backend.is_float_dtype(v.dtype)]
    if nudge is None or not variables:
        yield
        return
    kept = [to_value(v.value).array for v in variables]
    _assign(kind, variables, [perturb(value, nudge) for value in kept])
    try:
        yield
    finally:
        _assign(kind, variables, kept)


def _assign(kind: str, variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    with _precision(kind):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(to_tensor(value, variable.dtype))


def _weights(model: keras.Model) -> list[keras.Variable]:
    """The model's variables, without the states of random-number generators, which a check does not use."""
    return [variable for variable in model.variables if not is_random_state(variable)]


def _regularizer_of(variable: keras.Variable) -> str:
    regularizer = getattr(variable, "regularizer", None)
    return "" if regularizer is None or not variable.trainable else type(regularizer).__name__


def _owners(model: keras.Model) -> dict[int, tuple[str, bool]]:
    """Return, by a variable's identity, the class of the innermost layer that has it, and whether `adapt` sets it."""
    owners: dict[int, tuple[str, bool]] = {}
    for layer in keras_internals.flatten_layers(model):  # outer ones come first
        if layer is not model:
            adapts = hasattr(layer, "adapt")
            owners |= {id(v): (type(layer).__name__, adapts and not v.trainable) for v in layer.variables}
    return owners
