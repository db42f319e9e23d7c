"""The gradient of MaxPooling3D goes to all of equal maxima on TensorFlow, in full to each.

Wrong: TensorFlow: of eight equal values the gradient's sum is eight times as large as the output's.
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


volume = np.zeros((1, 2, 2, 2, 1), np.float32)
pool = keras.layers.MaxPooling3D(2)
print(keras.backend.backend(), gradient(pool, volume).ravel().tolist())
# Expected: a sum of 1, as of one entry or of shares. A directional derivative, by finite differences of a single entry,
# is 1 upwards and 0 downwards: any weights of the eight that add up to 1 make a subgradient, and eight ones do not.
