"""Every private part of Keras that the engine needs, behind one function, class or context manager for each need.

No other file of the engine touches `keras.src` or an underscored member of something of Keras: a test sees to it. What
has a public name (`keras.StatelessScope`, `keras.backend.standardize_dtype`, `keras.Operation`) is used by that name.
Tried with Keras 3.12 to 3.15 and the nightly builds of 3.16, which keep some parts in other places; see
`benchmarks/versions.py`.
"""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import IO, Any

import keras
from keras.src import api_export, dtype_policies
from keras.src.backend.common import dtypes, global_state, masking
from keras.src.layers.layer import CallContext
from keras.src.models.functional import Functional
from keras.src.saving import saving_lib
from keras.src.utils import module_utils, rng_utils

__all__ = [
    "Functional",
    "backend_module",
    "call_mode",
    "flatten_layers",
    "float64_policies",
    "float64_promotion",
    "get_mask",
    "graph_of",
    "input_nodes",
    "input_structure",
    "load_model_from_file",
    "loss_weights_of",
    "nodes_of",
    "output_structure",
    "public_name",
    "replaced_functions",
    "resolve_name",
    "save_model_to_file",
    "seed_initializers",
    "set_mask",
    "shapes_built_for",
    "takes_mask",
    "takes_training",
    "to_torch_dtype",
    "trained_by",
    "without_tensorflow",
]

# Keras 3.12 writes this key out where it uses it; later versions keep it in `seed_generator.GLOBAL_SEED_GENERATOR`.
_SEED_GENERATOR_KEY = "global_seed_generator"
_CALL_CONTEXT_KEY = "current_call_ctx"


# What a model is made of.


def flatten_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Return a layer and all layers within it, at any depth."""
    return list(layer._flatten_layers())


def takes_training(operation: keras.Operation) -> bool:
    """Return whether an operation's `call` has an argument `training`."""
    return bool(getattr(operation, "_call_has_training_arg", False))


def takes_mask(operation: keras.Operation) -> bool:
    """Return whether an operation's `call` has an argument `mask`."""
    return bool(getattr(operation, "_call_has_mask_arg", False))


def graph_of(model: keras.Model) -> keras.Model:
    """Return the functional model that a built sequential one holds; any other model itself."""
    return model._functional if isinstance(model, keras.Sequential) and model.built else model


def input_structure(model: keras.Model) -> Any | None:
    """Return the nested structure of symbolic tensors that a functional or sequential model takes; else None."""
    return getattr(graph_of(model), "_inputs_struct", None)


def output_structure(model: keras.Model) -> Any | None:
    """Return the nested structure of symbolic tensors that a functional or sequential model returns; else None."""
    return getattr(graph_of(model), "_outputs_struct", None)


def nodes_of(model: keras.Operation) -> list[Any]:
    """Return the nodes of a functional or sequential model, none for another operation.

    Each has an `operation`, its `input_tensors` and its `output_tensors`.
    """
    by_depth = getattr(graph_of(model), "_nodes_by_depth", None) or {}
    return [node for nodes in by_depth.values() for node in nodes]


def input_nodes(layer: keras.Layer) -> list[Any]:
    """Return the nodes that a layer's symbolic calls left: each has `input_tensors`."""
    return list(layer._inbound_nodes)


def shapes_built_for(model: keras.Model) -> dict[str, Any]:
    """Return what a model's `build` was given, by the name of its argument; nothing for one that was not built so."""
    return dict(getattr(model, "_build_shapes_dict", None) or {})


def trained_by(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Return the variables that an optimiser was built for."""
    return list(optimizer._trainable_variables)


def loss_weights_of(model: keras.Model) -> Any:
    """Return the weights of losses that a model was compiled with, as `compile` takes them; None for none."""
    return model._compile_loss._user_loss_weights


# Tensors.


def get_mask(tensor: Any) -> Any | None:
    """Return the Keras mask that a tensor carries, or None."""
    return masking.get_keras_mask(tensor)


def set_mask(tensor: Any, mask: Any) -> None:
    """Let a tensor carry a Keras mask."""
    masking.set_keras_mask(tensor, mask)


def get_logits(tensor: Any) -> Any | None:
    """Return what a sigmoid or a softmax was taken of, where TensorFlow lets its result carry that for the loss."""
    return getattr(tensor, "_keras_logits", None)


def set_logits(tensor: Any, logits: Any) -> None:
    """Let a tensor carry what a sigmoid or a softmax was taken of."""
    tensor._keras_logits = logits


def to_torch_dtype(dtype: str) -> Any:
    """Return PyTorch's dtype for Keras's name of one. Unsigned integers become wider signed ones, as in Keras."""
    return _backend_core().to_torch_dtype(dtype)


# Calls.


@contextmanager
def call_mode(training: bool) -> Iterator[None]:
    """Call layers as if an outer layer had been called in this mode: one without a `training` argument hands it on."""
    context = CallContext(entry_layer=None)
    context.set_value("training", training)
    global_state.set_global_attribute(_CALL_CONTEXT_KEY, context)
    try:
        yield
    finally:
        global_state.set_global_attribute(_CALL_CONTEXT_KEY, None)


def seed_initializers(seed: int) -> None:
    """Let initializers without a seed draw from this one.

    `keras.utils.set_random_seed` does the same and more: where TensorFlow is installed, it imports it.
    """
    global_state.set_global_attribute(rng_utils.GLOBAL_RANDOM_SEED, seed)
    global_state.set_global_attribute(_SEED_GENERATOR_KEY, None)


# Precision.


@contextmanager
def float64_promotion() -> Iterator[None]:
    """Let the promotion of dtypes leave float64 as it is. Keras makes it float32 on JAX and PyTorch."""
    table = dtypes.BIT64_TO_BIT32_DTYPE
    entry = table["float64"]
    table["float64"] = "float64"
    try:
        yield
    finally:
        table["float64"] = entry


@contextmanager
def float64_policies() -> Iterator[None]:
    """Let every layer that is made compute in float64, whatever floating-point policy it asks for."""
    own_get = dtype_policies.get

    def get_float64(identifier: Any) -> keras.DTypePolicy:
        policy = own_get(identifier)
        if getattr(policy, "quantization_mode", None):  # its scales and what it gives are float64, its weights stay
            same = policy.compute_dtype == "float64"
            return policy if same else own_get(f"{policy.name.split('_from_')[0]}_from_float64")
        floats = policy.compute_dtype is not None and "float" in policy.compute_dtype
        return keras.DTypePolicy("float64") if floats else policy

    dtype_policies.get = get_float64
    try:
        yield
    finally:
        dtype_policies.get = own_get


# The backend's own functions.


def backend_module(name: str) -> ModuleType:
    """Return a module of the running backend's functions, through which all of Keras calls them.

    Args:
        name: `nn` or `random`.
    """
    backend = keras.src.backend
    moved = name != "random" and hasattr(backend, "ops")  # in Keras 3.16, all but the random ones
    module: ModuleType = getattr(backend.ops if moved else backend, name)
    return module


@contextmanager
def replaced_functions(module: ModuleType, functions: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Put functions in the places of a module's own ones, by name.

    Raises:
        AttributeError: If the module lacks one: a new function under an unused name would replace nothing.
    """
    own = {name: getattr(module, name) for name in functions}
    try:
        for name, function in functions.items():
            setattr(module, name, function)
        yield
    finally:
        for name, function in own.items():
            setattr(module, name, function)


def _backend_core() -> ModuleType:
    package = f"keras.src.backend.{keras.backend.backend()}"
    for name in (f"{package}.ops.core", f"{package}.core"):  # Keras 3.16, and those before it
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(f"{package} has no module core")


# Names and files.


def public_name(symbol: Callable[..., Any]) -> str | None:
    """Return the public name of a class or function of Keras, as `keras.layers.Dense`; None where it has none."""
    name: str | None = api_export.get_name_from_symbol(symbol)
    return name


def resolve_name(name: str) -> Any:
    """Return what a name in Keras stands for, as `keras.layers.Dense` or `keras.src.ops.numpy.GetItem`."""
    return functools.reduce(getattr, name.split(".")[1:], keras)


def save_model_to_file(model: keras.Model, file: IO[bytes]) -> None:
    """Write a model's `.keras` file into an open one. Keras's public function takes a path alone."""
    save = saving_lib._save_model_to_fileobj
    if "weights_format" in inspect.signature(save).parameters:  # until Keras 3.15
        save(model, file, weights_format="h5")
    else:
        save(model, file)


def load_model_from_file(file: IO[bytes], custom_objects: dict[str, Any], safe_mode: bool) -> keras.Model:
    """Return the model, uncompiled, of an open `.keras` file. Keras's public function takes a path alone."""
    return saving_lib._load_model_from_fileobj(file, custom_objects=custom_objects, compile=False, safe_mode=safe_mode)


@contextmanager
def without_tensorflow() -> Iterator[None]:
    """Keep Keras from importing TensorFlow, for seconds, only to ask whether a saved value is a `tf.TensorShape`."""
    if "tensorflow" in sys.modules:
        yield
        return
    module_utils.tensorflow._available = False
    try:
        yield
    finally:
        module_utils.tensorflow._available = None
