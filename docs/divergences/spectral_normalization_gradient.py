"""The gradient of a kernel behind SpectralNormalization passes the normalisation on JAX alone.

Wrong: TensorFlow, PyTorch: the layer writes the normalised kernel into the variable, which stops the gradient, so that
they give that of the normalised kernel. JAX divides by the norm and projects, as the paper does (Miyato et al., 2018).
"""

import keras
import numpy as np


class Gradient(keras.optimizers.Optimizer):
    """Puts the gradient in the place of the weight, so that a step of training shows it."""

    def update_step(self, gradient, variable, learning_rate):  # noqa: D102
        self.assign(variable, gradient)


kernel, x = np.float32([[3], [4]]), np.ones((1, 2), np.float32)
dense = keras.layers.Dense(1, use_bias=False)
model = keras.Sequential([keras.Input((2,)), keras.layers.SpectralNormalization(dense)])
dense.set_weights([kernel])
model.compile(Gradient(learning_rate=1.0), loss=lambda _, y: y, run_eagerly=True)
model.fit(x, np.zeros((1, 1)), verbose=0)
print(keras.backend.backend(), dense.get_weights()[0].ravel())
w, ones = kernel.astype(np.float64).ravel(), np.ones(2)
print("expected (numpy, float64):", (ones - w * (w @ ones) / (w @ w)) / np.sqrt(w @ w))
