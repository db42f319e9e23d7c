"""The gradient of ops.abs at zero is 1 on JAX and 0 elsewhere.

Wrong: JAX is alone: 1 is a subgradient too, yet not the symmetric one that the others take.
Scan: ops.abs(x) on edges*
Scan: ops.absolute(x) on edges*
Scan: ops.fabs(x) on edges*
Scan: ops.argmin(ops.abs(x), axis=-1) on edges*
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


print(keras.backend.backend(), gradient(ops.abs, np.float32([-1, 0, 1])))
# Expected: [-1, 0, 1]; at zero the central difference (|h| - |-h|) / 2h is 0.
