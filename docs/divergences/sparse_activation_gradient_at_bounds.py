"""The gradient of ops.sparse_sigmoid and ops.sparsemax where an output just reaches 0 or 1 is halved on JAX.

Wrong: nobody: at these points the functions have a kink, and each backend gives one of the subgradients.
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


print(keras.backend.backend(), "sparse_sigmoid:", gradient(ops.sparse_sigmoid, np.float32([-1, 0, 1])), end=" ")
print("sparsemax, last output:", gradient(lambda w: ops.sparsemax(w)[-1], np.float32([1, 0])))
# Expected: numbers from 0 to 0.5 at -1 and 1; for sparsemax, from [0, 0] to [-1, 1].
