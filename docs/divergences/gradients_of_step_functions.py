"""Step functions have the gradient 0 on some backends, and raise or have none on others.

Wrong: who raises: the derivative is 0 wherever it exists; PyTorch for floor_divide and heaviside.
Scan: ops.floor_divide(x, y) on normal*
Scan: ops.floor_divide(x, y) on saturated*
Scan: ops.floor_divide(x, y) on edges*
Scan: ops.floor_divide(x, y) on tied*
Scan: ops.floor_divide(x, 0.3)*
Scan: ops.heaviside(x, y) on edges*
Scan: ops.heaviside(y, x)*
Scan: ops.nextafter(x, y)*
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


for name, function in (
    ("floor_divide", lambda w: ops.floor_divide(w, 0.3)),
    ("heaviside", lambda w: ops.heaviside(w, 0.5)),
    ("nextafter", lambda w: ops.nextafter(w, 2.0 + 0 * w)),
):
    try:
        print(keras.backend.backend(), name, gradient(function, np.float32([1, -1])).tolist())
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__, str(error)[-60:])
# Expected: [0, 0]; [0, 0]; [1, 1], as nextafter keeps close to its first argument.
