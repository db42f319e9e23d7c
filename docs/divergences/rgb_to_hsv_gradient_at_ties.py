"""The gradient of ops.image.rgb_to_hsv where two colours are equal is another one on TensorFlow.

Wrong: nobody: the hue has no derivative there; for grey TensorFlow gives that of red alone.
Scan: ops.image.rgb_to_hsv(x) on constant*
Scan: ops.image.rgb_to_hsv(x / 2) on below*
"""

import keras
import numpy as np
from keras import ops


class Gradient(keras.optimizers.Optimizer):
    """Puts the gradient in the place of the weight, so that a step of training shows it."""

    def update_step(self, gradient, variable, learning_rate):  # noqa: D102
        self.assign(variable, gradient)


def gradient(function, at):
    """Return the gradient of sum(function(w)) at `at`."""

    class Apply(keras.layers.Layer):
        def build(self, _):
            self.w = self.add_weight(shape=at.shape, initializer=lambda *_, **__: ops.convert_to_tensor(at))

        def call(self, x):
            return ops.sum(function(self.w)) + 0 * x

        def compute_output_shape(self, shape):
            return shape

    model = keras.Sequential([Apply()])
    model.compile(Gradient(learning_rate=1.0), loss=lambda _, y: y, run_eagerly=True)
    model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    return model.get_weights()[0]


for pixel in ([0.5, 0.5, 0.5], [0.5, 0.5, 0.0]):
    print(keras.backend.backend(), pixel, gradient(ops.image.rgb_to_hsv, np.float32([[pixel]])).ravel().tolist())
# Expected: the same everywhere, as one of the subgradients.
