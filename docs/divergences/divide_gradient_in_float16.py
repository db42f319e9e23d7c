"""The gradient of ops.divide by small numbers is infinite or NaN on JAX.

Wrong: JAX: it divides by the square, too small for float16 below 4e-3 and for float32 below 2e-19; the others do not.
Scan: ops.divide(x, y) on edges*
Scan: ops.divide_no_nan(x, y) on edges*
Scan: ops.true_divide(x, y) on edges*
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


for dtype, at in (("float32", [[1e-30, 0], [1e-30, 1e-30]]), ("float16", [[1e-3, 1e-3], [4e-4, 2e-4]])):
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    at = np.array(at, dtype)
    found = gradient(lambda w: ops.divide(w[0], w[1]), at)[1]
    x, y = at.astype(np.float64)
    print(keras.backend.backend(), dtype, found, "expected (numpy, float64):", -x / y**2)
