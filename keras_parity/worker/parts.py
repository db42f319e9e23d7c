"""The parts of training, each run alone within a worker on inputs that all backends share."""

import copy
import importlib
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_parity.errors import UsageError, quote
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Results, Value
from keras_parity.protocol.source import PickledObject
from keras_parity.protocol.tasks import LossPlan, MetricPlan, Nudge, OptimizerPlan, RegularizerPlan
from keras_parity.worker.autodiff import evaluate
from keras_parity.worker.inputs import describe_outputs
from keras_parity.worker.randomness import keyed_generator
from keras_parity.worker.replay import perturb, to_tensor, to_value, variable_names
from keras_parity.worker.tensors import Compiled, Tensor

# What weights are scaled by for the optimiser's check: about the size that its moves have.
WEIGHTS_OVER_MOVES = 2.0**-10


def run_loss(model: keras.Model, plan: LossPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Return a loss's value and its gradient with respect to the predictions, for each output.

    Args:
        model: Gives the outputs' names; the loss is a function of the predictions alone.
        plan: The loss, and what it is given.
        nudge: A perturbation of the predictions, or None.
        compiled: Keeps what was compiled for this model.
    """
    found: Results = {}
    losses = plan.losses
    names = describe_outputs(model) or [str(i) for i in range(len(plan.outputs))]
    examples = for_each_output(plan.sample_weight, names)
    for i, (output, target) in enumerate(zip(plan.outputs, plan.targets, strict=True)):
        if losses[i] is None:
            continue
        loss = resolve("losses", losses[i])
        target = target_tensor(target)

        def value_of(
            arguments: list[Tensor], target: Tensor, loss: Any = loss, counts: Any = examples[i]
        ) -> tuple[dict[Quantity, Tensor], dict[Quantity, Tensor]]:
            return {Quantity(Kind.LOSS): mean_loss(loss, target, arguments[0], counts)}, {}

        prediction = to_tensor(_nudge(output, nudge), keras.config.floatx())
        results, _, gradients = evaluate(value_of, [prediction], target, _ones, compiled, ("loss", i, repr(losses[i])))
        label = "" if len(plan.outputs) == 1 else f"[{i}]"
        found[Quantity(Kind.LOSS, label)] = to_value(results[Quantity(Kind.LOSS)])
        for gradient in gradients or ():  # of the prediction
            if gradient is not None:
                found[Quantity(Kind.GRADIENT, f"prediction{label}")] = to_value(gradient)
    return found


def run_metric(model: keras.Model, plan: MetricPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Return a metric's result after two updates; arguments as in `run_loss`."""
    found: Results = {}
    for i, (output, target) in enumerate(zip(plan.outputs, plan.targets, strict=True)):
        metric = resolve_metric(plan.metric, target, output)
        prediction = to_tensor(_nudge(output, nudge), keras.config.floatx())
        update, result = _metric_functions(
            metric, prediction, target_tensor(target), compiled, ("metric", repr(plan.metric), i)
        )
        update()
        update()
        label = "" if len(plan.outputs) == 1 else f"[{i}]"
        results = result()
        for name, value in (results if isinstance(results, dict) else {"result": results}).items():
            found[Quantity(Kind.METRIC, f"{name}{label}")] = to_value(ops.convert_to_tensor(value))
    return found


def run_optimizer(model: keras.Model, plan: OptimizerPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Apply an optimiser to the model's weights, with gradients that all backends share.

    Their sizes lie between 1e-6 and 1, evenly on a logarithmic scale, with a few exact zeros: an epsilon shows on small
    ones alone.

    Args:
        model: Whose weights are moved.
        plan: The optimiser, its steps, and the portion of the weights.
        nudge: A perturbation of the gradients, or None.
        compiled: Keeps what was compiled for this model.

    Returns:
        For each weight its whole move and where it ended; the optimiser's own variables.
    """
    optimizer = resolve("optimizers", plan.optimizer)
    which, count = plan.portion
    variables = model.trainable_variables[which::count]
    optimizer.build(variables)
    for variable in variables:  # near zero, so that the weights' own rounding does not hide that of their moves
        variable.assign(variable.value * WEIGHTS_OVER_MOVES)
    apply = _applying(optimizer, variables, compiled, ("optimizer", repr(plan.optimizer), which))
    names = variable_names(variables)
    before = [to_value(v.value).array for v in variables]
    for step in range(plan.steps):
        gradients = []
        for variable in variables:
            generator = keyed_generator(plan.seed, "gradient", variable.path, step)
            values = generator.choice([-1.0, 1.0], variable.shape) * 10 ** generator.uniform(-6, 0, variable.shape)
            values = np.where(generator.random(variable.shape) < 0.02, 0.0, values)
            gradients.append(to_tensor(_nudge(values.astype(np.float32).astype(np.float64), nudge), variable.dtype))
        apply(gradients)
    found: Results = {}
    for name, variable, old in zip(names, variables, before, strict=True):
        value = to_value(variable.value)
        found[Quantity(Kind.UPDATE, name)] = Value(value.array - old, value.dtype)
        found[Quantity(Kind.AFTER_UPDATES, name)] = value
    found |= slots_of(optimizer)
    return found


def run_regularizer(model: keras.Model, plan: RegularizerPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Return a weight's penalty and its gradient.

    Args:
        model: Whose weight it is.
        plan: Which one, and at which values.
        nudge: A perturbation of the weight, or None.
        compiled: Not used: so small a function is not compiled.
    """
    found: Results = {}
    for variable in (v for v in model.trainable_variables if v.path == plan.path):
        values = to_value(variable.value).array
        weight = to_tensor(_nudge(np.zeros_like(values) if plan.zero else values, nudge), variable.dtype)

        def penalty_of(
            arguments: list[Tensor], fixed: Any, variable: keras.Variable = variable
        ) -> tuple[dict[Quantity, Tensor], dict[Quantity, Tensor]]:
            return {Quantity(Kind.LOSS): ops.sum(variable.regularizer(arguments[0]))}, {}

        results, _, gradients = evaluate(penalty_of, [weight], (), _ones, None, plan.path)
        found[Quantity(Kind.LOSS)] = to_value(results[Quantity(Kind.LOSS)])
        for gradient in gradients or ():  # of the weight
            if gradient is not None:
                found[Quantity(Kind.GRADIENT, variable.name)] = to_value(gradient)
    return found


def resolve(kind: str, what: Any) -> Any:
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
        if isinstance(what, PickledObject):
            return pickle.loads(what.kind).from_config(copy.deepcopy(what.config))
        if isinstance(what, dict) and "module" not in what:
            what = {"module": f"keras.{kind}", "registered_name": None, **what}
        return getattr(keras, kind).get(copy.deepcopy(what))
    except Exception as error:
        raise UsageError(f"{kind}: {quote(str(what), 80)} names none ({quote(error, 200)})") from error


def resolve_all(what: Any, names: list[str]) -> list[Any]:
    """Return the loss of each output, None for one that has none.

    Args:
        what: One for all, or a list or a dictionary by the outputs' names.
        names: Of the outputs, in order.
    """
    if isinstance(what, dict) and "class_name" not in what:
        each = [what.get(name) for name in names]
    else:
        each = list(what) if isinstance(what, list | tuple) else [what] * len(names)
    return [None if one is None else resolve("losses", one) for one in each]


def for_each_output(sample_weight: Any, names: list[str]) -> list[Any]:
    """Return the examples' weights for each output: its own, by its name or its place, or those of all."""
    if isinstance(sample_weight, dict):
        return [sample_weight.get(name) for name in names]
    if isinstance(sample_weight, list | tuple):
        return list(sample_weight)
    return [sample_weight] * len(names)


def mean_loss(loss: Any, target: Tensor, output: Tensor, examples: Any) -> Tensor:
    """Return a loss as `compile` takes it, of a function, too: a mean that heeds masks and examples' weights."""
    if not isinstance(loss, keras.losses.Loss):
        function, loss = loss, keras.losses.Loss()
        loss.call = function
    return ops.mean(loss(target, output, sample_weight=examples))


def resolve_metric(what: Any, target: np.ndarray, output: np.ndarray) -> Any:
    """Return a metric; "accuracy" and "crossentropy" become what `compile` takes them for, by the arrays' shapes."""
    name = {"acc": "accuracy", "ce": "crossentropy"}.get(what, what) if isinstance(what, str) else None
    if name not in ("accuracy", "crossentropy"):
        return resolve("metrics", what)
    if output.ndim and output.shape[-1] == 1:
        kind = "binary"
    else:
        kind = "categorical" if target.shape == output.shape else "sparse_categorical"
    return resolve("metrics", f"{kind}_{name}")


def _metric_functions(
    metric: Any, prediction: Tensor, target: Tensor, compiled: Compiled, key: tuple[Any, ...]
) -> tuple[Callable[[], None], Callable[[], Any]]:
    """Return what updates a metric, and what tells its result."""
    if not isinstance(metric, keras.metrics.Metric):
        return lambda: None, lambda: ops.mean(metric(target, prediction))
    if keras.backend.backend() != "jax" or not metric.variables:  # some make theirs when they see the first batch
        return lambda: metric.update_state(target, prediction), metric.result
    import jax

    functions = metric.stateless_update_state, metric.stateless_result
    step, result = compiled.setdefault(key, tuple(map(jax.jit, functions)))

    def update() -> None:
        for variable, value in zip(metric.variables, step(_values(metric), target, prediction), strict=True):
            variable.assign(value)

    return update, lambda: result(_values(metric))


def _values(owner: keras.metrics.Metric | keras.optimizers.Optimizer) -> list[Tensor]:
    return [variable.value for variable in owner.variables]


def _applying(
    optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable], compiled: Compiled, key: tuple[Any, ...]
) -> Callable[[list[Tensor]], None]:
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

    def apply(gradients: list[Tensor]) -> None:
        values, slots = step(_values(optimizer), gradients, [v.value for v in variables])
        for variable, value in zip((*variables, *optimizer.variables), (*values, *slots), strict=True):
            variable.assign(value)

    return apply


def _ones(quantity: Quantity, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape)


def target_tensor(target: np.ndarray) -> Tensor:
    """Return targets as a tensor: floats in floatx, whole numbers as they are."""
    return to_tensor(target, keras.config.floatx() if target.dtype.kind == "f" else target.dtype.name)


def _nudge(array: Any, nudge: Nudge | None) -> Any:
    return array if nudge is None or not isinstance(array, np.ndarray) else perturb(array, nudge)


def slots_of(optimizer: keras.optimizers.Optimizer) -> Results:
    """Return an optimiser's own float variables."""
    # Without the names of optimisers in front, which count up within a process.
    floats = [v for v in optimizer.variables if keras.backend.is_float_dtype(v.dtype)]
    names = [v.path.rpartition("/")[2] for v in floats]
    return {
        Quantity(Kind.SLOT, name, family=name.rpartition("_")[2]): to_value(v.value)
        for name, v in zip(names, floats, strict=True)
    }
