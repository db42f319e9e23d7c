"""The gradient of ops.rsqrt at -0.0 is minus infinity on JAX and plus infinity elsewhere.

Wrong: TensorFlow and PyTorch: 1 / sqrt(x) falls wherever it exists, the more steeply the nearer to 0.
Scan: ops.rsqrt(x) on edges*
Scan: ops.rsqrt(x) on special*
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


print(keras.backend.backend(), gradient(ops.rsqrt, np.float32([1e-20, 0.0, -0.0])))
# Expected: [-5e29, -inf, -inf], -x^(-3/2) / 2 and its limit. To TensorFlow and JAX -1e-40, too, is -0.0.
