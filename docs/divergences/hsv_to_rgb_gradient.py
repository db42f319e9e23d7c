"""ops.image.hsv_to_rgb has no gradient on TensorFlow.

Wrong: TensorFlow: the function is piecewise linear; the others differentiate it, at its kinks to other subgradients.
Scan: ops.image.hsv_to_rgb(x) on unit*
Scan: ops.image.hsv_to_rgb(ops.transpose(x, *
Scan: ops.image.hsv_to_rgb(x) on constant*
Scan: layers.RandomHue(0.3)*
Scan: layers.RandomSaturation(0.4)*
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


for hue in (0.3, 0.5):
    try:
        found = gradient(lambda w: ops.image.hsv_to_rgb(w)[..., :2], np.float32([[[hue, 0.5, 0.8]]])).ravel()
    except Exception as error:
        found = f"{type(error).__name__} {str(error)[:100]}"
    print(keras.backend.backend(), "hue", hue, found)
# Expected, by differences of the sum of red and green: [-2.4, -0.64, 1.6]; at the kink [from -2.4 to 0, -0.8, 1.5].
