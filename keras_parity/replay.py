"""Running one call of a layer again, alone, with given inputs and weights: forward, backward, and what it writes.

The rounding error that is unavoidable there is measured in the same way: the inputs and weights are perturbed by one
rounding unit and the results' moves are watched. Equal values are perturbed alike, so that a tie stays a tie and a zero
a zero: a difference in how ties are broken is a difference of meaning, and not hidden by the measure.
"""

import keras
import numpy as np
from keras import tree
from keras.src import backend
from keras.src.backend.common import global_state
from keras.src.layers.layer import CallContext, Layer

from keras_parity.autodiff import evaluate
from keras_parity.capture import TENSOR, Call, CallStack, is_tensor, to_numpy
from keras_parity.outline import Value
from keras_parity.randomness import keyed_generator


def replay(
    call: Call,
    stack: CallStack,
    inputs: list[np.ndarray],
    training: bool,
    seed: int,
    backward: bool,
    compiled: dict,
) -> dict[str, Value]:
    """Return all that a call computes.

    Args:
        call: As this backend recorded it; gives the operation, the structure and the dtypes.
        stack: Knows where we are, for shared randomness and for the place of a failure.
        inputs: Values of the call's tensors, in its order, rounded as the caller wants them.
        training: Whether the call was recorded in training mode.
        seed: Draws the cotangents, from the call's key: the same ones on every backend.
        backward: Whether to compute gradients too.
        compiled: Keeps what was compiled for this model.

    Returns:
        By quantity: `output`, or `output[0]` and `output['name']` of a structure, `mask of output`, `added loss`,
        `state NAME` for each variable that the call writes, `gradient of input`, `gradient of NAME` for each weight.
    """
    operation = call.operation
    variables = list(operation.variables) if isinstance(operation, Layer) else []
    trained = {id(v) for v in operation.trainable_variables} if variables else set()
    names = variable_names(variables)
    float_inputs = [i for i, dtype in enumerate(call.dtypes) if backend.is_float_dtype(dtype)]
    moved = [i for i, v in enumerate(variables) if id(v) in trained and backend.is_float_dtype(v.dtype)]

    def function(arguments, fixed):
        tensors, weights = list(fixed["inputs"]), list(fixed["variables"])
        for i, tensor in zip(float_inputs, arguments, strict=False):
            tensors[i] = tensor
        for i, tensor in zip(moved, arguments[len(float_inputs) :], strict=True):
            weights[i] = tensor
        mapping = list(zip(variables, weights, strict=True))
        with backend.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            outputs = _call_again(call, stack, tensors, fixed["masks"], training)
            written = {
                names[i]: scope.get_current_value(v)
                for i, v in enumerate(variables)
                if i not in moved and scope.get_current_value(v) is not weights[i]
            }
        return _sort(outputs, scope.losses, written if training else {})

    tensors = [to_tensor(array, dtype) for array, dtype in zip(inputs, call.dtypes, strict=True)]
    values = [keras.ops.convert_to_tensor(v.value) for v in variables]
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
        (lambda label, shape: keyed_generator(seed, "cotangent", call.key, label).standard_normal(shape))
        if backward
        else None,
        compiled if _supports_jit(operation) else None,
        (call.key, training, backward),
    )
    found = {name: to_value(tensor) for name, tensor in (*floats.items(), *others.items())}
    wanted = ["gradient of input" if len(float_inputs) == 1 else f"gradient of input[{i}]" for i in float_inputs]
    wanted += [f"gradient of {names[i]}" for i in moved]
    for name, gradient, argument in zip(wanted, gradients or (), arguments, strict=False):
        dtype = backend.standardize_dtype(argument.dtype)
        found[name] = Value(np.zeros(argument.shape), dtype) if gradient is None else to_value(gradient)
    return found


def _supports_jit(operation) -> bool:
    """Return whether Keras itself would compile an operation: text layers, for one, say that they need values."""
    layers = operation._flatten_layers() if isinstance(operation, Layer) else ()
    return all(getattr(layer, "supports_jit", True) for layer in layers)


def _sort(outputs, losses: list, written: dict) -> tuple[dict, dict]:
    """Return a call's results by name: the float ones, which gradients belong to, and the others."""
    floats, others = {}, {}
    for path, leaf in tree.flatten_with_path(outputs):
        if not is_tensor(leaf):
            continue
        name = "output" + "".join(f"[{key!r}]" for key in path)
        is_float = backend.is_float_dtype(backend.standardize_dtype(leaf.dtype))
        (floats if is_float else others)[name] = leaf
        if backend.get_keras_mask(leaf) is not None:
            others[f"mask of {name}"] = backend.get_keras_mask(leaf)
    if losses:
        floats["added loss"] = sum(keras.ops.sum(loss) for loss in losses)
    return floats, others | {f"state {name}": value for name, value in written.items()}


def perturb(array: np.ndarray, size: float, seed: int, alike: bool = True) -> np.ndarray:
    """Return float64 values moved up or down by `size` of themselves.

    Args:
        array: Floats; others are returned as they are.
        size: The relative move.
        seed: Chooses the directions.
        alike: Whether equal values are moved alike.
    """
    if array.dtype.kind != "f":
        return array
    array = np.array(array, np.float64, order="C")  # keeps a scalar one, as `ascontiguousarray` does not
    if not alike:
        signs = np.random.default_rng([seed, array.size]).integers(0, 2, array.shape) * 2 - 1
        return array * (1 + size * signs)
    # SplitMix64's finaliser (Steele, Lea and Flood, 2014) makes a coin of the value's bits.
    with np.errstate(over="ignore"):
        bits = array.view(np.uint64) + np.uint64((0x9E3779B97F4A7C15 * (seed + 1)) & 0xFFFFFFFFFFFFFFFF)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return array * (1 + np.where(bits & np.uint64(1), size, -size))


def perturb_tensor(tensor, size: float, seed: list[int]):
    """Return a tensor of floats moved up or down by `size` of themselves, each by its own coin; others as they are."""
    dtype = backend.standardize_dtype(tensor.dtype)
    if not backend.is_float_dtype(dtype) or None in tensor.shape:
        return tensor
    signs = np.random.default_rng(seed).integers(0, 2, tuple(tensor.shape)) * 2 - 1
    moved = tensor * to_tensor(1 + size * signs, dtype)
    if backend.get_keras_mask(tensor) is not None:
        backend.set_keras_mask(moved, backend.get_keras_mask(tensor))
    return moved


def to_tensor(array: np.ndarray, dtype: str):
    """Return the backend's tensor of `dtype`, without a detour through Keras's default dtypes."""
    if keras.backend.backend() == "torch":
        import torch
        from keras.src.backend.torch.core import to_torch_dtype

        return torch.from_numpy(np.array(array)).to(to_torch_dtype(dtype))
    if keras.backend.backend() == "jax":
        import jax.numpy as jnp

        return jnp.asarray(array, dtype=dtype)
    if keras.backend.backend() == "openvino":
        return keras.ops.convert_to_tensor(array, dtype=dtype)
    import tensorflow as tf

    if dtype in ("float32", "float64"):  # as below, in one operation less, and subnormal numbers are kept
        with np.errstate(over="ignore"):
            return tf.convert_to_tensor(np.asarray(array, dtype))
    return tf.cast(tf.convert_to_tensor(array), dtype)


def to_value(tensor) -> Value:
    """Return a tensor's values in a form that every process reads; complex ones as pairs of floats."""
    array = to_numpy(tensor)
    dtype = backend.standardize_dtype(tensor.dtype)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    return Value(array.astype(np.float64) if array.dtype.kind == "f" else array, dtype)


def variable_names(variables) -> list[str]:
    """Return a name for each variable: its own where that is unique, else its path."""
    own = [variable.name for variable in variables]
    return [variable.name if own.count(variable.name) == 1 else variable.path for variable in variables]


def _call_again(call: Call, stack: CallStack, tensors: list, masks: list, training: bool):
    leaves, position = [], 0
    for leaf in tree.flatten(call.structure):
        if leaf is TENSOR:
            leaf = tensors[position]
            if masks[position] is not None:
                backend.set_keras_mask(leaf, masks[position])
            position += 1
        leaves.append(leaf)
    args, kwargs = tree.pack_sequence_as(call.structure, leaves)
    stack.start_at(call.path)
    # As if an outer layer had been called in this mode: a layer without a `training` argument hands it on.
    context = CallContext(entry_layer=None)
    context.set_value("training", training)
    global_state.set_global_attribute("current_call_ctx", context)
    try:
        return call.operation(*args, **kwargs)
    finally:
        global_state.set_global_attribute("current_call_ctx", None)
