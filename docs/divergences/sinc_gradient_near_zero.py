"""The gradient of ops.sinc is NaN at zero on TensorFlow, and inaccurate to useless near zero everywhere.

Wrong: TensorFlow at 0, JAX at 1e-30, all three at 1e-4, by a factor of 2 to 4.
Scan: ops.sinc(x) on edges*
Scan: ops.sinc(x) on special*
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


at = np.float32([0, 1e-30, 1e-4, 0.3])
print(keras.backend.backend(), gradient(ops.sinc, at))
# Expected: [0, -3.29e-30, -3.29e-04, -0.902028]: (cos(pi x) - sinc(x)) / x in 50 digits; near zero -pi^2 x / 3.
