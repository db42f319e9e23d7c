"""The gradient of ops.det of a singular matrix is 0 on PyTorch and raises on TensorFlow.

Wrong: PyTorch and TensorFlow: it is the matrix of cofactors, which exists for every matrix.
Scan: ops.det(x) on constant*
Scan: ops.det(x) on tied*
Scan: ops.slogdet(x) on constant*
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


try:
    print(keras.backend.backend(), gradient(ops.det, np.float32([[1, 1], [1, 1]])).tolist())
except Exception as error:
    print(keras.backend.backend(), type(error).__name__)
# Expected: [[1, -1], [-1, 1]], as the determinant is ad - bc.
