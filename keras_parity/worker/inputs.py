"""What a built model takes, read from the model within a worker, and how to hand it over."""

import math
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_parity.errors import UsageError, quote
from keras_parity.protocol.results import UNKNOWN_SIZE, UNKNOWN_TOKENS, InputSpec
from keras_parity.worker import keras_internals
from keras_parity.worker.replay import to_tensor
from keras_parity.worker.tensors import Structure, Tensor

# What is tried where an input leaves a size open: two are the quickest, and too few for what halves a picture twice.
_BATCH, _SIZES = 2, (2, UNKNOWN_SIZE, 8, 16, 32)


def describe_inputs(model: keras.Model) -> list[InputSpec] | None:
    """Return the model's inputs in flattened order, or None where only a call could tell."""
    structure = keras_internals.input_structure(model)
    if structure is not None:
        tokens = _tokens(model)
        return [
            InputSpec(
                tensor.name,
                tuple(tensor.shape),
                tensor.dtype,
                _tokens_of(tensor, model, tokens),
                taken_by=_first_taker(tensor, model),
            )
            for tensor in tree.flatten(structure)
        ]
    shapes = keras_internals.shapes_built_for(model)
    if model.built and len(shapes) == 1:
        (shape,) = shapes.values()
        if isinstance(shape, tuple) and all(size is None or isinstance(size, int) for size in shape):
            return [InputSpec("input", (None, *shape[1:]), "float32", _smallest_vocabulary(model))]
    return None


def describe_outputs(model: keras.Model) -> list[str] | None:
    """Return a name for each output of a functional or sequential model, in flattened order; else None."""
    structure = keras_internals.output_structure(model)
    if structure is None:
        return None
    if isinstance(structure, dict):
        return [str(path[-1]) for path, _ in tree.flatten_with_path(structure)]
    return [str(name) for name in keras_internals.graph_of(model).output_names]


def own_training(model: keras.Model) -> tuple[str, ...]:
    """Return which methods a model's class has of its own in the place of Keras's training step."""
    names = ("train_step", "compute_loss")
    return tuple(name for name in names if not _is_keras_own(model, name))


def can_evaluate(model: keras.Model) -> bool:
    """Return whether a compiled model has something to evaluate: one that trains by itself may have no loss at all."""
    return not _is_keras_own(model, "test_step") or model.loss is not None or "train_step" not in own_training(model)


def _is_keras_own(model: keras.Model, method: str) -> bool:
    """Return whether a model has a method from one of Keras's own classes."""
    owner = next(kind for kind in type(model).__mro__ if method in vars(kind))
    return bool(owner.__module__.partition(".")[0] == keras.__name__)


def count_activations(model: keras.Operation) -> int:
    """Return how many numbers the layers of a functional or sequential model put out for one example; else 0."""
    count = 0
    for node in keras_internals.nodes_of(model):
        count += sum(math.prod(size or 1 for size in tensor.shape) for tensor in node.output_tensors)
        count += count_activations(node.operation)
    return count


def build_layers(model: keras.Model, example: Structure | None) -> None:
    """Call a model once, if it has layers that only a call builds, as a subclassed one may.

    Args:
        model: The model.
        example: What to call it on, as in `pack`; None takes zeros of the shape that its `build` was given, if any.
    """
    if model.built and all(layer.built for layer in keras_internals.flatten_layers(model)):
        return
    specs = describe_inputs(model)
    if any(spec.dtype == "string" for spec in specs or ()) and keras.backend.backend() != "tensorflow":
        return  # nothing can be called with text there, which is told once the model is known
    if example is not None:
        model(pack(model, example), training=False)
    elif specs is not None:
        _call_on_zeros(model, specs)


def _call_on_zeros(model: keras.Model, specs: list[InputSpec]) -> None:
    """Call a model on zeros of the first size that it takes, where its inputs leave sizes open.

    Raises:
        UsageError: If it takes none of several sizes: which one fits, the user knows.
        Exception: What it raises, where no size is open.
    """
    is_open = any(None in spec.shape[1:] for spec in specs)
    refused: Exception | None = None
    for size in _SIZES if is_open else _SIZES[:1]:
        shapes = [[n or (size if axis else _BATCH) for axis, n in enumerate(spec.shape)] for spec in specs]
        dtypes = ["U1" if spec.dtype == "string" else spec.dtype for spec in specs]
        example = [np.zeros(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
        try:
            model(pack(model, example), training=False)
        except Exception as error:
            refused = refused or error
            continue
        return
    if refused is not None and is_open:
        said = quote(f"{type(refused).__name__}: {refused}", 200)
        text = (
            f"sizes that the model's inputs leave open cannot be guessed ({said}); give inputs=, or --inputs FILE.npz"
        )
        raise UsageError(text) from refused
    if refused is not None:
        raise refused


def pack(model: keras.Model, inputs: Structure) -> Structure:
    """Return the structure of tensors to call `model` with.

    Args:
        model: The model.
        inputs: A list of arrays in flattened order, or the structure itself. Floats get the global float dtype, other
            arrays keep theirs.
    """
    structure = keras_internals.input_structure(model)
    if isinstance(inputs, list) and structure is not None and len(tree.flatten(structure)) == len(inputs):
        inputs = tree.pack_sequence_as(structure, inputs)
    elif isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]

    def convert(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray) or leaf.dtype.kind in "OSU":
            return leaf
        return to_tensor(leaf, keras.config.floatx() if leaf.dtype.kind == "f" else leaf.dtype.name)

    return tree.map_structure(convert, inputs)


def pack_targets(model: keras.Model, inputs: Structure, targets: list[Tensor]) -> Structure:
    """Return targets in the structure of the model's outputs.

    Args:
        model: The model.
        inputs: What `pack` takes; a model without a graph is called on it to see what comes out.
        targets: A tensor for each output, in flattened order.
    """
    outputs = keras_internals.output_structure(model)
    if outputs is None and len(targets) == 1:
        return targets[0]
    if outputs is None:
        with keras.StatelessScope():
            outputs = model(pack(model, inputs), training=False)
    return tree.pack_sequence_as(outputs, targets) if tree.is_nested(outputs) else targets[0]


def _first_taker(tensor: Tensor, model: keras.Model) -> str:
    takers = (n.operation.name for n in keras_internals.nodes_of(model) if any(t is tensor for t in n.input_tensors))
    return next(takers, "")


def _tokens(model: keras.Model) -> dict[int, int]:
    """By the identity of an input tensor, the size of the smallest vocabulary that it is looked up in."""
    found: dict[int, int] = {}
    for layer in keras_internals.flatten_layers(model):
        if isinstance(layer, keras.layers.Embedding):
            for node in keras_internals.input_nodes(layer):
                for tensor in node.input_tensors:
                    found[id(tensor)] = min(layer.input_dim, found.get(id(tensor), layer.input_dim))
    return found


def _tokens_of(tensor: keras.KerasTensor, model: keras.Model, tokens: dict[int, int]) -> int | None:
    if id(tensor) in tokens:
        return tokens[id(tensor)]
    if not tensor.dtype.startswith(("int", "uint")):
        return None
    return _smallest_vocabulary(model) or UNKNOWN_TOKENS


def _smallest_vocabulary(model: keras.Model) -> int | None:
    sizes = [
        layer.input_dim for layer in keras_internals.flatten_layers(model) if isinstance(layer, keras.layers.Embedding)
    ]
    return min(sizes, default=None)
