"""Running one call of a layer again, alone, with given inputs and weights: forward, backward, and what it writes.

The rounding error that is unavoidable there is measured in the same way: the inputs and weights are perturbed by one
rounding unit and the results' moves are watched. Equal values are perturbed alike, so that a tie stays a tie and a zero
a zero: a difference in how ties are broken is a difference of meaning, and not hidden by the measure.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import tree

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Results, Value
from keras_parity.protocol.tasks import Nudge
from keras_parity.worker import keras_internals
from keras_parity.worker.autodiff import evaluate
from keras_parity.worker.capture import TENSOR, Call, CallStack, is_tensor, supports_jit, to_numpy
from keras_parity.worker.randomness import keyed_generator
from keras_parity.worker.tensors import Compiled, Structure, Tensor


class ReplayScope(keras.StatelessScope):
    """A scope in which a variable's new value passes on gradients as in the backend's own training.

    On JAX that is within such a scope, too, and gradients flow through what was assigned. The others write into the
    variable itself, which no gradient passes.
    """

    def add_update(self, update: tuple[keras.Variable, Tensor]) -> None:
        """Keep a variable's new value; `update` is the pair of both."""
        variable, value = update
        stops = keras.backend.backend() in ("tensorflow", "torch")
        super().add_update((variable, keras.ops.stop_gradient(value) if stops else value))


def replay(
    call: Call,
    stack: CallStack,
    inputs: list[np.ndarray],
    training: bool,
    seed: int,
    backward: bool,
    compiled: Compiled | None,
) -> Results:
    """Return all that a call computes.

    Args:
        call: As this backend recorded it; gives the operation, the structure and the dtypes.
        stack: Knows where we are, for shared randomness and for the place of a failure.
        inputs: Values of the call's tensors, in its order, rounded as the caller wants them.
        training: Whether the call was recorded in training mode.
        seed: Draws the cotangents, from the call's key: the same ones on every backend.
        backward: Whether to compute gradients too.
        compiled: Keeps what was compiled for this model; None runs it eagerly.

    Returns:
        Outputs, by their places in a structure, with their masks; the added loss; the state of each variable that the
        call writes; the gradients of its inputs and of each weight.
    """
    operation = call.operation
    variables = list(operation.variables) if isinstance(operation, keras.Layer) else []
    trained = {id(v) for v in operation.trainable_variables} if variables else set()
    names = variable_names(variables)
    float_inputs = [i for i, dtype in enumerate(call.dtypes) if keras.backend.is_float_dtype(dtype)]
    moved = [i for i, v in enumerate(variables) if id(v) in trained and keras.backend.is_float_dtype(v.dtype)]

    def function(
        arguments: list[Tensor], fixed: dict[str, list[Tensor]]
    ) -> tuple[dict[Quantity, Tensor], dict[Quantity, Tensor]]:
        tensors, weights = list(fixed["inputs"]), list(fixed["variables"])
        for i, tensor in zip(float_inputs, arguments, strict=False):
            tensors[i] = tensor
        for i, tensor in zip(moved, arguments[len(float_inputs) :], strict=True):
            weights[i] = tensor
        mapping = list(zip(variables, weights, strict=True))
        with ReplayScope(state_mapping=mapping, collect_losses=True) as scope:
            outputs = _call_again(call, stack, tensors, fixed["masks"], training)
            written = {
                Quantity(Kind.STATE, names[i]): scope.get_current_value(v)
                for i, v in enumerate(variables)
                if i not in moved and scope.get_current_value(v) is not weights[i]
            }
        return _sort(outputs, scope.losses, written if training else {})

    tensors = [to_tensor(array, dtype) for array, dtype in zip(inputs, call.dtypes, strict=True)]
    values = [tensor_of(v) for v in variables]
    fixed = {
        "inputs": [None if i in float_inputs else tensor for i, tensor in enumerate(tensors)],
        "masks": [None if mask is None else to_tensor(mask, "bool") for mask in call.masks],
        "variables": [None if i in moved else value for i, value in enumerate(values)],
    }
    arguments = [tensors[i] for i in float_inputs] + [values[i] for i in moved]
    floats, others, gradients = evaluate(
        function,
        arguments,
        fixed,
        (lambda label, shape: keyed_generator(seed, "cotangent", call.key, str(label)).standard_normal(shape))
        if backward
        else None,
        compiled if compiled is not None and supports_jit(operation) else None,
        (call.key, training, backward),
    )
    found = {name: to_value(tensor) for name, tensor in (*floats.items(), *others.items())}
    wanted = ["input" if len(float_inputs) == 1 else f"input[{i}]" for i in float_inputs] + [names[i] for i in moved]
    for name, gradient, argument in zip(wanted, gradients or (), arguments, strict=False):
        dtype = keras.backend.standardize_dtype(argument.dtype)
        zeros = Value(np.zeros(argument.shape), dtype)
        found[Quantity(Kind.GRADIENT, name)] = zeros if gradient is None else to_value(gradient)
    return found


def _sort(
    outputs: Structure, losses: list[Tensor], written: dict[Quantity, Tensor]
) -> tuple[dict[Quantity, Tensor], dict[Quantity, Tensor]]:
    """Return a call's results by name: the float ones, which gradients belong to, and the others."""
    floats: dict[Quantity, Tensor] = {}
    others: dict[Quantity, Tensor] = {}
    for path, leaf in tree.flatten_with_path(outputs):
        if not is_tensor(leaf):
            continue
        name = "".join(f"[{key!r}]" for key in path)
        is_float = keras.backend.is_float_dtype(keras.backend.standardize_dtype(leaf.dtype))
        (floats if is_float else others)[Quantity(Kind.OUTPUT, name)] = leaf
        if keras_internals.get_mask(leaf) is not None:
            others[Quantity(Kind.MASK, name)] = keras_internals.get_mask(leaf)
    if losses:
        floats[Quantity(Kind.ADDED_LOSS)] = sum(keras.ops.sum(loss) for loss in losses)
    return floats, others | written


def perturb(array: np.ndarray, nudge: Nudge) -> np.ndarray:
    """Return float64 values moved up or down.

    Args:
        array: Floats; others are returned as they are.
        nudge: How far, and in which directions.
    """
    if array.dtype.kind != "f":
        return array
    array = np.array(array, np.float64, order="C")  # keeps a scalar one, as `ascontiguousarray` does not
    size = nudge.size
    if not nudge.alike:
        signs = np.random.default_rng([nudge.seed, array.size]).integers(0, 2, array.shape) * 2 - 1
        return np.asarray(array * (1 + size * signs))
    # SplitMix64's finaliser (Steele, Lea and Flood, 2014) makes a coin of the value's bits.
    with np.errstate(over="ignore"):
        bits = array.view(np.uint64) + np.uint64((0x9E3779B97F4A7C15 * (nudge.seed + 1)) & 0xFFFFFFFFFFFFFFFF)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return np.asarray(array * (1 + np.where(bits & np.uint64(1), size, -size)))


def perturb_data(array: np.ndarray, nudge: Nudge) -> np.ndarray:
    """Return a model's own inputs moved as by `perturb`, but for what code may compare with, look up or cut off.

    Whole numbers, and values that occur more than once, as those that mark padding, stay: they are exact, and only
    results that were computed from them are rounded.

    Args:
        array: Floats; others are returned as they are.
        nudge: How far, and in which directions.
    """
    if array.dtype.kind != "f":
        return array
    _, place, count = np.unique(array, return_inverse=True, return_counts=True)
    exact = (count[place].reshape(array.shape) > 1) | (array == np.round(array))
    return np.where(exact, array, perturb(array, nudge))


def perturb_tensor(tensor: Tensor, size: float, seed: list[int]) -> Tensor:
    """Return a tensor of floats moved up or down by `size` of themselves, each by its own coin; others as they are."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if not keras.backend.is_float_dtype(dtype) or None in tensor.shape:
        return tensor
    signs = np.random.default_rng(seed).integers(0, 2, tuple(tensor.shape)) * 2 - 1
    moved = tensor * to_tensor(1 + size * signs, dtype)
    if keras_internals.get_mask(tensor) is not None:
        keras_internals.set_mask(moved, keras_internals.get_mask(tensor))
    if keras_internals.get_logits(tensor) is not None:
        keras_internals.set_logits(moved, perturb_tensor(keras_internals.get_logits(tensor), size, [*seed, 1]))
    return moved


def to_tensor(array: np.ndarray, dtype: str) -> Tensor:
    """Return the backend's tensor of `dtype`, without a detour through Keras's default dtypes."""
    if keras.backend.backend() == "torch":
        import torch

        return torch.from_numpy(np.array(array)).to(keras_internals.to_torch_dtype(dtype))
    if keras.backend.backend() == "jax":
        import jax.numpy as jnp

        return jnp.asarray(array, dtype=dtype)
    if keras.backend.backend() != "tensorflow":
        return keras.ops.convert_to_tensor(array, dtype=dtype)
    import tensorflow as tf

    if dtype in ("float32", "float64"):  # as below, in one operation less, and subnormal numbers are kept
        with np.errstate(over="ignore"):
            return tf.convert_to_tensor(np.asarray(array, dtype))
    return tf.cast(tf.convert_to_tensor(array), dtype)


def tensor_of(variable: keras.Variable) -> Tensor:
    """Return a variable's value; on TensorFlow a tensor, as a custom gradient differentiates a variable by itself."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(variable.value)
    return keras.ops.convert_to_tensor(variable.value)


def to_value(tensor: Tensor) -> Value:
    """Return a tensor's values in a form that every process reads; complex ones as pairs of floats."""
    array = to_numpy(tensor)
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    return Value(array.astype(np.float64) if array.dtype.kind == "f" else array, dtype)


def variable_names(variables: Sequence[keras.Variable]) -> list[str]:
    """Return a name for each variable: its own where that is unique, else its path."""
    own = [variable.name for variable in variables]
    return [variable.name if own.count(variable.name) == 1 else variable.path for variable in variables]


def _call_again(
    call: Call, stack: CallStack, tensors: list[Tensor], masks: list[Tensor | None], training: bool
) -> Structure:
    leaves, position = [], 0
    for leaf in tree.flatten(call.structure):
        if leaf is TENSOR:
            leaf = tensors[position]
            if masks[position] is not None:
                keras_internals.set_mask(leaf, masks[position])
            position += 1
        leaves.append(leaf)
    args, kwargs = tree.pack_sequence_as(call.structure, leaves)
    stack.start_at(call.path)
    with keras_internals.call_mode(training):
        return call.operation(*args, **kwargs)
