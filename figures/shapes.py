"""What does each layer make of one image?"""

import numpy as np


def layer_shapes(model, seed: int = 0) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return each layer's name, class and output shape, for one example of random numbers.

    Args:
        model: A built functional `keras.Model` with one input.
        seed: Of the random numbers.
    """
    import keras  # here, so that the figures need no framework

    generator = np.random.default_rng(seed)
    shape, dtype = (1, *model.input.shape[1:]), np.dtype(model.input.dtype)
    example = np.zeros(shape, dtype) if dtype.kind == "i" else generator.random(shape).astype(dtype)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.input, [layer.output for layer in layers]).predict_on_batch(example)
    return [
        (layer.name, type(layer).__name__, tuple(np.shape(output)))
        for layer, output in zip(layers, outputs, strict=True)
    ]


def render_shapes(model) -> str:
    """Return the table of `layer_shapes` as text, a line per layer."""
    rows = [(f"{kind} ({name})", shape) for name, kind, shape in layer_shapes(model)]
    width = max(len(layer) for layer, _ in rows)
    return "\n".join(f"{layer:{width}}  output shape: {shape}" for layer, shape in rows)
