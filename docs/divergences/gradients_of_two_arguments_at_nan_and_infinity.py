"""The gradients of functions of two arguments at NaN and infinity depend on the backend.

Wrong: at (1, infinity) JAX, whose logaddexp grows there by e; at (0, 0) and NaN nobody, as no derivative exists.
Scan: ops.fmax(x, y) on special*
Scan: ops.fmin(x, y) on special*
Scan: ops.maximum(x, y) on special*
Scan: ops.minimum(x, y) on special*
Scan: ops.fmod(x, y) on special*
Scan: ops.mod(x, y) on special*
Scan: ops.power(x, y) on special*
Scan: ops.arctan2(x, y) on special*
Scan: ops.logaddexp(x, y) on special*
Scan: ops.arctan2(x, y) on edges*
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


at = np.float32([[1, 0, np.nan, 1], [np.inf, 0, 1, np.nan]])
for name, expected in (
    ("logaddexp", "(0, 1), (0.5, 0.5)"),
    ("maximum", "(0, 1)"),
    ("minimum", "(1, 0)"),
    ("fmax", "(0, 1)"),
    ("fmin", "(1, 0)"),
    ("fmod", "(1, 0)"),
    ("mod", "(1, 0)"),
    ("power", "none"),
    ("arctan2", "(0, 0)"),
):
    function = getattr(ops, name)
    x, y = gradient(lambda w, function=function: function(w[0], w[1]), at)
    pairs = ", ".join(f"({a:.3g}, {b:.3g})" for a, b in zip(x, y, strict=True))
    print(keras.backend.backend(), name, pairs, "expected at (1, inf), and where it exists at (0, 0):", expected)
