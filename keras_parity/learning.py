"""The parts of training, each run alone within a worker on inputs that all backends share; and whole training steps."""

import contextlib
import importlib
import os
import sys
import tempfile

import keras
import numpy as np
from keras import ops, tree
from keras.src import backend
from keras.src.utils import module_utils

from keras_parity.autodiff import evaluate
from keras_parity.errors import UsageError, quote
from keras_parity.inputs import pack, pack_targets
from keras_parity.outline import Value
from keras_parity.randomness import is_random_state, keyed_generator
from keras_parity.replay import perturb, to_tensor, to_value, variable_names

# What weights are scaled by for the optimiser's check: about the size that its moves have.
WEIGHTS_OVER_MOVES = 2.0**-10


def run_loss(model, plan: dict, nudge, compiled: dict) -> dict[str, Value]:
    """Return a loss's value and its gradient with respect to the predictions, for each output.

    Args:
        model: Not used: the loss is a function of the predictions alone.
        plan: `loss` (what names it), `outputs` and `targets` (an array for each output).
        nudge: Relative size and seed of a perturbation of the predictions, or None.
        compiled: Keeps what was compiled for this model.
    """
    found = {}
    for i, (output, target) in enumerate(zip(plan["outputs"], plan["targets"], strict=True)):
        loss = resolve("losses", plan["loss"])
        target = _target_tensor(target)

        def value_of(arguments, target, loss=loss):
            return {"value": ops.mean(loss(target, arguments[0]))}, {}

        prediction = to_tensor(_nudge(output, nudge), keras.config.floatx())
        results, _, (gradient,) = evaluate(
            value_of, [prediction], target, _ones, compiled, ("loss", repr(plan["loss"]))
        )
        label = "" if len(plan["outputs"]) == 1 else f"[{i}]"
        found[f"value{label}"] = to_value(results["value"])
        if gradient is not None:
            found[f"gradient of prediction{label}"] = to_value(gradient)
    return found


def run_metric(model, plan: dict, nudge, compiled: dict) -> dict[str, Value]:
    """Return a metric's result after two updates, and its variables; arguments as in `run_loss`, with `metric`."""
    found = {}
    for i, (output, target) in enumerate(zip(plan["outputs"], plan["targets"], strict=True)):
        metric = resolve("metrics", plan["metric"])
        prediction = to_tensor(_nudge(output, nudge), keras.config.floatx())
        update, result = _metric_functions(
            metric, prediction, _target_tensor(target), compiled, ("metric", repr(plan["metric"]), i)
        )
        update()
        update()
        label = "" if len(plan["outputs"]) == 1 else f"[{i}]"
        results = result()
        for name, value in (results if isinstance(results, dict) else {"result": results}).items():
            found[f"{name}{label}"] = to_value(ops.convert_to_tensor(value))
    return found


def run_optimizer(model, plan: dict, nudge, compiled: dict) -> dict[str, Value]:
    """Apply an optimiser to the model's weights, with gradients that all backends share.

    Their sizes lie between 1e-6 and 1, evenly on a logarithmic scale, with a few exact zeros: an epsilon shows on small
    ones alone.

    Args:
        model: Whose weights are moved.
        plan: `optimizer`, `steps`, `seed` and `portion`: which one of how many portions of the weights.
        nudge: Relative size and seed of a perturbation of the gradients, or None.
        compiled: Keeps what was compiled for this model.

    Returns:
        For each weight its whole move (`update of NAME`) and where it ended (`NAME after updates`); `slot NAME` for the
        optimiser's own variables.
    """
    optimizer = resolve("optimizers", plan["optimizer"])
    which, count = plan["portion"]
    variables = model.trainable_variables[which::count]
    optimizer.build(variables)
    for variable in variables:  # near zero, so that the weights' own rounding does not hide that of their moves
        variable.assign(variable.value * WEIGHTS_OVER_MOVES)
    apply = _applying(optimizer, variables, compiled, ("optimizer", repr(plan["optimizer"]), which))
    names = variable_names(variables)
    before = [to_value(v.value).array for v in variables]
    for step in range(plan["steps"]):
        gradients = []
        for variable in variables:
            generator = keyed_generator(plan["seed"], "gradient", variable.path, step)
            values = generator.choice([-1.0, 1.0], variable.shape) * 10 ** generator.uniform(-6, 0, variable.shape)
            values = np.where(generator.random(variable.shape) < 0.02, 0.0, values)
            gradients.append(to_tensor(_nudge(values.astype(np.float32).astype(np.float64), nudge), variable.dtype))
        apply(gradients)
    found = {}
    for name, variable, old in zip(names, variables, before, strict=True):
        value = to_value(variable.value)
        found[f"update of {name}"] = Value(value.array - old, value.dtype)
        found[f"{name} after updates"] = value
    found |= _slots(optimizer)
    return found


def run_steps(model, plan: dict, nudge, compiled: dict) -> dict[str, Value]:
    """Train with Keras's own `train_on_batch`.

    Args:
        model: What to train.
        plan: `optimizer`, `loss`, `metrics` and `batches`, a list of `(inputs, targets)`.
        nudge: Relative size and seed of a perturbation of the inputs, or None.
        compiled: Not used: Keras compiles its own step.

    Returns:
        After each step what Keras reports (`loss after step 1` …), and at the end all variables.
    """
    loss = resolve("losses", plan["loss"])
    metrics = [resolve("metrics", metric) for metric in plan["metrics"]]
    eager = keras.backend.backend() != "jax"  # compiling pays on JAX alone, for a few steps
    model.compile(resolve("optimizers", plan["optimizer"]), loss=loss, metrics=metrics, run_eagerly=eager)
    found = {}
    for step, (inputs, targets) in enumerate(plan["batches"], start=1):
        if nudge is not None:
            inputs = tree.map_structure(lambda leaf: _nudge(leaf, nudge), inputs)
        targets = pack_targets(model, inputs, [_target_tensor(target) for target in targets])
        logs = model.train_on_batch(pack(model, inputs), targets, return_dict=True)
        for name, value in logs.items():
            found[f"{name} after step {step}"] = to_value(to_tensor(np.asarray(value), keras.config.floatx()))
    variables = [variable for variable in model.variables if not is_random_state(variable)]
    for name, variable in zip(variable_names(variables), variables, strict=True):
        found[f"{name} after training"] = to_value(variable.value)
    return found | _slots(model.optimizer)


def save_to_bytes(model: keras.Model) -> bytes:
    """Return the contents of the model's `.keras` file."""
    with tempfile.TemporaryDirectory() as folder, _without_tensorflow():
        path = os.path.join(folder, "model.keras")
        model.save(path)
        with open(path, "rb") as file:
            return file.read()


def load_from_bytes(contents: bytes) -> keras.Model:
    """Return the model of a `.keras` file's contents, written by another backend from the same source."""
    with tempfile.TemporaryDirectory() as folder, _without_tensorflow():
        path = os.path.join(folder, "model.keras")
        with open(path, "wb") as file:
            file.write(contents)
        return keras.saving.load_model(path, compile=False)


def resolve(kind: str, what):
    """Return the loss, metric or optimiser that `what` names: Keras's identifier, or `module:function`.

    Raises:
        UsageError: If it names none.
    """
    try:
        if isinstance(what, str) and ":" in what:
            module, _, name = what.partition(":")
            if os.getcwd() not in sys.path:  # the user's, where modules are looked for as the model's are
                sys.path.insert(0, os.getcwd())
            made = getattr(importlib.import_module(module), name)
            return made() if isinstance(made, type) or kind == "optimizers" else made
        if isinstance(what, dict) and "module" not in what:
            what = {"module": f"keras.{kind}", "registered_name": None, **what}
        return getattr(keras, kind).get(what)
    except Exception as error:
        raise UsageError(f"{kind}: {quote(str(what), 80)} names none ({quote(error, 200)})") from error


@contextlib.contextmanager
def _without_tensorflow():
    """Keep Keras from importing TensorFlow, for seconds, only to ask whether a saved value is a `tf.TensorShape`."""
    if "tensorflow" in sys.modules:
        yield
        return
    module_utils.tensorflow._available = False
    try:
        yield
    finally:
        module_utils.tensorflow._available = None


def _metric_functions(metric, prediction, target, compiled: dict, key):
    if not isinstance(metric, keras.metrics.Metric):
        return lambda: None, lambda: ops.mean(metric(target, prediction))
    if keras.backend.backend() != "jax" or not metric.variables:  # some make theirs when they see the first batch
        return lambda: metric.update_state(target, prediction), metric.result
    import jax

    functions = metric.stateless_update_state, metric.stateless_result
    step, result = compiled.setdefault(key, tuple(map(jax.jit, functions)))

    def update():
        for variable, value in zip(metric.variables, step(_values(metric), target, prediction), strict=True):
            variable.assign(value)

    return update, lambda: result(_values(metric))


def _values(owner) -> list:
    return [variable.value for variable in owner.variables]


def _applying(optimizer, variables: list, compiled: dict, key):
    """Return a function that lets the optimiser move the variables by given gradients.

    Args:
        optimizer: Built for them.
        variables: What it moves.
        compiled: Keeps what was compiled.
        key: What the optimiser is known by in there.
    """
    if keras.backend.backend() != "jax":
        return lambda gradients: optimizer.apply(gradients, variables)
    import jax

    step = compiled.setdefault(key, jax.jit(optimizer.stateless_apply))

    def apply(gradients):
        values, slots = step(_values(optimizer), gradients, [v.value for v in variables])
        for variable, value in zip((*variables, *optimizer.variables), (*values, *slots), strict=True):
            variable.assign(value)

    return apply


def _ones(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape)


def _target_tensor(target: np.ndarray):
    return to_tensor(target, keras.config.floatx() if target.dtype.kind == "f" else target.dtype.name)


def _nudge(array, nudge):
    return array if nudge is None or not isinstance(array, np.ndarray) else perturb(array, *nudge)


def _slots(optimizer) -> dict[str, Value]:
    # Without the names of optimisers in front, which count up within a process.
    floats = [v for v in optimizer.variables if backend.is_float_dtype(v.dtype)]
    return {f"slot {v.path.rpartition('/')[2]}": to_value(v.value) for v in floats}
