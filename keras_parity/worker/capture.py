"""Recording every call of a layer or operation while a model runs, so that each can be replayed alone.

A call is known by its path, the names of the layers that enclose it joined with its own, and by its count on that path:
`encoder/attention#0`. The model itself is the call with the empty path, `#0`.
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_parity.worker import keras_internals
from keras_parity.worker.backend_functions import around_functions
from keras_parity.worker.place import leave_place
from keras_parity.worker.tensors import Compiled, Structure, Tensor

# Returns what to keep of a tensor.
_Keep = Callable[[Tensor], Tensor]
# What these call within, they call in a loop that one backend traces and another one runs, so they are taken whole.
TAKEN_WHOLE = (keras.layers.RNN, keras.layers.TimeDistributed)
# The loops of a backend, with the argument that is called in each of their rounds.
_LOOPS = {
    "while_loop": "body",
    "fori_loop": "body_fun",
    "scan": "f",
    "associative_scan": "f",
    "map": "f",
    "vectorized_map": "function",
}
# In the place of a call's count, in the key of draws within a loop.
_IN_LOOP = "#loop"
# Makes something else of a call's outputs, from them, the call's key and its arguments.
Change = Callable[[Structure, str, Structure], Structure]
# Stands for a tensor among a call's arguments.
TENSOR = object()


@dataclass
class Call:
    """One call of an operation.

    Attributes:
        path: Where, as in the module's docstring.
        index: The count of this call among those on its path.
        operation: What was called.
        structure: The arguments `(args, kwargs)` as given, with `TENSOR` in the place of each tensor.
        inputs: The tensors' values, in flattened order, where `record` was asked to keep them.
        dtypes: The dtype of each tensor, by Keras's name.
        masks: For each tensor the Keras mask that it carries, or None.
        bytes: What the tensors take in float64.
        inner: The calls made within this one.
        functions: The backend's functions that it ran itself, and not a call within it.
    """

    path: str
    index: int
    operation: keras.Operation
    structure: tuple[Any, ...]
    inputs: list[Tensor]
    dtypes: list[str]
    masks: list[Tensor | None]
    bytes: int
    inner: list["Call"] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """The path and the count: `conv1#0`."""
        return f"{self.path}#{self.index}"


@dataclass(frozen=True)
class Recording:
    """What a run of a model left.

    Attributes:
        calls: Its calls, in order.
        failed_at: The path of the layer that raised; None if all went well.
        error: What it raised.
        uncompiled: Why JAX could not compile a model that runs eagerly, as one that uses the values of its tensors;
            None where it could, where Keras itself would not try, and on other backends.
    """

    calls: list[Call]
    failed_at: str | None = None
    error: Exception | None = None
    uncompiled: Exception | None = None


class CallStack:
    """Which calls are running, and what they are to be called by.

    Args:
        recorded: Gets each recorded call when it begins; None to record nothing and only know where we are.
        keep: Returns what to keep of an input; None keeps no inputs.
        tracing: Whether JAX traces the model, so that masks are kept as the tensors that they are.
    """

    def __init__(self, recorded: list[Call] | None = None, keep: _Keep | None = None, tracing: bool = False):
        self._recorded = recorded
        self._keep = keep
        self._tracing = tracing
        self._running: list[tuple[str, Call | None, keras.Operation]] = []
        self._counts: dict[str, int] = {}
        self._draws: dict[str, int] = {}
        self._loops = 0
        self._base: str | None = ""
        self._change: Change | None = None
        self.failed_at: str | None = None

    def start_at(self, path: str | None) -> None:
        """Take outermost calls for the one at `path`; None goes by their operations' names."""
        self._base = path

    def spoil_results(self, spoil: Callable[[Tensor, str], Tensor]) -> None:
        """Let the calls within the outermost one hand on what `spoil` makes of a tensor and the call's key."""
        self.change_results(
            lambda outputs, key, _: tree.map_structure(
                lambda leaf: spoil(leaf, key) if is_tensor(leaf) else leaf, outputs
            )
        )

    def change_results(self, change: Change) -> None:
        """Let the calls within the outermost one hand on what `change` makes of their outputs."""
        self._change = change

    def leave(self, outputs: Structure, arguments: Structure) -> Structure:
        """Return what the innermost running call hands on, which took these arguments."""
        if self._change is None or len(self._running) < 2:
            return outputs
        return self._change(outputs, self._running[-1][0], arguments)

    def run_function(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run one of the backend's functions, and keep with the innermost recorded call that it ran."""
        call = next((call for _, call, _ in reversed(self._running) if call is not None), None)
        if call is not None:
            call.functions.add(name)
        return function(*args, **kwargs)

    def next_draw(self) -> tuple[str, int]:
        """Return the key of the innermost running call, and a count of these requests.

        All counts start anew with each outermost call: whether a backend traces a model once or calls it at each step,
        its random layers draw the same. For the same reason each round of a loop draws the same.
        """
        key = self._running[-1][0] if self._running else ""
        if self._loops:
            key = key.rpartition("#")[0] + _IN_LOOP
        self._draws[key] = self._draws.get(key, 0) + 1
        return key, self._draws[key]

    @contextmanager
    def looping(self) -> Iterator[None]:
        """Take what is called within for one round of a loop."""
        self._draws = {key: count for key, count in self._draws.items() if not key.endswith(_IN_LOOP)}
        self._loops += 1
        try:
            yield
        finally:
            self._loops -= 1

    @contextmanager
    def entering(self, operation: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[None]:
        """Note a call while it runs; an exception that leaves it marks it as the place of failure."""
        if self._running:
            outer = self._running[-1][0].rpartition("#")[0]
            path = f"{outer}/{operation.name}" if outer else operation.name
        else:
            path = operation.name if self._base is None else self._base
            self._counts.clear()
            self._draws.clear()
            self.failed_at = None
        index = self._counts.get(path, 0)
        self._counts[path] = index + 1
        call = self._record(path, index, operation, args, kwargs)
        in_loop = bool(self._running) and isinstance(self._running[-1][2], TAKEN_WHOLE)
        self._running.append((f"{path}#{index}", call, operation))
        leave_place(path)
        try:
            with self.looping() if in_loop else nullcontext():
                yield
        except Exception:
            self.failed_at = self.failed_at or path
            raise
        finally:
            self._running.pop()

    def _record(
        self, path: str, index: int, operation: keras.Operation, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        outer = self._running[-1][1] if self._running else None
        if self._recorded is None or (self._running and outer is None):
            return None
        if outer is not None and isinstance(outer.operation, TAKEN_WHOLE):
            return None
        leaves = list(map(_value_of, tree.flatten((args, kwargs))))
        tensors = [leaf for leaf in leaves if is_tensor(leaf)]
        if not self._tracing and not all(map(_is_concrete, tensors)):
            return None
        masks = [keras_internals.get_mask(tensor) for tensor in tensors]
        call = Call(
            path,
            index,
            operation,
            tree.pack_sequence_as((args, kwargs), [TENSOR if is_tensor(leaf) else leaf for leaf in leaves]),
            [self._keep(tensor) for tensor in tensors] if self._keep else [],
            [keras.backend.standardize_dtype(tensor.dtype) for tensor in tensors],
            [mask if mask is None or self._tracing else to_numpy(mask) for mask in masks],
            sum(8 * math.prod(tensor.shape) for tensor in tensors),
        )
        self._recorded.append(call)
        if outer is not None:
            outer.inner.append(call)
        return call


def record(model: keras.Model, inputs: Structure, training: bool, keep: str | None, compiled: Compiled) -> Recording:
    """Run a model and return its calls, and what it raised.

    JAX runs it compiled, as Keras's own `predict` does, and where it cannot be compiled, eagerly.

    Args:
        model: The model.
        inputs: The structure of tensors to call it with.
        training: The mode.
        keep: The dtype in which to keep the values of floating-point inputs of calls; None keeps no inputs.
        compiled: Keeps what was compiled for this model.
    """
    uncompiled = None
    if keras.backend.backend() == "jax":
        try:
            with _unfiltered_errors():
                return Recording(_record_compiled(model, inputs, training, keep, compiled))
        except Exception as error:  # it may be any: Python code that takes a tracer for a number raises what it likes
            uncompiled = error if supports_jit(model) else None
    recorded: list[Call] = []
    stack = CallStack(recorded, (lambda tensor: _shorten(to_numpy(tensor), keep)) if keep else None)
    with watching(stack), around_functions(stack.run_function), keras.StatelessScope():
        try:
            model(inputs, training=training)
        except Exception as error:  # the model's own: it is what the caller asks about
            return Recording(recorded, stack.failed_at or "", error)
    return Recording(recorded, uncompiled=uncompiled)


def supports_jit(operation: keras.Operation) -> bool:
    """Return whether Keras itself would compile an operation: text layers, for one, say that they need values."""
    layers = keras_internals.flatten_layers(operation) if isinstance(operation, keras.Layer) else ()
    return all(getattr(layer, "supports_jit", True) for layer in layers)


@contextmanager
def _unfiltered_errors() -> Iterator[None]:
    """Let Keras hand on exceptions as they are: JAX's it cannot reword, and raises an AttributeError in their place."""
    if not keras.config.is_traceback_filtering_enabled():
        yield
        return
    keras.config.disable_traceback_filtering()
    try:
        yield
    finally:
        keras.config.enable_traceback_filtering()


def _record_compiled(
    model: keras.Model, inputs: Structure, training: bool, keep: str | None, compiled: Compiled
) -> list[Call]:
    import jax

    def run(inputs: Structure) -> list[tuple[list[Tensor], list[Tensor | None]]]:
        traced.clear()
        stack = CallStack(traced, (lambda tensor: _shorten(tensor, keep)) if keep else None, tracing=True)
        with watching(stack), around_functions(stack.run_function), keras.StatelessScope():
            model(inputs, training=training)
        return [(call.inputs, call.masks) for call in traced]

    key = ("record", training, keep, tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(inputs)))
    if key not in compiled:
        traced: list[Call] = []
        function = jax.jit(run)
        wanted = jax.eval_shape(function, inputs)
        # Where no values are wanted, tracing the model has told all.
        compiled[key] = function if jax.tree.leaves(wanted) else None, wanted, traced
    function, wanted, traced = compiled[key]
    found = function(inputs) if function else wanted
    return [
        replace(
            call,
            inputs=[np.asarray(tensor) for tensor in tensors],
            masks=[None if mask is None else np.asarray(mask) for mask in masks],
        )
        for call, (tensors, masks) in zip(traced, found, strict=True)
    ]


def _shorten(tensor: Tensor, dtype: str) -> Tensor:
    """Return floating-point values in `dtype`, others as they are."""
    with np.errstate(over="ignore"):
        is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))
        return tensor.astype(dtype) if is_float else tensor


@contextmanager
def watching(stack: CallStack) -> Iterator[CallStack]:
    """Let `stack` see every call of a layer or an operation's node, for the time of the `with` block."""
    layer, operation = keras.Layer, keras.Operation
    layer_call, operation_call, stateless_call = layer.__call__, operation.__call__, layer.stateless_call

    def call_layer(self: keras.Layer, *args: Any, **kwargs: Any) -> Structure:
        with stack.entering(self, args, kwargs):
            return stack.leave(layer_call(self, *args, **kwargs), (args, kwargs))

    def call_operation(self: keras.Operation, *args: Any, **kwargs: Any) -> Structure:
        if isinstance(self, keras.Layer):  # on its way from the method above
            return operation_call(self, *args, **kwargs)
        with stack.entering(self, args, kwargs):
            return stack.leave(operation_call(self, *args, **kwargs), (args, kwargs))

    def call_stateless(self: keras.Layer, *args: Any, **kwargs: Any) -> Structure:  # how JAX's `fit` calls a model
        with stack.entering(self, args, kwargs):
            return stateless_call(self, *args, **kwargs)

    layer.__call__, operation.__call__, layer.stateless_call = call_layer, call_operation, call_stateless
    core = keras_internals.backend_module("core")
    loops = {name: _in_rounds(stack, getattr(core, name), body) for name, body in _LOOPS.items() if hasattr(core, name)}
    try:
        with keras_internals.replaced_functions(core, loops):
            yield stack
    finally:
        layer.__call__, operation.__call__, layer.stateless_call = layer_call, operation_call, stateless_call


def _in_rounds(stack: CallStack, loop: Callable[..., Structure], body: str) -> Callable[..., Structure]:
    """Return a backend's loop that tells the stack of each of its rounds."""
    signature = inspect.signature(loop)

    @functools.wraps(loop)
    def run(*args: Any, **kwargs: Any) -> Structure:
        bound = signature.bind(*args, **kwargs)
        called = bound.arguments[body]

        def one_round(*values: Any, **named: Any) -> Structure:
            with stack.looping():
                return called(*values, **named)

        bound.arguments[body] = one_round
        return loop(*bound.args, **bound.kwargs)

    return run


def is_tensor(value: object) -> bool:
    """Return whether `value` is an array or a tensor, a variable not."""
    if isinstance(value, keras.Variable):
        return False
    return isinstance(value, np.ndarray) or bool(keras.ops.is_tensor(value))


def _value_of(leaf: Any) -> Any:
    """Return the value of a weight that is handed to a call: TensorFlow's `convert_to_tensor` leaves it as it is."""
    is_weight = isinstance(leaf, keras.Variable) and keras.backend.is_float_dtype(leaf.dtype)
    return keras.ops.convert_to_tensor(leaf.value) if is_weight else leaf


def to_numpy(tensor: Tensor) -> np.ndarray:
    """Return a tensor's values; bfloat16 as float32, sparse tensors as dense."""
    array = np.asarray(keras.ops.convert_to_numpy(tensor))
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _is_concrete(tensor: Tensor) -> bool:
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    return isinstance(tensor, np.ndarray) or keras.backend.backend() == "torch" or hasattr(tensor, "numpy")
