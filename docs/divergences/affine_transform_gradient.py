"""The gradient of ops.image.affine_transform is wrong on TensorFlow.

Wrong: TensorFlow: the function is linear in the image, so that differences give its gradient but for rounding.
Scan: layers.RandomRotation(0.2*
Scan: layers.RandAugment()*
Scan: layers.RandomShear(*
Scan: layers.RandomTranslation(*
Scan: layers.RandomZoom(*
Scan: ops.image.perspective_transform(*
Scan: layers.RandomPerspective(*
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


rng = np.random.default_rng(1)
image, weights = rng.standard_normal((2, 1, 5, 5, 1)).astype(np.float32)
transform = np.float32([[0.9, 0.2, 0.31, -0.1, 1.1, -0.41, 0, 0]])


def total(image, interpolation):
    """Return a weighted sum of the transformed image."""
    return ops.sum(ops.multiply(ops.image.affine_transform(image, transform, interpolation), weights))


for interpolation in ("bilinear", "nearest"):
    found = gradient(lambda w, interpolation=interpolation: total(w + 0, interpolation), image)
    basis = np.eye(25, dtype=np.float32).reshape(25, 1, 5, 5, 1)
    expected = np.reshape([ops.convert_to_numpy(total(one, interpolation)) for one in basis], image.shape)
    error, largest = np.abs(found - expected).max(), np.abs(expected).max()
    print(keras.backend.backend(), interpolation, "off by", error, "where the largest is", largest)
# Expected: off by some 1e-7.
