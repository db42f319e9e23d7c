"""Training a whole model within a worker: by Keras's own steps, by steps composed of their parts, and by `fit`."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Results
from keras_parity.protocol.tasks import (
    Batch,
    BatchwisePlan,
    ComposedPlan,
    FitPlan,
    Nudge,
    PredictPlan,
    StepsPlan,
    Training,
)
from keras_parity.worker import keras_internals
from keras_parity.worker.autodiff import evaluate
from keras_parity.worker.capture import is_tensor
from keras_parity.worker.case import weights_of
from keras_parity.worker.inputs import can_evaluate, describe_outputs, pack, pack_targets
from keras_parity.worker.parts import for_each_output, mean_loss, resolve, resolve_all, slots_of, target_tensor
from keras_parity.worker.randomness import is_random_state
from keras_parity.worker.replay import ReplayScope, perturb_data, tensor_of, to_tensor, to_value, variable_names
from keras_parity.worker.tensors import Compiled, Tensor

_LOSS = Quantity(Kind.LOSS)
_counter = itertools.count()
# What the variables of the optimiser hold that a model was compiled with: no training may begin with another one's.
OPTIMIZER_START = "optimizer's start"
# Whether a model came compiled to run eagerly.
RUN_EAGERLY = "run eagerly"
# What is kept of a model as long as it is there: nothing to make it from again.
KEPT = frozenset({OPTIMIZER_START, RUN_EAGERLY})


def run_steps(model: keras.Model, plan: StepsPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Train with Keras's own `train_on_batch`.

    Args:
        model: What to train.
        plan: How, and on what.
        nudge: A perturbation of the inputs, or None.
        compiled: Keeps what a model that came compiled started with.

    Returns:
        What Keras reports after each step, and at the end all variables.
    """
    before = [to_value(v.value).array for v in model.variables]
    try:
        return _take_steps(model, plan, nudge, compiled, eager=_steps_eagerly())
    except Exception:
        if keras.backend.backend() != "tensorflow":
            raise
        # Some gradients, as those of float8 layers, TensorFlow takes in its default alone, in graphs.
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(to_tensor(value, variable.dtype))
        return _take_steps(model, plan, nudge, compiled, eager=False)


def _take_steps(
    model: keras.Model, plan: StepsPlan, nudge: Nudge | None, compiled: Compiled, *, eager: bool
) -> Results:
    optimizer = _compile(model, plan.training, eager, compiled)
    found: Results = {}
    for step, batch in enumerate(plan.batches, start=1):
        inputs, targets, weight = _tensors(model, batch, nudge)
        _forget_loss(model)
        logs = model.train_on_batch(inputs, targets, weight, batch.class_weight, return_dict=True)
        found |= _logs(logs, f"after step {step}")
    return found | _trained(model) | slots_of(optimizer)


def run_composed(model: keras.Model, plan: ComposedPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Take the steps of `run_steps` without Keras's own step; arguments as there.

    Returns:
        The loss of each step, all variables at the end, and the optimiser's own.
    """
    found: Results = {}
    names = describe(model, plan)
    training, optimizer = _parts_of(model, plan.training, compiled)
    losses = resolve_all(training.loss, names)
    weights = _loss_weights(training, names, len(losses))
    trained = model.trainable_variables
    optimizer.build(trained)
    state = [v for v in model.non_trainable_variables if not is_random_state(v)]
    for step, batch in enumerate(plan.batches):
        inputs, targets, sample_weight = _tensors(model, batch, nudge)
        expected = tree.flatten(targets)
        examples = for_each_output(sample_weight, names)

        def run(
            arguments: list[Tensor],
            fixed: list[Tensor],
            inputs: Any = inputs,
            expected: list[Tensor] = expected,
            examples: list[Any] = examples,
        ) -> tuple[dict[Quantity, Tensor], dict[str, Tensor]]:
            mapping = [*zip(trained, arguments, strict=True), *zip(state, fixed, strict=True)]
            with ReplayScope(state_mapping=mapping, collect_losses=True) as scope:
                outputs = [leaf for leaf in tree.flatten(model(inputs, training=True)) if is_tensor(leaf)]
                if not plan.fused:
                    outputs = [_without_logits(output) for output in outputs]
                total = sum(
                    weight * mean_loss(loss, target, output, counts)
                    for loss, target, output, weight, counts in zip(
                        losses, expected, outputs, weights, examples, strict=True
                    )
                    if loss is not None
                )
                total = total + sum(ops.sum(loss) for loss in model.losses)
                after = {f"{i}": scope.get_current_value(v) for i, v in enumerate(state)}
            return {_LOSS: optimizer.scale_loss(total)}, after | {"loss": total}

        values, before = ([tensor_of(v) for v in variables] for variables in (trained, state))
        # A step of its own for each batch: the targets are constants of what JAX compiles.
        key = ("composed", next(_counter), step)
        _, after, gradients = evaluate(run, values, before, _ones, compiled, key, sparse=plan.sparse)
        found |= _logs({"loss": ops.convert_to_numpy(after["loss"])}, f"after step {step + 1}")
        for i, variable in enumerate(state):
            variable.assign(after[f"{i}"])
        zeros = [ops.zeros_like(value) for value in values]
        optimizer.apply([z if g is None else g for g, z in zip(gradients or (), zeros, strict=True)], trained)
    return found | _trained(model) | slots_of(optimizer)


def _parts_of(model: keras.Model, training: Training, compiled: Compiled) -> tuple[Training, Any]:
    """Return what a model is trained by, and an optimiser at its start: its own, if it came compiled.

    One that came compiled without a loss, as its own training step has one, takes the mean squared error.
    """
    if not training.own:
        return training, resolve("optimizers", training.optimizer)
    optimizer = _compile(model, training, _steps_eagerly(), compiled)
    own = {} if model.loss is None else {"loss": model.loss, "loss_weights": keras_internals.loss_weights_of(model)}
    return replace(training, **own), optimizer


def _steps_eagerly() -> bool:
    """Return whether steps run eagerly: for a few of them compiling pays on JAX alone."""
    return bool(keras.backend.backend() != "jax")


def run_fit(model: keras.Model, plan: FitPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Train by `fit`, then `evaluate`; arguments as in `run_steps`.

    Returns:
        What Keras reports of both, and all variables.
    """
    _compile(model, plan.training, plan.eager, compiled)
    inputs, targets, weight = _arrays(model, plan.data, nudge)
    options = {"batch_size": plan.batch_size, "verbose": 0}
    weights = {"sample_weight": weight, "class_weight": plan.data.class_weight}
    history = model.fit(inputs, targets, shuffle=False, **weights, **options).history
    found = _logs({name: values[-1] for name, values in history.items()}, "of fit") | _trained(model)
    if not can_evaluate(model):
        return found
    reported = model.evaluate(inputs, targets, sample_weight=weight, return_dict=True, **options)
    return found | _logs(reported, "of evaluate")


def run_predict(model: keras.Model, plan: PredictPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Return the predictions of `predict`, twice: state that a model carries on shows; arguments as in `run_steps`."""
    inputs, _, _ = _arrays(model, Batch(plan.inputs, None), nudge)
    _run_as(model, plan.eager, compiled)
    found: Results = {}
    for place in ("", " again"):
        outputs = tree.flatten(model.predict(inputs, batch_size=plan.batch_size, verbose=0))
        for i, output in enumerate(outputs):
            label = f"{f'[{i}]' if len(outputs) > 1 else ''}{place}"
            found[Quantity(Kind.PREDICTION, label, family=f"{i}")] = to_value(output)
    return found


def run_batchwise(model: keras.Model, plan: BatchwisePlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    """Return what `run_fit` or `run_predict` should give, from the same batches one by one; arguments as there."""
    whole = plan.whole
    if isinstance(whole, PredictPlan):
        return _predict_batchwise(model, whole, nudge, compiled)
    _compile(model, whole.training, whole.eager, compiled)
    data = _arrays(model, whole.data, nudge)
    train = functools.partial(model.train_on_batch, class_weight=whole.data.class_weight)
    found = _through(model, train, data, whole.batch_size, "of fit")
    model.optimizer.finalize_variable_values(model.trainable_variables)  # as after an epoch: a moving average's end
    found |= _trained(model)
    if not can_evaluate(model):
        return found
    return found | _through(model, model.test_on_batch, data, whole.batch_size, "of evaluate")


def _through(model: keras.Model, run: Callable[..., dict[str, Any]], data: Any, size: int, when: str) -> Results:
    """Run batches, and return the loss that they report together, where each one's counts by its size."""
    total, sizes = 0.0, _sizes(data, size)
    for i, count in enumerate(sizes):
        _forget_loss(model)
        logs = run(*(_take(part, i * size, count) for part in data), return_dict=True)
        total += float(logs["loss"]) * count
    return _logs({"loss": total / sum(sizes)}, when)


def _forget_loss(model: keras.Model) -> None:
    """Let the next batch report its own loss: before Keras 3.15 it is the mean over all batches so far."""
    for metric in model.metrics:
        if metric.name == "loss":
            metric.reset_state()


def _predict_batchwise(model: keras.Model, plan: PredictPlan, nudge: Nudge | None, compiled: Compiled) -> Results:
    inputs, _, _ = _arrays(model, Batch(plan.inputs, None), nudge)
    _run_as(model, plan.eager, compiled)
    found: Results = {}
    for place in ("", " again"):
        parts = [
            tree.flatten(model.predict_on_batch(_take(inputs, i * plan.batch_size, count)))
            for i, count in enumerate(_sizes(inputs, plan.batch_size))
        ]
        for i, outputs in enumerate(zip(*parts, strict=True)):
            label = f"{f'[{i}]' if len(parts[0]) > 1 else ''}{place}"
            found[Quantity(Kind.PREDICTION, label, family=f"{i}")] = to_value(np.concatenate(outputs))
    return found


def _sizes(data: Any, size: int) -> list[int]:
    """Return how many examples are in each batch."""
    count = len(next(leaf for leaf in tree.flatten(data) if leaf is not None))
    return [min(size, count - start) for start in range(0, count, size)]


def _take(data: Any, start: int, count: int) -> Any:
    return tree.map_structure(lambda leaf: None if leaf is None else leaf[start : start + count], data)


def own_losses(model: keras.Model) -> Any:
    """Return what the losses are called that a model came compiled with: a name, or a list or dictionary of names."""

    def name(loss: Any) -> Any:
        if isinstance(loss, dict):
            return {key: name(item) for key, item in loss.items()}
        if isinstance(loss, list | tuple):
            return [name(item) for item in loss]
        return loss if loss is None else str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss)

    return name(getattr(model, "loss", None)) if getattr(model, "compiled", False) else None


def describe(model: keras.Model, plan: ComposedPlan) -> list[str]:
    """Return a name for each output, in flattened order; numbers where the model has none."""
    targets = plan.batches[0].targets
    count = len(targets) if isinstance(targets, list) else 1
    return describe_outputs(model) or [str(i) for i in range(count)]


def _compile(model: keras.Model, training: Training, eager: bool, compiled: Compiled) -> Any:
    """Compile the model, or bring one that is compiled so to its start; return the optimiser.

    A model that is trained again in the same way keeps what JAX has compiled for it.
    """
    way = repr((training, eager))
    if compiled.get("way of training") != way:
        if training.own:
            _run_as(model, eager, compiled)
            model.train_function = model.test_function = None
            optimizer = model.optimizer
        else:
            optimizer = _compile_anew(model, training, eager)
        model.optimizer.build(model.trainable_variables)
        compiled["way of training"], compiled["optimizer"] = way, optimizer
        if not (training.own and OPTIMIZER_START in compiled):
            compiled[OPTIMIZER_START] = [to_value(v.value).array for v in model.optimizer.variables]
    for variable, value in zip(model.optimizer.variables, compiled[OPTIMIZER_START], strict=True):
        variable.assign(to_tensor(value, variable.dtype))
    model.reset_metrics()
    return compiled["optimizer"]


def _run_as(model: keras.Model, eager: bool, compiled: Compiled) -> None:
    """Let a model run eagerly, or as its backend does by default; one that came compiled to run eagerly does so."""
    model.run_eagerly = eager or compiled.get(RUN_EAGERLY, False)
    model.predict_function = None


def _compile_anew(model: keras.Model, training: Training, eager: bool) -> Any:
    optimizer = resolve("optimizers", training.optimizer)
    options = {"loss_weights": training.loss_weights} if training.loss_weights is not None else {}
    if training.weighted_metrics is not None:
        options["weighted_metrics"] = _resolve_structure("metrics", training.weighted_metrics)
    model.compile(
        optimizer,
        loss=_resolve_structure("losses", training.loss),
        metrics=_resolve_structure("metrics", training.metrics) or None,
        run_eagerly=eager,
        # XLA compiles for minutes what TensorFlow's own graph runs at once.
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
        **options,
    )
    return optimizer


def _resolve_structure(kind: str, what: Any) -> Any:
    """Return a structure of losses or metrics with each of them resolved; names as Keras's own stay for `compile`."""
    if isinstance(what, dict) and "class_name" not in what:
        return {name: _resolve_structure(kind, item) for name, item in what.items()}
    if isinstance(what, list | tuple):
        return [_resolve_structure(kind, item) for item in what]
    if what is None or (isinstance(what, str) and ":" not in what):
        return what
    return resolve(kind, what)


def _loss_weights(training: Training, names: list[str], count: int) -> list[float]:
    weights = training.loss_weights
    if isinstance(weights, dict):
        return [float(weights.get(name, 1.0)) for name in names]
    return [float(weight) for weight in weights] if weights is not None else [1.0] * count


def _without_logits(output: Any) -> Any:
    """Return an output that does not tell a loss what its activation was taken of."""
    same = output * 1
    if keras_internals.get_mask(output) is not None:
        keras_internals.set_mask(same, keras_internals.get_mask(output))
    return same


def _tensors(model: keras.Model, batch: Batch, nudge: Nudge | None) -> tuple[Any, Any, Any]:
    """Return a batch's inputs, targets and weights as the backend's tensors, in the model's structures."""
    moved = tree.map_structure(lambda leaf: _nudge(leaf, nudge), batch.inputs)
    return pack(model, moved), _targets(model, moved, batch.targets, target_tensor), batch.sample_weight


def _arrays(model: keras.Model, batch: Batch, nudge: Nudge | None) -> tuple[Any, Any, Any]:
    """Return the same as NumPy's arrays, as a user gives them to `fit`."""
    moved = tree.map_structure(lambda leaf: _nudge(leaf, nudge), batch.inputs)
    inputs = tree.map_structure(_as_array, pack(model, moved))
    return inputs, _targets(model, moved, batch.targets, _as_given), batch.sample_weight


def _targets(model: keras.Model, inputs: Any, targets: Any, convert: Any) -> Any:
    if targets is None:
        return None
    if isinstance(targets, list):
        return pack_targets(model, inputs, [convert(target) for target in targets])
    return tree.map_structure(convert, targets)


def _ones(quantity: Quantity, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape)


def _as_array(tensor: Any) -> Any:
    return ops.convert_to_numpy(tensor) if is_tensor(tensor) else tensor


def _as_given(target: Any) -> Any:
    if isinstance(target, np.ndarray) and target.dtype.kind == "f":
        return target.astype(keras.config.floatx())
    return target


def _nudge(leaf: Any, nudge: Nudge | None) -> Any:
    return leaf if nudge is None or not isinstance(leaf, np.ndarray) else perturb_data(leaf, nudge)


def _logs(logs: dict[str, Any], when: str) -> Results:
    return {
        Quantity(Kind.LOG, f"{name} {when}", family=name): to_value(to_tensor(np.asarray(value), keras.config.floatx()))
        for name, value in logs.items()
    }


def _trained(model: keras.Model) -> Results:
    variables = weights_of(model)

    def family(variable: keras.Variable) -> str:
        return f"{'trained' if variable.trainable else 'fixed'} {variable.name}"

    return {
        Quantity(Kind.AFTER_TRAINING, name, family=family(v)): to_value(v.value)
        for name, v in zip(variable_names(variables), variables, strict=True)
    }
