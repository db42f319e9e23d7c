"""What a worker does for a check, one function per stage; the parent calls them by name.

A worker holds one case at a time: the model built twice, in float64 (`reference`) and in the dtype that the check is
about (`checked`), with the same weights.
"""

import contextlib
import itertools
import random
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import tree
from keras.src import backend
from keras.src.backend.common import global_state
from keras.src.models.functional import Functional
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
from keras.src.utils.rng_utils import GLOBAL_RANDOM_SEED

from keras_parity import learning, precision
from keras_parity.capture import Call, CallStack, is_tensor, record, watching
from keras_parity.compiled_programs import forget_compiled_programs, keep_compiled_programs
from keras_parity.errors import quote
from keras_parity.inputs import build_layers, count_activations, describe_inputs, pack
from keras_parity.memory import give_back_freed_memory
from keras_parity.outline import Description, Ran, Study, Value
from keras_parity.randomness import is_random_state, shared_randomness
from keras_parity.replay import perturb, perturb_tensor, replay, to_tensor, to_value, variable_names
from keras_parity.rounding import UNIT_ROUNDOFF, round_to
from keras_parity.source import ModelSource, build_model

KINDS = ("reference", "checked")
# OpenVINO computes in float32 whatever it is told.
NO_FLOAT64 = "no float64 result to be had"

keep_compiled_programs()


@dataclass
class _Case:
    dtype: str
    seed: int
    models: dict[str, keras.Model] = field(default_factory=dict)
    calls: dict[str, dict[str, Call]] = field(default_factory=dict)
    compiled: dict[str, dict] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    patches: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


_case: _Case | None = None
# What is freed has to be read or compiled again, if it is Keras's common small change.
CASES_BETWEEN_CLEANINGS = 20
_closed = itertools.count(1)


def open_case(source: ModelSource, dtype: str, seed: int, patch=None, example=None) -> Description:
    """Build the model in both precisions and describe it.

    Args:
        source: What to build.
        dtype: The dtype policy that the check is about.
        seed: Of the check.
        patch: A function that returns a context manager to enter first: a test of the engine plants a fault so.
        example: Inputs to build a model by calling it; None where it needs none.
    """
    global _case
    close_case()
    _case = _Case(dtype, seed)
    if patch is not None:
        _case.patches.enter_context(patch())
    stack = CallStack()
    stack.start_at(None)  # the layers that a functional model is built of are called one by one
    try:
        for kind in KINDS:
            # Automatic names count up within a process: start anew, so that they are the same everywhere.
            keras.utils.clear_session(free_memory=False)
            _seed_initialisers(seed)
            # Shared draws spare JAX a compilation for each shape of weights.
            with _precision(kind), watching(stack), shared_randomness(seed, stack.next_draw):
                _case.models[kind] = model = build_model(source)
                build_layers(model, example)
    except Exception as error:
        return Description("", None, [], [], [], error=(stack.failed_at or "", first_line(error)))
    reference, checked = (_weights(_case.models[kind]) for kind in KINDS)
    return Description(
        name=model.name,
        inputs=describe_inputs(model),
        weights=[(w.path, tuple(w.shape), c.dtype) for w, c in zip(reference, checked, strict=True)],
        initial=[to_value(w.value).array for w in reference],
        trainable=[bool(w.trainable) for w in reference],
        bytes_per_example=8 * count_activations(_case.models["reference"]),
    )


def close_case() -> None:
    """Forget the case and take its patches off."""
    global _case
    if _case is not None:
        _case.patches.close()
        _case = None
        keras.utils.clear_session(free_memory=False)
        if next(_closed) % CASES_BETWEEN_CLEANINGS == 0:
            forget_compiled_programs()


def release_memory() -> None:
    """Give back to the system what can be made again, as compiled programs, and what was freed."""
    for kept in _case.compiled.values():
        kept.clear()
    forget_compiled_programs()
    give_back_freed_memory()


def forget_calls() -> None:
    """Forget the calls of the last run, and with them what they took."""
    _case.calls.clear()


def set_weights(values: list[np.ndarray]) -> None:
    """Give both models the same weights."""
    for kind in KINDS:
        _assign(kind, _weights(_case.models[kind]), values)


def run_model(inputs, training: bool, keep: bool) -> Ran:
    """Run the whole model in both precisions, and remember each call in it.

    Args:
        inputs: A list of arrays in the order of the model's flattened inputs, or the structure to call it with.
        training: The mode.
        keep: Whether to remember what the calls of the reference model took, too, for `call_inputs`.
    """
    failed_at, errors = None, {}
    stored = "float64" if _case.dtype == "float64" else "float32"  # no other dtype needs more
    for kind in KINDS:
        if kind == "reference" and keras.backend.backend() == "openvino":
            _case.calls[kind], errors[kind] = {}, NO_FLOAT64
            continue
        model = _case.models[kind]
        wanted = stored if keep and kind == "reference" else None
        with _running(kind, CallStack()):
            recorded, layer, error = record(model, pack(model, inputs), training, wanted, _case.compiled[kind])
        if error is not None:
            failed_at, errors[kind] = layer, first_line(error)
        _case.calls[kind] = {call.key: call for call in recorded}
    calls = [
        {
            "key": call.key,
            "path": call.path,
            "type": type(call.operation).__name__,
            "inner": [inner.key for inner in call.inner],
            "moded": _depends_on_mode(call.operation),
            "functional": type(call.operation) is Functional,
            "tensors": len(call.dtypes),
            "bytes": call.bytes,
        }
        for call in _case.calls["checked"].values()
        # An operation made within a call gets another name in each run: it is taken with the call around it.
        if call.key in _case.calls["reference"] or "reference" in errors
    ]
    if "checked" in errors:
        return Ran(calls, failed_at, errors["checked"])
    return Ran(calls, reference_error=errors.get("reference"))


def call_inputs(keys: list[str]) -> dict[str, list[np.ndarray]]:
    """Return the tensors that calls of the reference model took, floats rounded to the dtype the check is about."""
    calls = _case.calls["reference"]
    return {key: [round_to(array, _asked_dtype(key)) for array in calls[key].inputs] for key in keys}


def study_calls(
    inputs: dict[str, list[np.ndarray]], training: bool, samples: list[int], backward: bool
) -> dict[str, Study]:
    """Replay calls alone with shared inputs, in both precisions, and measure their unavoidable errors.

    Args:
        inputs: For each call's key its tensors.
        training: The mode that the calls were recorded in.
        samples: Seeds of the perturbations.
        backward: Whether gradients are wanted.
    """
    found = {}
    for key, arrays in inputs.items():
        dtype = _asked_dtype(key)
        reference = replay_call("reference", key, arrays, training, backward)
        checked = replay_call("checked", key, arrays, training, backward)
        moves = {}
        for name in {"float32", dtype}:
            nudges = [(UNIT_ROUNDOFF[name], sample) for sample in samples]
            nudged = [replay_call("reference", key, arrays, training, backward, nudge) for nudge in nudges]
            moves[name] = _largest_moves(reference, nudged)
        # Rounding does not move equal values alike: a constant less its mean is not zero, but a rounding error. Each
        # layer within a model rounds, too, and a normalisation behind it may magnify that.
        nudges = [(UNIT_ROUNDOFF[dtype], sample, False) for sample in samples[:1]]
        nudged = [replay_call("reference", key, arrays, training, backward, nudge) for nudge in nudges]
        apart = _largest_moves(reference, nudged)
        dtype_moves = {name: max(move, apart.get(name, 0.0)) for name, move in moves[dtype].items()}
        noise = {name: move * UNIT_ROUNDOFF["float64"] / UNIT_ROUNDOFF[dtype] for name, move in apart.items()}
        found[key] = Study(dtype, reference, checked, moves["float32"], dtype_moves, noise)
    return found


def replay_call(
    kind: str,
    key: str,
    arrays: list[np.ndarray],
    training: bool,
    backward: bool = True,
    nudge: tuple | None = None,
) -> dict[str, Value] | str:
    """Replay one call alone.

    Args:
        kind: Which of the two models.
        key: Which call.
        arrays: Its tensors.
        training: The mode that it was recorded in.
        backward: Whether gradients are wanted.
        nudge: Size, seed and manner of a perturbation of inputs and weights, as in `perturb`; None for none.

    Returns:
        What it computed, or the text of the exception that it raised.
    """
    if key not in _case.calls[kind]:
        return NO_FLOAT64
    call = _case.calls[kind][key]
    if nudge is not None:
        arrays = [perturb(array, *nudge) for array in arrays]
    stack = CallStack()
    # JAX would compile the model anew for it; the median of the backends' measures does without.
    if nudge is not None and nudge[2:] == (False,) and keras.backend.backend() != "jax":
        stack.spoil_results(lambda tensor, place: perturb_tensor(tensor, nudge[0], [nudge[1], *place.encode()]))
    with _running(kind, stack), _nudged(kind, call, nudge):
        try:
            return replay(call, stack, arrays, training, _case.seed, backward, _case.compiled[kind])
        except Exception as error:
            return first_line(error)


def replay_neighbours(
    key: str, arrays: list[np.ndarray], training: bool, backward: bool, nudges: list, quantities: list[str]
) -> dict[str, list[np.ndarray]]:
    """Return float64 quantities of a call at neighbouring inputs, of each as many as could be computed."""
    return _select([replay_call("reference", key, arrays, training, backward, n) for n in nudges], quantities)


def predict(inputs) -> list[np.ndarray]:
    """Return the reference model's flattened outputs in inference mode."""
    model = _case.models["reference"]
    with _running("reference", CallStack()), backend.StatelessScope():
        outputs = model(pack(model, inputs), training=False)
    return [to_value(leaf).array for leaf in tree.flatten(outputs) if is_tensor(leaf)]


def study_learning(what: str, plan: dict, samples: list[int]) -> Study:
    """Run the loss, a metric, the optimiser or whole training steps in both precisions; see `keras_parity.learning`.

    Args:
        what: `loss`, `metric`, `optimizer` or `steps`.
        plan: What to run it on.
        samples: Seeds of the perturbations that measure unavoidable errors.
    """
    dtype = precision.compute_dtype(_case.models["checked"])
    reference, checked = (_run_learning(kind, what, plan, None) for kind in KINDS)
    moves = {}
    for name in {"float32", dtype}:
        nudged = [_run_learning("reference", what, plan, (UNIT_ROUNDOFF[name], sample)) for sample in samples]
        moves[name] = _largest_moves(reference, nudged)
    return Study(dtype, reference, checked, moves["float32"], moves[dtype])


def learning_neighbours(what: str, plan: dict, nudges: list, quantities: list[str]) -> dict[str, list[np.ndarray]]:
    """Return float64 quantities of a part of training at neighbouring inputs, of each as many as could be computed."""
    return _select([_run_learning("reference", what, plan, nudge) for nudge in nudges], quantities)


def save_model() -> bytes | str:
    """Return the checked model as the bytes of a `.keras` file, or the text of the exception that saving raised."""
    try:
        return learning.save_to_bytes(_case.models["checked"])
    except Exception as error:
        return first_line(error)


def reload_model(contents: bytes, inputs) -> dict[str, Value] | str:
    """Load another backend's file and return what the model in it holds and computes, beside our own's.

    Returns:
        By `own NAME` and `loaded NAME`; or the text of the exception that loading raised.
    """
    try:
        with _running("checked", CallStack()):
            loaded = learning.load_from_bytes(contents)
            own = _case.models["checked"]
            names = variable_names(_weights(own))
            found = {}
            for origin, model in (("own", own), ("loaded", loaded)):
                # By their order: a loaded model's own name may be another.
                found |= {f"{origin} {name}": to_value(v.value) for name, v in zip(names, _weights(model), strict=True)}
                with backend.StatelessScope():
                    outputs = model(pack(model, inputs), training=False)
                leaves = [leaf for leaf in tree.flatten(outputs) if is_tensor(leaf)]
                found |= {f"{origin} output[{i}]": to_value(leaf) for i, leaf in enumerate(leaves)}
            return found
    except Exception as error:
        return first_line(error)


def first_line(error: Exception) -> str:
    """Return an exception's class and message as one line of bounded length."""
    return f"{type(error).__name__}: {quote(error, limit=400) or 'no message'}"


def _seed_initialisers(seed: int) -> None:
    """Make what a builder draws reproducible, without importing TensorFlow, as Keras's own function does."""
    random.seed(seed)
    np.random.seed(seed)
    global_state.set_global_attribute(GLOBAL_RANDOM_SEED, seed)
    global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)


def _depends_on_mode(operation) -> bool:
    """Return whether an operation's own code heeds the mode."""
    if type(operation) in (keras.layers.Dense, keras.layers.EinsumDense):
        return operation.quantization_mode is not None  # else they take the argument and leave it
    only_hands_it_on = getattr(type(operation), "call", None) in (Functional.call, keras.Sequential.call)
    return bool(getattr(operation, "_call_has_training_arg", False)) and not only_hands_it_on


def _asked_dtype(key: str) -> str:
    call = _case.calls["checked"][key]
    floats = [dtype for dtype in call.dtypes if dtype in UNIT_ROUNDOFF]
    if isinstance(call.operation, keras.Layer) or not floats:
        return precision.compute_dtype(call.operation)
    return max(floats, key=UNIT_ROUNDOFF.get)  # an operation has no policy: it computes in what it is given


def _run_learning(kind: str, what: str, plan: dict, nudge: tuple[float, int] | None) -> dict[str, Value] | str:
    variables = _weights(_case.models[kind])
    before = [to_value(variable.value).array for variable in variables]
    try:
        with _running(kind, CallStack()):
            return getattr(learning, f"run_{what}")(_case.models[kind], plan, nudge, _case.compiled[kind])
    except Exception as error:
        return first_line(error)
    finally:
        _assign(kind, variables, before)


def _select(found: list[dict[str, Value] | str], quantities: list[str]) -> dict[str, list[np.ndarray]]:
    computed = [values for values in found if isinstance(values, dict)]
    return {name: [values[name].array for values in computed if name in values] for name in quantities}


def _largest_moves(exact: dict[str, Value] | str, nudged: list[dict[str, Value] | str]) -> dict[str, float]:
    """Return, by quantity, how far the nudged results lie from the exact one at most."""
    moves: dict[str, float] = {}
    for results in nudged if isinstance(exact, dict) else ():
        for name, value in exact.items() if isinstance(results, dict) else ():
            if value.array.dtype.kind == "f" and name in results and results[name].array.shape == value.array.shape:
                with np.errstate(invalid="ignore"):
                    move = np.abs(results[name].array - value.array)
                moves[name] = max(moves.get(name, 0.0), float(np.max(move, initial=0.0, where=np.isfinite(move))))
    return moves


def _precision(kind: str):
    return precision.reference_precision() if kind == "reference" else precision.checked_precision(_case.dtype)


@contextlib.contextmanager
def _running(kind: str, stack: CallStack):
    with _precision(kind), watching(stack), shared_randomness(_case.seed, stack.next_draw):
        yield


@contextlib.contextmanager
def _nudged(kind: str, call: Call, nudge: tuple | None):
    """Perturb the weights of a call's layer for a while."""
    variables = [v for v in getattr(call.operation, "variables", ()) if backend.is_float_dtype(v.dtype)]
    if nudge is None or not variables:
        yield
        return
    kept = [to_value(v.value).array for v in variables]
    _assign(kind, variables, [perturb(value, *nudge) for value in kept])
    try:
        yield
    finally:
        _assign(kind, variables, kept)


def _assign(kind: str, variables: list, values: list[np.ndarray]) -> None:
    with _precision(kind):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(to_tensor(value, variable.dtype))


def _weights(model) -> list:
    """The model's variables, without the states of random-number generators, which a check does not use."""
    return [variable for variable in model.variables if not is_random_state(variable)]
