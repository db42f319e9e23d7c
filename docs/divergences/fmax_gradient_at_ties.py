"""The gradient of ops.fmax and ops.fmin at ties goes to the second argument on JAX and to the first elsewhere.

Wrong: nobody: any split is a subgradient; the symmetric one is 1/2.
Scan: ops.fmax(x, y) on edges*
Scan: ops.fmin(x, y) on edges*
Scan: ops.fmax(x, y) on tied*
Scan: ops.fmin(x, y) on tied*
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
for function in (ops.fmax, ops.fmin):
    print(keras.backend.backend(), gradient(lambda w, f=function: f(w, other), np.float32([0, 1, 2])))
# Expected: [0, c, 1] and [1, d, 0] with c and d from 0 to 1.
