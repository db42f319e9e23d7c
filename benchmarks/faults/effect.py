"""Whether each planted fault changes anything at all: without the engine, in one process of one backend.

    KERAS_BACKEND=torch python -m benchmarks.faults.effect --fault batch_norm_epsilon

A fault that changes nothing would be a defect of the bench, not of the engine that cannot see it. A clean and a faulty
model with the same weights are observed, stage by stage, until one differs by far more than rounding. Prints one JSON
object a line: the fault, the architecture, the stage, and the difference relative to the stage's largest value.
"""

import argparse
import contextlib
import functools
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from unittest import mock

import numpy as np

from benchmarks.faults import planting
from benchmarks.faults.bench import FindEffect
from benchmarks.faults.cases import CASES, Case
from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.planting import plant
from keras_parity.worker.performing import performs

# Relative to the largest value: a hundred roundings of float32, and what float64 leaves well below float32's.
VISIBLE = {"float32": 1e-5, "float64": 1e-12}
DRAWS = ("ordinary", "blank", "ties", "large")
# By architecture, the largest number that its tokens, kinds or counts may be.
LAST_TOKEN = {"gru": 19, "transformer": 29, "text_cnn": 39, "tabular": 5, "ops_net": 9}


@performs(FindEffect)
def perform(task: FindEffect) -> tuple[str, float] | None:
    """Find an effect in a worker of the engine."""
    return find_effect(task.fault, task.architecture, task.elsewhere)


def find_effect(fault: str, architecture: str, elsewhere: str | None = None) -> tuple[str, float] | None:
    """Return the first stage that differs and by how much (NaN where that is no number); None where none does.

    Args:
        fault: Its name.
        architecture: Where it is planted.
        elsewhere: Another architecture to look at, which should show nothing.
    """
    dtype = FAULTS[fault].dtype
    observed = elsewhere or architecture
    clean = observe_without(FAULTS[fault].before, observed, dtype)
    crash = mock.patch.object(planting, "end_process", side_effect=ProcessEndedError)
    with global_dtype(dtype), plant(fault, architecture), crash:
        try:
            for stage, values in observe(observed):
                if stage not in clean:
                    return None
                size = difference(clean[stage], values)
                if not size <= VISIBLE[dtype]:
                    return stage, size
        except Exception as error:
            return type(error).__name__, np.nan
    return None


class ProcessEndedError(Exception):
    """Stands for a crash, so that the process that looks for one lives on."""


@functools.cache
def observe_without(faults: tuple[str, ...], architecture: str, dtype: str) -> dict[str, list]:
    """Return all stages of the model as Keras has it, but for the faults beside which another one must show.

    They end where the model raises, as on numbers that training has made infinite.
    """
    stages: dict[str, list] = {}
    with global_dtype(dtype), contextlib.ExitStack() as stack, contextlib.suppress(Exception):
        for fault in faults:
            stack.enter_context(plant(fault, architecture))
        for stage, values in observe(architecture):
            stages[stage] = values
    return stages


def observe(architecture: str) -> Iterator[tuple[str, list]]:
    """Yield stages of a model's life, each with its name and values."""
    import keras

    from benchmarks.faults import architectures

    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(1)
    model = getattr(architectures, architecture)()
    set_weights(model)
    yield "dtypes within", dtypes_within(model, draw(model, "ordinary"))
    for kind in DRAWS:
        inputs = draw(model, kind)
        yield f"{kind}: outputs in inference", arrays(model(inputs, training=False))
        outputs, gradients = run_backward(model, inputs)
        yield f"{kind}: outputs in training", arrays(outputs)
        yield f"{kind}: gradients", arrays(gradients)
        yield f"{kind}: state", [np.array(variable) for variable in model.non_trainable_variables]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        yield "reloaded", arrays(keras.saving.load_model(path)(draw(model, "ordinary"), training=False))
    yield from observe_training(architecture, model)


def dtypes_within(model, inputs) -> list[np.ndarray]:
    """Return, of what each layer and operation gives, a zero in its dtype."""
    import keras

    found, call = [], keras.Operation.__call__

    def call_and_note(self, *args, **kwargs):
        outputs = call(self, *args, **kwargs)
        dtypes = [keras.backend.standardize_dtype(leaf.dtype) for leaf in keras.tree.flatten(outputs)]
        found.extend(np.zeros((), dtype) for dtype in dtypes)
        return outputs

    with mock.patch.object(keras.Operation, "__call__", call_and_note):
        model(inputs, training=False)
    return found


def observe_training(architecture: str, model) -> Iterator[tuple[str, list]]:
    """Yield what two training steps and an evaluation report, and the weights they leave."""
    import keras

    case = CASES[architecture]
    if not model.compiled:
        model.compile(
            keras.optimizers.get(dict(case.optimizer or {"class_name": "Adam", "config": {}})),
            resolved("losses", case.loss) or "mean_squared_error",
            metrics=[resolved("metrics", metric) for metric in case.metrics],
            loss_weights=case.loss_weights,
            weighted_metrics=case.weighted_metrics and list(case.weighted_metrics),
            jit_compile=False,
        )
    model.run_eagerly = True
    for kind in ("ordinary", "large"):
        if kind == "large":  # after which some have weights of no use
            yield from observe_fit(case, model)
        inputs = draw(model, kind)
        targets = targets_of(case.loss, outputs_of(model, inputs))
        yield f"{kind}: evaluation", list(model.test_on_batch(inputs, targets, return_dict=True).values())
        for _ in range(2):
            logs = model.train_on_batch(inputs, targets, case.weights(), return_dict=True)
        yield f"{kind}: logs of training", list(logs.values())
        yield f"{kind}: weights after training", [np.array(v) for v in model.variables if "seed" not in v.path]


def observe_fit(case: Case, model) -> Iterator[tuple[str, list]]:
    """Yield what `fit` and `evaluate` report of two and a half batches, and what `predict` gives."""
    import keras

    size, count = 4, 10
    inputs = keras.tree.map_structure(keras.ops.convert_to_numpy, draw(model, "ordinary", count))
    targets = targets_of(case.loss, outputs_of(model, draw(model, "ordinary", count)))
    history = model.fit(inputs, targets, size, 1, 0, shuffle=False, sample_weight=case.weights(count)).history
    yield "fit", [values[-1] for values in history.values()]
    yield "weights after fit", [np.array(v) for v in model.variables if "seed" not in v.path]
    yield "evaluate", list(model.evaluate(inputs, targets, size, 0, return_dict=True).values())
    yield "predict", keras.tree.flatten(model.predict(inputs, size, 0))


def resolved(kind: str, what):
    """Return a loss or metric from a name or from its class and configuration, or a dictionary of them."""
    import keras

    if isinstance(what, dict) and "class_name" not in what:
        return {name: resolved(kind, one) for name, one in what.items()}
    if isinstance(what, dict):
        what = {"module": f"keras.{kind}", "registered_name": None, **what}
    return getattr(keras, kind).get(what)


def draw(model, kind: str, count: int = 4):
    """Return so many inputs in the structure that the model takes, as the backend's tensors."""
    import keras

    generator = np.random.default_rng(7)

    def values(tensor):
        shape = (count, *tensor.shape[1:])
        if "int" in tensor.dtype:
            # The last token that the model knows is among the large ones.
            low, high = {"blank": (0, 1), "large": (0, LAST_TOKEN[model.name] + 1)}.get(kind, (0, 6))
            tokens = generator.integers(low, high, shape, "int32")
            return np.where(generator.random(shape) < 0.3, high - 1, tokens).astype("int32")
        normal = {"blank": np.zeros(shape), "ties": generator.integers(0, 3, shape) / 2}.get(
            kind, generator.standard_normal(shape) * (1000 if kind == "large" else 1)
        )
        return normal.astype(np.float32).astype(keras.config.floatx())

    spec = keras.KerasTensor((None, 6, 8)) if model.name == "mixer" else inputs_of(model)
    return keras.tree.map_structure(lambda tensor: keras.ops.convert_to_tensor(values(tensor)), spec)


def inputs_of(model):
    """Return the structure of symbolic inputs."""
    import keras

    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def outputs_of(model, inputs):
    """Return the outputs in inference, detached from any gradient."""
    import keras

    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs, training=False))


def targets_of(loss: dict | None, outputs):
    """Return targets that fit the losses and the outputs, in their structure."""
    import keras

    if isinstance(outputs, dict) and loss and "class_name" not in loss:
        return {name: targets_like(loss[name], output) for name, output in outputs.items()}
    return keras.tree.map_structure(functools.partial(targets_like, loss), outputs)


def targets_like(loss: dict | None, output: np.ndarray) -> np.ndarray:
    """Return targets that fit a loss and an output."""
    generator = np.random.default_rng(8)
    name = loss["class_name"] if loss else ""
    if name.startswith("Sparse"):
        return generator.integers(0, output.shape[-1], output.shape[:1])
    if name.startswith("Categorical"):
        return np.eye(output.shape[-1], dtype="float32")[generator.integers(0, output.shape[-1], output.shape[:1])]
    if name.startswith("Binary"):
        return generator.integers(0, 2, output.shape).astype("float32")
    return generator.standard_normal(output.shape).astype("float32")


def set_weights(model) -> None:
    """Give every float weight a value that is neither zero nor one, positive where it is a variance."""
    generator = np.random.default_rng(9)
    for variable in model.variables:
        if "float" in variable.dtype:
            noise = generator.standard_normal(variable.shape) * 0.4
            variable.assign(np.abs(noise) + 0.5 if "variance" in variable.path or "gamma" in variable.path else noise)


def run_backward(model, inputs) -> tuple:
    """Return the outputs in training and a weighted sum's gradients, for the float inputs and the weights."""
    import keras

    def total(outputs):
        leaves = keras.tree.flatten(outputs)
        generator = np.random.default_rng(10)
        return sum(
            keras.ops.sum(leaf * keras.ops.cast(generator.standard_normal(tuple(leaf.shape)), leaf.dtype))
            for leaf in leaves
        )

    floats = [leaf for leaf in keras.tree.flatten(inputs) if "float" in str(leaf.dtype)]
    weights = model.trainable_variables
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(floats)
            outputs = model(inputs, training=True)
            result = total(outputs)
        gradients = tape.gradient(result, floats + [w.value for w in weights], unconnected_gradients="zero")
        return outputs, [tf.convert_to_tensor(gradient) for gradient in gradients]
    if keras.backend.backend() == "torch":
        import torch

        for leaf in floats:
            leaf.requires_grad_()
        outputs = model(inputs, training=True)
        wanted = floats + [w.value for w in weights]
        gradients = torch.autograd.grad(total(outputs), wanted, allow_unused=True, materialize_grads=True)
        return outputs, list(gradients)
    import jax

    def function(trained, floats):
        rest = iter(floats)
        leaves = [next(rest) if "float" in str(leaf.dtype) else leaf for leaf in keras.tree.flatten(inputs)]
        packed = keras.tree.pack_sequence_as(inputs, leaves)
        with keras.StatelessScope(zip(weights, trained, strict=True)) as scope:
            outputs = model(packed, training=True)
            state = [scope.get_current_value(v) for v in model.non_trainable_variables]
        return total(outputs), (outputs, state)

    gradients, (outputs, state) = jax.grad(function, (0, 1), has_aux=True)([w.value for w in weights], floats)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        if value is not None:
            variable.assign(value)
    return outputs, keras.tree.flatten(gradients)


def arrays(structure) -> list[np.ndarray]:
    """Return a structure's tensors as arrays."""
    import keras

    return [np.array(keras.ops.convert_to_numpy(leaf)) for leaf in keras.tree.flatten(structure)]


def difference(first: list, second: list) -> float:
    """Return the largest difference over the largest value; NaN where shape, dtype or finiteness differ."""
    if len(first) != len(second):
        return np.nan
    distance, scale = 0.0, 0.0
    for one, other in zip(map(np.asarray, first), map(np.asarray, second), strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return np.nan
        one, other = one.astype(np.float64), other.astype(np.float64)
        if not np.array_equal(np.isfinite(one), np.isfinite(other)):
            return np.nan
        finite = np.isfinite(one)
        if finite.any():
            scale = max(scale, np.abs(one[finite]).max())
            distance = max(distance, np.abs(one - other)[finite].max())
    return float(distance / scale) if scale else float(distance)


@contextlib.contextmanager
def global_dtype(dtype: str) -> Iterator[None]:
    """Let Keras compute in `dtype`, float64 in earnest: its promotion to float32 outside TensorFlow is taken off."""
    import keras
    from keras.src.backend.common import dtypes

    if dtype == "float32":
        yield
        return
    kept = dtypes.BIT64_TO_BIT32_DTYPE["float64"]
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    with wide_jax():
        yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = kept


def wide_jax() -> contextlib.AbstractContextManager:
    """Return a context in which JAX knows 64-bit numbers."""
    import keras

    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)


def main() -> None:
    """Print each fault's effect in each of its architectures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), metavar="NAME", help="only this one; again")
    parser.add_argument("--first", action="store_true", help="only each fault's first architecture")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.fault or FAULTS:
        for architecture in list(FAULTS[name].culprits)[: 1 if arguments.first else None]:
            stage, size = find_effect(name, architecture) or (None, 0.0)
            print(
                json.dumps({"fault": name, "architecture": architecture, "stage": stage, "difference": size}),
                flush=True,
            )


if __name__ == "__main__":
    main()
