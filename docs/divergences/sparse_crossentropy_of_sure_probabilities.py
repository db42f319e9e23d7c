"""The gradient of ops.sparse_categorical_crossentropy is off by 1e-7 for each probability near 0 on TensorFlow.

Wrong: TensorFlow: it cuts probabilities off at 1e-7 and divides by their sum afterwards, which the cutting has changed;
the others divide first.
"""

import keras
import numpy as np


class Gradient(keras.optimizers.Optimizer):
    """Puts the gradient in the place of the weight, so that a step of training shows it."""

    def update_step(self, gradient, variable, learning_rate):  # noqa: D102
        self.assign(variable, gradient)


probabilities = np.float32([[1 - 1e-6, 1e-6, 0, 0, 0]])


class Probabilities(keras.layers.Layer):
    """Gives its weight, whatever it takes."""

    def build(self, _):  # noqa: D102
        self.w = self.add_weight(shape=(1, 5), initializer=lambda *_, **__: keras.ops.convert_to_tensor(probabilities))

    def call(self, x):  # noqa: D102
        return self.w + 0 * x


model = keras.Sequential([Probabilities()])
model.compile(Gradient(learning_rate=1.0), loss="sparse_categorical_crossentropy", run_eagerly=True)
model.fit(np.zeros((1, 1)), np.zeros((1, 1), int), verbose=0)
print(keras.backend.backend(), model.get_weights()[0][0, :2])
p = probabilities.astype(np.float64)[0]
print("expected (numpy, float64):", [-1 / p[0] + 1 / p.sum(), 1 / p.sum()])
