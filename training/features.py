"""Looking into a model: its kernels, what each stage makes of an image, and a layer's output while it trains."""

import keras
import numpy as np

from data.pipeline import scale
from data.split import Split

# The original maps the first 500 test images.
EXAMPLES = 500
# 100 frames of mnist_cnn are 300 MB; past that every second one is dropped.
MOST_FRAMES = 100


class FeatureRecorder:
    """Keeps the flattened outputs of one layer, a frame at each call.

    Args:
        layer: The layer's name.
        test: Its first `EXAMPLES` images are looked at.

    Attributes:
        labels: int64 `(n,)` of those images.
        frames: Pairs of the step and float32 `(n, d)`; never more than `MOST_FRAMES`, evenly spaced.
    """

    def __init__(self, layer: str, test: Split):
        first = test.first(min(EXAMPLES, len(test)))
        self.labels = first.labels
        self.frames: list[tuple[int, np.ndarray]] = []
        self._layer, self._inputs = layer, scale(first.inputs)
        self._model: keras.Model | None = None
        self._calls, self._stride = 0, 1

    def __call__(self, model: keras.Model, step: int) -> None:
        """Record a frame of `model` after `step` steps."""
        self._calls += 1
        if (self._calls - 1) % self._stride:
            return
        if len(self.frames) == MOST_FRAMES:
            self.frames, self._stride = self.frames[::2], self._stride * 2
        self.frames.append((step, self.features(model)))

    def features(self, model: keras.Model) -> np.ndarray:
        """Return the layer's output for the images now, float32 `(n, d)`."""
        if self._model is None:
            self._model = keras.Model(model.input, model.get_layer(self._layer).output)
        return np.asarray(self._model.predict_on_batch(self._inputs)).reshape(len(self._inputs), -1)


def convolution_kernels(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the kernels of the 2-D convolutions, float32 `(height, width, channels, filters)`, by layer name."""
    convolutions = (layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return {layer.name: keras.ops.convert_to_numpy(layer.kernel) for layer in convolutions}


def stage_outputs(model: keras.Model, image: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return what each layer that gives maps makes of one image, in the model's order.

    Args:
        model: A functional model.
        image: uint8 `(height, width, 1)`.

    Returns:
        Pairs of a layer's name and float32 `(height, width, channels)`; empty if no layer but the input gives maps.
    """
    stages = [
        layer
        for layer in model.layers
        if len(layer.output.shape) == 4 and not isinstance(layer, keras.layers.InputLayer | keras.layers.ZeroPadding2D)
    ]
    if not stages:
        return []
    outputs = keras.Model(model.input, [layer.output for layer in stages]).predict_on_batch(scale(image[None]))
    return [(layer.name, np.asarray(output)[0]) for layer, output in zip(stages, outputs, strict=True)]
