"""What a worker does for a check with the whole model: open it, give it weights, run it, save and reload it."""

import contextlib
import functools
import itertools
import random

import keras
import numpy as np
from keras import tree

from keras_parity.memory import give_back_freed_memory
from keras_parity.protocol import tasks
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import (
    Description,
    LearnedInputs,
    Raised,
    Ran,
    Reloaded,
    Results,
    Tried,
    WeightSpec,
)
from keras_parity.protocol.rounding import UNIT_ROUNDOFF, round_to
from keras_parity.worker import input_ranges, keras_internals, saving, training
from keras_parity.worker.building import build_model
from keras_parity.worker.capture import CallStack, is_tensor, record
from keras_parity.worker.case import (
    KINDS,
    NO_FLOAT64,
    Case,
    assign,
    call_dtype,
    current_case,
    describe_error,
    drop_case,
    hold_case,
    in_precision,
    running,
    training_dtype,
    weights_of,
)
from keras_parity.worker.compiled_programs import forget_compiled_programs, keep_compiled_programs
from keras_parity.worker.inputs import (
    build_layers,
    count_activations,
    describe_inputs,
    describe_outputs,
    own_training,
    pack,
)
from keras_parity.worker.outlining import outline_calls
from keras_parity.worker.performing import performs
from keras_parity.worker.replay import to_tensor, to_value, variable_names
from keras_parity.worker.tensors import Structure

# What is freed has to be read or compiled again, if it is Keras's common small change.
CASES_BETWEEN_CLEANINGS = 20
_closed = itertools.count(1)

keep_compiled_programs()


@performs(tasks.OpenCase)
def open_case(task: tasks.OpenCase) -> Description | Raised:
    """Build the model in both precisions and describe it, or say what building raised."""
    close_case(tasks.CloseCase())
    case = Case(task.dtype, task.seed)
    hold_case(case)
    if task.patch is not None:
        case.patches.enter_context(task.patch())
    for kind in KINDS:
        error = _build(case, kind, task)
        if error is not None and kind == "checked":
            return error
        if error is not None:
            case.unbuilt = error
    checked, model = case.models["checked"], case.models[case.finest]
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
            for w, c in zip(weights_of(model), weights_of(checked), strict=True)
        ],
        initial=[to_value(w.value).array for w in weights_of(model)],
        bytes_per_example=8 * count_activations(model),
        outputs=describe_outputs(model),
        compiled=bool(getattr(model, "compiled", False)),
        own_step=own_training(model),
        own_losses=training.own_losses(model),
    )


def _build(case: Case, kind: str, task: tasks.OpenCase) -> Raised | None:
    """Build one of the two models; return what that raised."""
    stack = CallStack()
    stack.start_at(None)  # the layers that a functional model is built of are called one by one
    # Automatic names count up within a process: start anew, so that they are the same everywhere.
    keras.utils.clear_session(free_memory=False)
    _seed_initialisers(task.seed)
    try:
        # Shared draws spare JAX a compilation for each shape of weights.
        with running(kind, stack):
            model = build_model(task.source)
            build_layers(model, task.example)
    except Exception as error:
        return describe_error(error, stack.failed_at)
    case.models[kind] = model
    case.compiled[kind][training.RUN_EAGERLY] = model.run_eagerly
    return None


def _seed_initialisers(seed: int) -> None:
    """Make what a builder draws reproducible, without importing TensorFlow, as Keras's own function does."""
    random.seed(seed)
    np.random.seed(seed)
    keras_internals.seed_initializers(seed)


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


@performs(tasks.CloseCase)
def close_case(task: tasks.CloseCase) -> None:
    """Forget the case, take its patches off, and set what the model's code has set back."""
    if drop_case():
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
        assign(kind, weights_of(model), task.values)
        with in_precision(kind):
            for layer in keras_internals.flatten_layers(model):
                if isinstance(layer, keras.layers.Normalization):
                    layer.finalize_state()


@performs(tasks.ConstrainWeights)
def constrain_weights(task: tasks.ConstrainWeights) -> list[np.ndarray]:
    """Return values for the weights as their constraints leave them; one that raises leaves a value as it is."""
    found, kind = list(task.values), current_case().finest
    with in_precision(kind):
        for i, variable in enumerate(weights_of(current_case().models[kind])):
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


def _runs() -> list[input_ranges.Run]:
    """Return what runs the model that is asked about in inference mode; where numbers are coarse, both models."""

    def run(kind: str, inputs: Structure) -> Structure:
        with running(kind, CallStack()), keras.StatelessScope():
            model = current_case().models[kind]
            return model(pack(model, inputs), training=False)

    coarse = UNIT_ROUNDOFF[training_dtype()] > UNIT_ROUNDOFF["float32"]
    kinds = [kind for kind in (KINDS if coarse else KINDS[1:]) if kind in current_case().models]
    return [functools.partial(run, kind) for kind in kinds]


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
        with running(kind, CallStack()):
            found = record(model, pack(model, task.inputs), task.training, wanted, case.compiled[kind])
        if found.error is not None:
            errors[kind] = describe_error(found.error, found.failed_at)
        case.eager.discard(kind)
        if found.uncompiled is not None:
            case.eager.add(kind)
            uncompiled = describe_error(found.uncompiled)
        case.calls[kind] = {call.key: call for call in found.calls}
    # An operation made within a call gets another name in each run: it is taken with the call around it.
    told = case.calls["checked"].keys() & case.calls["checked" if "reference" in errors else "reference"].keys()
    calls = outline_calls(list(case.calls["checked"].values()), told)
    reference_raised = None if "checked" in errors else errors.get("reference")
    return Ran(calls, errors.get("checked"), reference_raised, uncompiled)


@performs(tasks.CallInputs)
def call_inputs(task: tasks.CallInputs) -> dict[str, list[np.ndarray]]:
    """Return the tensors that calls of the reference model took, floats rounded to the dtype the check is about.

    Of a call that the reference did not come to, since it raised before, it is those of the other model.
    """
    case = current_case()
    calls = case.calls["checked"] | {k: c for k, c in case.calls["reference"].items() if c.inputs or not c.dtypes}
    return {key: [round_to(array, call_dtype(key)) for array in calls[key].inputs] for key in task.keys}


@performs(tasks.Predict)
def predict(task: tasks.Predict) -> list[np.ndarray]:
    """Return the reference model's flattened outputs in inference mode; the other's where it raises or is not there."""

    def run(kind: str) -> list[np.ndarray]:
        model = current_case().models[kind]
        with running(kind, CallStack()), keras.StatelessScope():
            outputs = model(pack(model, task.inputs), training=False)
        return [to_value(leaf).array for leaf in tree.flatten(outputs) if is_tensor(leaf)]

    try:
        return run(current_case().finest)
    except Exception:
        return run("checked")


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
        with running("checked", CallStack()):
            loaded = saving.load_from_bytes(task.contents)
            own = current_case().models["checked"]
            names = variable_names(weights_of(own))
            count = len(weights_of(loaded))
            if count != len(names):  # layers that were built by a call may have been left without their weights
                return Raised(f"the loaded model holds {count} weights, not the {len(names)} that were saved")
            return Reloaded(*(_contents(model, names, task.inputs) for model in (own, loaded)))
    except Exception as error:
        return describe_error(error)


def _contents(model: keras.Model, names: list[str], inputs: Structure) -> Results:
    """Return a model's weights and what it computes; the weights by their order: its own name may be another."""
    found: Results = {
        Quantity(Kind.WEIGHT, name): to_value(v.value) for name, v in zip(names, weights_of(model), strict=True)
    }
    with keras.StatelessScope():
        outputs = model(pack(model, inputs), training=False)
    leaves = [leaf for leaf in tree.flatten(outputs) if is_tensor(leaf)]
    return found | {Quantity(Kind.OUTPUT, f"[{i}]"): to_value(leaf) for i, leaf in enumerate(leaves)}
