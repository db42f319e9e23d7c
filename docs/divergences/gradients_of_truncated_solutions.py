"""The gradients of ops.pinv and ops.lstsq with an rcond that truncates are right on TensorFlow alone.

Wrong: JAX and PyTorch for pinv, a majority, and PyTorch for lstsq.
Scan: ops.pinv(x, rcond=0.3)*
Scan: ops.lstsq(x[0], y[0], rcond=0.5)*
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


matrix, target = np.array([[3, 0.5], [0, 0.5], [0, 0]]), np.ones(3)


def differences(function):
    """Return the gradient of sum(function(matrix)) by central differences, in NumPy's float64."""
    steps = 1e-6 * np.eye(matrix.size).reshape(-1, *matrix.shape)
    values = [(np.sum(function(matrix + step)) - np.sum(function(matrix - step))) / 2e-6 for step in steps]
    return np.reshape(values, matrix.shape).round(4).tolist()


for name, function, numpy_function in (
    ("pinv", lambda w: ops.pinv(w, rcond=0.3), lambda a: np.linalg.pinv(a, rcond=0.3)),
    (
        "lstsq",
        lambda w: ops.lstsq(w, ops.ones(3), rcond=0.3),
        lambda a: np.linalg.lstsq(a, target, rcond=0.3)[0],
    ),
):
    print(keras.backend.backend(), name, gradient(function, matrix.astype(np.float32)).round(4).tolist())
    print("expected (numpy):", differences(numpy_function))
