"""A proof, when a worker starts, that everything the engine does to Keras still acts.

The engine reads private parts of Keras and puts functions of its own in the places of Keras's. In a new version such a
patch may have become a no-op: no error, and wrong verdicts. So each need has a trial here, against NumPy or against a
layer that says what it saw. A trial that fails ends the worker's start with one line.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_parity.errors import UnsupportedKeras, quote
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.worker import keras_internals
from keras_parity.worker.capture import Call, CallStack, to_numpy, watching
from keras_parity.worker.precision import checked_precision, reference_precision
from keras_parity.worker.randomness import keyed_generator, shared_randomness
from keras_parity.worker.replay import to_tensor

SEED = 1
# Of a result, over its largest magnitude. Float64's unit is 1.1e-16, float32's 6e-8.
FLOAT64_ERROR = 1e-15
RATE = 0.5


class _NoEffectError(Exception):
    """A trial saw that a patch has no effect."""


@dataclass(frozen=True)
class _Result:
    """What a computation in the reference's precision has to give.

    Attributes:
        need: What the engine needs it for, as a refusal names it.
        compute: Returns a tensor.
        expected: NumPy's float64 values.
    """

    need: str
    compute: Callable[[], Any]
    expected: np.ndarray


def prove_patches() -> None:
    """Try everything that the engine does to Keras.

    Raises:
        UnsupportedKeras: If something has no effect. The message is one line and names Keras's version and the need.
    """
    for need, trial in _TRIALS:
        with _proving(need):
            trial()
    _prove_results()


@contextmanager
def _proving(need: str) -> Iterator[None]:
    """Say of whatever goes wrong that this version of Keras does not give what the engine needs."""
    try:
        yield
        return
    except UnsupportedKeras:
        raise
    except _NoEffectError:
        problem = "has no effect any more"
    except Exception as error:  # a private part that is gone, or that takes other arguments
        problem = f"fails ({quote(f'{type(error).__name__}: {error}', 100)})"
    raise UnsupportedKeras(keras.__version__, f"{need} {problem}")


def _expect(holds: bool) -> None:
    if not holds:
        raise _NoEffectError


def _prove_results() -> None:
    """Compute everything in float64, with shared draws, and compare it with NumPy's values.

    JAX compiles it all as one program: for each operation on its own it would take four times as long.
    """
    stack = CallStack()
    stack.start_at(None)
    # The others compute in float32 whatever they are told, all of it or their attention.
    wide = keras.backend.backend() in TRAINING_BACKENDS
    with _proving("the float64 reference"), reference_precision() if wide else checked_precision("float32"):
        results = _float64_results() if wide else _draws()

        def compute() -> list[Any]:
            found = []
            for result in results:
                with _proving(result.need):
                    found.append(result.compute())
            return found

        with watching(stack), shared_randomness(SEED, stack.next_draw):
            if keras.backend.backend() == "jax":
                import jax

                compute = jax.jit(compute)
            found = compute()
        for result, tensor in zip(results, found, strict=True):
            with _proving(result.need):
                _expect(not wide or keras.backend.standardize_dtype(tensor.dtype) == "float64")
                error = np.max(np.abs(to_numpy(tensor) - result.expected)) / np.max(np.abs(result.expected))
                _expect(error <= (FLOAT64_ERROR if wide else 1e-6))


def _float64_results() -> list[_Result]:
    generator = keyed_generator(SEED, "canary")
    inputs, kernel, bias = (generator.standard_normal(shape) for shape in ((2, 3), (3, 2), (2,)))
    layer = keras.layers.Dense(
        2,
        dtype="mixed_float16",
        kernel_initializer=lambda *_, dtype: to_tensor(kernel, dtype),
        bias_initializer=lambda *_, dtype: to_tensor(bias, dtype),
    )
    layer.build((None, 3))
    tensor = to_tensor(inputs, "float64")
    values = [generator.standard_normal((1, 3, 1, 2)) for _ in range(3)]
    rows = [to_tensor(value, "float64") for value in values]
    attend = keras.ops.dot_product_attention
    number = "the float64 reference of a Python number"
    return [
        _Result("the float64 reference of a layer", lambda: layer(tensor), inputs @ kernel + bias),
        _Result("the float64 reference of a sum", lambda: keras.ops.add(tensor, tensor), inputs + inputs),
        _Result("the float64 reference of a mean", lambda: keras.ops.mean(tensor), np.array(np.mean(inputs))),
        _Result(number, lambda: keras.ops.multiply(tensor, 0.1), inputs * 0.1),
        _Result(number, lambda: keras.ops.cast(0.999, "float64"), np.array(0.999)),
        _Result(number, lambda: keras.ops.gelu(tensor, approximate=False), _gelu(inputs)),
        _Result("the float64 reference of attention", lambda: attend(*rows, scale=0.5), _attend(values, 0.5)),
        *_draws(),
    ]


def _gelu(values: np.ndarray) -> np.ndarray:
    return np.asarray(values * np.vectorize(math.erf)(values / math.sqrt(2)) / 2 + values / 2)


def _attend(values: list[np.ndarray], scale: float) -> np.ndarray:
    query, key, value = values
    weights = np.exp(scale * np.einsum("btnh,bsnh->bnts", query, key))
    return np.asarray(np.einsum("bnts,bsnh->btnh", weights / weights.sum(axis=-1, keepdims=True), value))


def _draws() -> list[_Result]:
    dtype = keras.config.floatx()
    dropout = keras.layers.Dropout(RATE, name="dropout", dtype=dtype)
    ones = to_tensor(np.ones((4, 4)), dtype)
    normal = keyed_generator(SEED, "randomness", "", 1).standard_normal(3)
    kept = keyed_generator(SEED, "randomness", "dropout#0", 1).random((4, 4)) >= RATE
    return [
        _Result("the shared randomness of keras.random", lambda: keras.random.normal((3,)), normal),
        _Result("the shared randomness of layers", lambda: dropout(ones, training=True), kept / (1 - RATE)),
    ]


def _prove_watching() -> None:
    inputs = keras.Input((2,), dtype="float32")
    layer = _Witness(name="layer", dtype="float32")
    model = keras.Model(inputs, _HandOn(name="operation")(layer(inputs)), name="model")
    tensor = to_tensor(np.ones((1, 2)), "float32")
    recorded: list[Call] = []
    with watching(CallStack(recorded, to_numpy)), keras.StatelessScope():
        model(tensor, training=True)
        _expect([call.key for call in recorded] == ["#0", "layer#0", "operation#0"])
        _expect(all(np.array_equal(call.inputs[0], np.ones((1, 2))) for call in recorded))
        recorded.clear()
        model.stateless_call([], [], tensor)
        _expect([call.path for call in recorded][:1] == [""])


def _prove_mode_and_mask() -> None:
    layer = _Witness(dtype="float32")
    tensor, mask = to_tensor(np.ones((1, 2)), "float32"), to_tensor(np.ones((1, 2)), "bool")
    keras_internals.set_mask(tensor, mask)
    for training in (True, False):
        with keras_internals.call_mode(training):
            layer(tensor)
    _expect(layer.modes == [True, False])
    _expect(all(seen is not None for seen in (keras_internals.get_mask(tensor), *layer.masks)))
    _expect(keras_internals.takes_training(layer) and keras_internals.takes_mask(layer))


def _prove_replacing() -> None:
    reached = []

    def conv(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        reached.append(inputs)
        return inputs

    tensor = to_tensor(np.ones((1, 1, 1)), "float32")
    with keras_internals.replaced_functions(keras_internals.backend_module("nn"), {"conv": conv}):
        keras.ops.conv(tensor, tensor)
    _expect(len(reached) == 1)


def _prove_reading() -> None:
    inputs = keras.Input((2,), dtype="float32")
    layer = _Witness(name="layer", dtype="float32")
    model = keras.Model(inputs, layer(inputs), name="model")
    _expect(layer in keras_internals.flatten_layers(model))
    _expect(type(model) is keras_internals.Functional)
    for structure in (keras_internals.input_structure(model), keras_internals.output_structure(model)):
        _expect(len(keras.tree.flatten(structure)) == 1)
    _expect(any(node.operation is layer for node in keras_internals.nodes_of(model)))
    _expect(keras_internals.input_nodes(layer)[0].input_tensors[0] is inputs)
    sequential = keras.Sequential([keras.Input((2,), dtype="float32"), layer])
    _expect(type(keras_internals.graph_of(sequential)) is keras_internals.Functional)
    _expect(keras_internals.public_name(keras.layers.Dense) == "keras.layers.Dense")
    _expect(keras_internals.resolve_name("keras.layers.Dense") is keras.layers.Dense)


class _Witness(keras.Layer):
    """Tells in which modes it was called, and with which masks."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.modes: list[bool | None] = []
        self.masks: list[Any] = []

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        self.modes.append(training)
        self.masks.append(mask)
        return inputs


class _HandOn(keras.Operation):
    """Returns what it is given."""

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, inputs.dtype)


# What is needed, as a refusal names it, and its trial.
_TRIALS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("the watch over calls", _prove_watching),
    ("handing a mode or a mask to a layer", _prove_mode_and_mask),
    ("the replacement of a backend's functions", _prove_replacing),
    ("reading a model's structure", _prove_reading),
)
