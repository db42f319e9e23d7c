"""The gradient of ops.categorical_crossentropy from logits is wrong on TensorFlow where targets do not sum to one.

Wrong: TensorFlow: it gives softmax - target; the loss -sum(t log softmax) has sum(t) softmax - target.
Scan: ops.categorical_crossentropy(x, y, from_logits=True) on below*
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


target = np.float32([[1, 1, 0]])


def loss(logits):
    """Return the cross entropy with two classes at once."""
    return ops.categorical_crossentropy(ops.convert_to_tensor(target), logits, from_logits=True)


print(keras.backend.backend(), gradient(loss, np.float32([[0, 0, 0]])))
# Expected: 2 / 3 - target = [-1/3, -1/3, 2/3], as central differences of the loss itself show; the losses agree.
