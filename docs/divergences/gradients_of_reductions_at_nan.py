"""The gradients of reductions of NaN depend on the backend.

Wrong: who hides the NaN: JAX, compiled, for max, min and ptp, all for median; PyTorch for nanvar, which skips a NaN.
Scan: ops.max(x, axis=-1) on special*
Scan: ops.min(x, axis=-1) on special*
Scan: ops.amax(x, axis=-1) on special*
Scan: ops.amin(x, axis=-1) on special*
Scan: ops.ptp(x, axis=-1) on special*
Scan: ops.median(x, axis=-1) on special*
Scan: ops.nanstd(x, axis=-1) on special*
Scan: ops.nanvar(x, axis=-1) on special*
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
    model.compile(Gradient(learning_rate=1.0), loss=lambda _, y: y)
    model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    return model.get_weights()[0]


for name, at, expected in (
    ("max", [[np.nan, 1, 2]], "[[nan nan nan]]"),
    ("ptp", [[np.nan, 1, 2]], "[[nan nan nan]]"),
    ("median", [[np.nan, 1, 2]], "[[nan nan nan]]"),
    ("nanvar", [[np.nan, np.inf, 1]], "[[0 nan nan]]"),
):
    function = getattr(ops, name)
    found = gradient(lambda w, function=function: function(w + 0, axis=-1), np.float32(at))
    print(keras.backend.backend(), name, found, "expected:", expected)
