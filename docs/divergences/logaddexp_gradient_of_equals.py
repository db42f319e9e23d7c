"""The gradient of ops.logaddexp and logaddexp2 is wrong on TensorFlow where both arguments are equal.

Wrong: TensorFlow: log(e^x + e^y) is smooth, and its derivative at x = y is 1/2.
Scan: ops.logaddexp(x, y) on edges*
Scan: ops.logaddexp2(x, y) on edges*
Scan: ops.logaddexp(x, y) on saturated*
Scan: ops.logaddexp2(x, y) on saturated*
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


other = np.float32([0, 0, 0])
for function in (ops.logaddexp, ops.logaddexp2):
    print(keras.backend.backend(), gradient(lambda w, f=function: f(w, other), np.float32([-1, 0, 1])))
# Expected: [0.26894, 1/2, 0.73106], 1 / (1 + e^-x), and [1/3, 1/2, 2/3].
