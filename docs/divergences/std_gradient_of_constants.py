"""The gradient of ops.std of equal numbers, or of one number, is 0 on PyTorch and NaN elsewhere.

Wrong: nobody for equal numbers, as no derivative exists; TensorFlow and JAX for one, whose deviation is always 0.
Scan: ops.std(x, axis=-1) on constant*
Scan: ops.std(x, axis=1) on normal float[1, 3]*
Scan: ops.nanstd(x, axis=-1) on constant*
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


print(keras.backend.backend(), gradient(ops.std, np.float32([2, 2, 2])), gradient(ops.std, np.float32([2])))
# Expected: any subgradient, as [0, 0, 0]; [0].
