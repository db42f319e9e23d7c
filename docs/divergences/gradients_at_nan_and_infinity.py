"""The gradients of common functions at NaN and infinity depend on the backend.

Wrong: who gives another number than the limit; at NaN who gives a number at all, since it hides the NaN.
Scan: ops.relu(x) on special*
Scan: ops.hard_tanh(x) on special*
Scan: ops.sparse_sigmoid(x) on special*
Scan: ops.abs(x) on special*
Scan: ops.elu(x) on special*
Scan: ops.selu(x) on special*
Scan: ops.celu(x) on special*
Scan: ops.softsign(x) on special*
Scan: ops.hard_silu(x) on special*
Scan: ops.hard_swish(x) on special*
Scan: ops.cbrt(x) on special*
Scan: layers.ReLU()(x) on special*
Scan: layers.PReLU()(x) on special*
Scan: layers.ELU()(x) on special*
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


at = np.float32([np.nan, np.inf, -np.inf])
for name, limits in (
    ("relu", [1, 0]),
    ("elu", [1, 0]),
    ("selu", [1.0507, 0]),
    ("celu", [1, 0]),
    ("softsign", [0, 0]),
    ("hard_silu", [1, 0]),
    ("hard_swish", [1, 0]),
    ("hard_tanh", [0, 0]),
    ("sparse_sigmoid", [0, 0]),
    ("abs", [1, -1]),
    ("cbrt", [0, 0]),
):
    print(keras.backend.backend(), name, gradient(getattr(ops, name), at), "expected: NaN and", limits)
