"""The gradient of AdaptiveMaxPooling2D to one row holds uninitialised memory on TensorFlow.

Wrong: TensorFlow: Keras pools by a window larger than the image there; of its empty result TensorFlow makes such a
gradient.
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


image = np.float32([[0, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 1]]).reshape(1, 2, 6, 1)
pool = keras.layers.AdaptiveMaxPooling2D((1, 3))
for _ in range(5):  # what lies in memory is sometimes zero
    print(keras.backend.backend(), gradient(pool, image).ravel().tolist())
# Expected: zeros and ones, three in sum, in one of the places of each maximum.
