"""What a built model takes, read from the model within a worker, and how to hand it over."""

import math

import keras
import numpy as np
from keras import tree

from keras_parity.draws import UNKNOWN_TOKENS, InputSpec
from keras_parity.replay import to_tensor


def describe_inputs(model: keras.Model) -> list[InputSpec] | None:
    """Return the model's inputs in flattened order, or None where only a call could tell."""
    structure = _structure(model)
    if structure is not None:
        tokens = _tokens(model)
        return [
            InputSpec(tensor.name, tuple(tensor.shape), tensor.dtype, _tokens_of(tensor, model, tokens))
            for tensor in tree.flatten(structure)
        ]
    shapes = getattr(model, "_build_shapes_dict", None)
    if model.built and shapes and len(shapes) == 1:
        (shape,) = shapes.values()
        if isinstance(shape, tuple) and all(size is None or isinstance(size, int) for size in shape):
            return [InputSpec("input", (None, *shape[1:]), "float32", _smallest_vocabulary(model))]
    return None


def count_activations(model) -> int:
    """Return how many numbers the layers of a functional or sequential model put out for one example; else 0."""
    count = 0
    for nodes in (getattr(_with_graph(model), "_nodes_by_depth", None) or {}).values():
        for node in nodes:
            count += sum(math.prod(size or 1 for size in tensor.shape) for tensor in node.output_tensors)
            count += count_activations(node.operation)
    return count


def build_layers(model: keras.Model, example) -> None:
    """Call a model once, if it has layers that only a call builds, as a subclassed one may.

    Args:
        model: The model.
        example: What to call it on, as in `pack`; None takes zeros of the shape that its `build` was given, if any.
    """
    if model.built and all(layer.built for layer in model._flatten_layers()):
        return
    if example is None and (specs := describe_inputs(model)) is not None:
        example = [np.zeros([size or 2 for size in spec.shape], spec.dtype) for spec in specs]
    if example is not None:
        model(pack(model, example), training=False)


def pack(model: keras.Model, inputs):
    """Return the structure of tensors to call `model` with.

    Args:
        model: The model.
        inputs: A list of arrays in flattened order, or the structure itself. Floats get the global float dtype, other
            arrays keep theirs.
    """
    structure = _structure(model)
    if isinstance(inputs, list) and structure is not None and len(tree.flatten(structure)) == len(inputs):
        inputs = tree.pack_sequence_as(structure, inputs)
    elif isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]

    def convert(leaf):
        if not isinstance(leaf, np.ndarray) or leaf.dtype.kind in "OSU":
            return leaf
        return to_tensor(leaf, keras.config.floatx() if leaf.dtype.kind == "f" else leaf.dtype.name)

    return tree.map_structure(convert, inputs)


def pack_targets(model: keras.Model, inputs, targets: list):
    """Return targets in the structure of the model's outputs.

    Args:
        model: The model.
        inputs: What `pack` takes; a model without a graph is called on it to see what comes out.
        targets: A tensor for each output, in flattened order.
    """
    outputs = getattr(_with_graph(model), "_outputs_struct", None)
    if outputs is None:
        with keras.StatelessScope():
            outputs = model(pack(model, inputs), training=False)
    return tree.pack_sequence_as(outputs, targets) if tree.is_nested(outputs) else targets[0]


def _with_graph(model):
    return model._functional if isinstance(model, keras.Sequential) and model.built else model


def _structure(model):
    return getattr(_with_graph(model), "_inputs_struct", None)


def _tokens(model) -> dict[int, int]:
    """By the identity of an input tensor, the size of the smallest vocabulary that it is looked up in."""
    found: dict[int, int] = {}
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Embedding):
            for node in layer._inbound_nodes:
                for tensor in node.input_tensors:
                    found[id(tensor)] = min(layer.input_dim, found.get(id(tensor), layer.input_dim))
    return found


def _tokens_of(tensor, model, tokens: dict[int, int]) -> int | None:
    if id(tensor) in tokens:
        return tokens[id(tensor)]
    if not tensor.dtype.startswith(("int", "uint")):
        return None
    return _smallest_vocabulary(model) or UNKNOWN_TOKENS


def _smallest_vocabulary(model) -> int | None:
    sizes = [layer.input_dim for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]
    return min(sizes, default=None)
