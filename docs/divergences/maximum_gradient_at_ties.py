"""The gradient of ops.maximum and ops.minimum at ties goes to the first argument on TensorFlow and is halved elsewhere.

Wrong: TensorFlow is alone; (a + b + |a - b|) / 2 has the derivative 1/2 by central differences.
Scan: ops.maximum(x, y) on edges*
Scan: ops.minimum(x, y) on edges*
Scan: ops.maximum(x, y) on tied*
Scan: ops.minimum(x, y) on tied*
Scan: ops.maximum(x, 0)*
Scan: layers.Maximum()*tied*
Scan: layers.Minimum()*tied*
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


other = np.float32([1, 1, 1])
for function in (ops.maximum, ops.minimum):
    print(keras.backend.backend(), gradient(lambda w, f=function: f(w, other), np.float32([0, 1, 2])))
# Expected: [0, 1/2, 1] and [1, 1/2, 0].
