"""Recording every call of a layer or operation while a model runs, so that each can be replayed alone.

A call is known by its path, the names of the layers that enclose it joined with its own, and by its count on that path:
`encoder/attention#0`. The model itself is the call with the empty path, `#0`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from keras import tree
from keras.src import backend
from keras.src.layers.layer import Layer
from keras.src.ops.operation import Operation

# What these call within, they call in a loop that one backend traces and another one runs, so they are taken whole.
TAKEN_WHOLE = (keras.layers.RNN, keras.layers.TimeDistributed)
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
    """

    path: str
    index: int
    operation: Operation
    structure: tuple
    inputs: list
    dtypes: list[str]
    masks: list
    bytes: int
    inner: list["Call"] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The path and the count: `conv1#0`."""
        return f"{self.path}#{self.index}"


class CallStack:
    """Which calls are running, and what they are to be called by.

    Args:
        recorded: Gets each recorded call when it begins; None to record nothing and only know where we are.
        keep: Returns what to keep of an input; None keeps no inputs.
        tracing: Whether JAX traces the model, so that masks are kept as the tensors that they are.
    """

    def __init__(self, recorded: list[Call] | None = None, keep: Callable | None = None, tracing: bool = False):
        self._recorded = recorded
        self._keep = keep
        self._tracing = tracing
        self._running: list[tuple[str, Call | None]] = []
        self._counts: dict[str, int] = {}
        self._draws: dict[str, int] = {}
        self._base: str | None = ""
        self._spoil: Callable | None = None
        self.failed_at: str | None = None

    def start_at(self, path: str | None) -> None:
        """Take outermost calls for the one at `path`; None goes by their operations' names."""
        self._base = path

    def spoil_results(self, spoil: Callable) -> None:
        """Let the calls within the outermost one hand on what `spoil` makes of a tensor and the call's key."""
        self._spoil = spoil

    def leave(self, outputs):
        """Return what the innermost running call hands on."""
        if self._spoil is None or len(self._running) < 2:
            return outputs
        key = self._running[-1][0]
        return tree.map_structure(lambda leaf: self._spoil(leaf, key) if is_tensor(leaf) else leaf, outputs)

    def next_draw(self) -> tuple[str, int]:
        """Return the key of the innermost running call, and a count of these requests.

        All counts start anew with each outermost call: whether a backend traces a model once or calls it at each step,
        its random layers draw the same.
        """
        key = self._running[-1][0] if self._running else ""
        self._draws[key] = self._draws.get(key, 0) + 1
        return key, self._draws[key]

    @contextmanager
    def entering(self, operation: Operation, args: tuple, kwargs: dict) -> Iterator[None]:
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
        self._running.append((f"{path}#{index}", call))
        try:
            yield
        except Exception:
            self.failed_at = self.failed_at or path
            raise
        finally:
            self._running.pop()

    def _record(self, path, index, operation, args, kwargs) -> Call | None:
        outer = self._running[-1][1] if self._running else None
        if self._recorded is None or (self._running and outer is None):
            return None
        if outer is not None and isinstance(outer.operation, TAKEN_WHOLE):
            return None
        leaves = tree.flatten((args, kwargs))
        tensors = [leaf for leaf in leaves if is_tensor(leaf)]
        if not self._tracing and not all(map(_is_concrete, tensors)):
            return None
        masks = [backend.get_keras_mask(tensor) for tensor in tensors]
        call = Call(
            path,
            index,
            operation,
            tree.pack_sequence_as((args, kwargs), [TENSOR if is_tensor(leaf) else leaf for leaf in leaves]),
            [self._keep(tensor) for tensor in tensors] if self._keep else [],
            [backend.standardize_dtype(tensor.dtype) for tensor in tensors],
            [mask if mask is None or self._tracing else to_numpy(mask) for mask in masks],
            sum(8 * math.prod(tensor.shape) for tensor in tensors),
        )
        self._recorded.append(call)
        if outer is not None:
            outer.inner.append(call)
        return call


def record(
    model: keras.Model, inputs, training: bool, keep: str | None, compiled: dict
) -> tuple[list[Call], str | None, Exception | None]:
    """Run a model and return its calls; if it raised, too, the path of the layer that did and the exception.

    JAX runs it compiled, as Keras's own `predict` does, and where it cannot be compiled, eagerly.

    Args:
        model: The model.
        inputs: The structure of tensors to call it with.
        training: The mode.
        keep: The dtype in which to keep the values of floating-point inputs of calls; None keeps no inputs.
        compiled: Keeps what was compiled for this model.
    """
    if keras.backend.backend() == "jax":
        try:
            return _record_compiled(model, inputs, training, keep, compiled), None, None
        except Exception:  # some models run eagerly alone; one that does not run at all raises once more below
            pass
    recorded: list[Call] = []
    stack = CallStack(recorded, keep and (lambda tensor: _shorten(to_numpy(tensor), keep)))
    with watching(stack), backend.StatelessScope():
        try:
            model(inputs, training=training)
        except Exception as error:
            return recorded, stack.failed_at or "", error
    return recorded, None, None


def _record_compiled(model, inputs, training, keep, compiled) -> list[Call]:
    import jax

    def run(inputs):
        traced.clear()
        stack = CallStack(traced, keep and (lambda tensor: _shorten(tensor, keep)), tracing=True)
        with watching(stack), backend.StatelessScope():
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


def _shorten(tensor, dtype: str):
    """Return floating-point values in `dtype`, others as they are."""
    with np.errstate(over="ignore"):
        return tensor.astype(dtype) if backend.is_float_dtype(backend.standardize_dtype(tensor.dtype)) else tensor


@contextmanager
def watching(stack: CallStack) -> Iterator[CallStack]:
    """Let `stack` see every call of a layer or an operation's node, for the time of the `with` block."""
    layer_call, operation_call, stateless_call = Layer.__call__, Operation.__call__, Layer.stateless_call

    def call_layer(self, *args, **kwargs):
        with stack.entering(self, args, kwargs):
            return stack.leave(layer_call(self, *args, **kwargs))

    def call_operation(self, *args, **kwargs):
        if isinstance(self, Layer):  # on its way from the method above
            return operation_call(self, *args, **kwargs)
        with stack.entering(self, args, kwargs):
            return stack.leave(operation_call(self, *args, **kwargs))

    def call_stateless(self, *args, **kwargs):  # how JAX's `fit` calls a model
        with stack.entering(self, args, kwargs):
            return stateless_call(self, *args, **kwargs)

    Layer.__call__, Operation.__call__, Layer.stateless_call = call_layer, call_operation, call_stateless
    try:
        yield stack
    finally:
        Layer.__call__, Operation.__call__, Layer.stateless_call = layer_call, operation_call, stateless_call


def is_tensor(value) -> bool:
    """Return whether `value` is an array or a tensor, a variable not."""
    if isinstance(value, keras.Variable):
        return False
    return isinstance(value, np.ndarray) or backend.is_tensor(value)


def to_numpy(tensor) -> np.ndarray:
    """Return a tensor's values; bfloat16 as float32, sparse tensors as dense."""
    array = np.asarray(keras.ops.convert_to_numpy(tensor))
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _is_concrete(tensor) -> bool:
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    return isinstance(tensor, np.ndarray) or keras.backend.backend() == "torch" or hasattr(tensor, "numpy")
