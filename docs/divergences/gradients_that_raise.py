"""The gradient of some operations raises on one backend or two.

Wrong: who raises; the derivatives exist.
Scan: ops.slice_update(x, *
Scan: ops.vander(*
Scan: ops.scatter_update(*
Scan: ops.rfft(x, fft_length=12)*
Scan: ops.irfft((x, y), fft_length=9)*
Scan: ops.view(x, dtype='float16')*
Scan: ops.segment_prod(x, y, num_segments=4)*
Scan: ops.ctc_decode(x, y + 3*
Scan: ops.unique(x, size=6)*
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


matrix = np.float32([[1, 2], [3, 4]])
twice = ops.convert_to_tensor(np.int32([[0], [0]]))
for name, function in (
    ("slice_update", lambda w: ops.slice_update(w + 0, (0, 0), ops.zeros((1, 2)))),
    ("vander", lambda w: ops.vander(w[0])),
    ("rfft", lambda w: ops.rfft(ops.reshape(w, (4,)), fft_length=3)[0]),
    ("scatter_update max", lambda w: ops.scatter_update(ops.zeros((2,)), twice, w[0], reduction="max")),
    ("segment_prod", lambda w: ops.segment_prod(ops.reshape(w, (4,)), np.int32([0, 0, 1, 1]), num_segments=2)),
    ("view", lambda w: ops.cast(ops.view(w + 0, dtype="float16"), "float32")),
    ("ctc_decode", lambda w: ops.ctc_decode(ops.reshape(w, (1, 2, 2)), np.int32([2]))[1]),
    ("unique", lambda w: ops.unique(ops.reshape(w, (4,)), size=4)),
):
    try:
        print(keras.backend.backend(), name, gradient(function, matrix).tolist())
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__, str(error)[:90])
# Expected: [[0, 0], [1, 1]]; [[1, 1], [0, 0]], the derivative of x + 1; [[2, 0.5], [0.5, 0]]; [[0, 1], [0, 0]];
# [[2, 1], [4, 3]], the other factor; zeros; [[0, -1], [0, -1]], minus one at each step's best score; ones.
