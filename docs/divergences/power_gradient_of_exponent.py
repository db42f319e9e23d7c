"""The gradient of ops.power differs for the exponent of a base of 0 or less, and for w ** 0 at w = 0.

Wrong: nobody for the exponent, where the base has no logarithm; TensorFlow and JAX for w ** 0, whose derivative is 0.
Scan: ops.power(x, y) on edges*
Scan: ops.power(x, y) on tied*
Scan: ops.power(x, y) on integers int32[24], normal*
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


base, exponent = np.float32([-2, 0, 0, 2]), np.float32([3, 0, -0.5, 3])
print(keras.backend.backend(), "exponent", gradient(lambda w: ops.power(base, w), exponent))
print(keras.backend.backend(), "base", gradient(lambda w: ops.power(w, exponent), base))
# Expected: exponent [undefined, undefined, undefined, 8 log 2 = 5.5452], base [12, 0, -inf, 12].
