"""The gradient of ops.dot_product_attention is wrong on PyTorch where a query may look at no key.

Wrong: PyTorch: its output is the mean of all values, yet each value's gradient is 1 where it must be 1/3.
Scan: ops.dot_product_attention(x, y, z, mask=w*
Scan: layers.MultiHeadAttention(2, 3)(layers.Masking*
Scan: layers.MultiHeadAttention(2, 3)(x, y, attention_mask=z)*
Scan: layers.GroupQueryAttention(3, 2, 1)(layers.Masking*
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
query, key, value = rng.standard_normal((3, 1, 3, 1, 4)).astype("float32")
mask = np.array([[[[False, True, True], [True, False, True], [True, True, True]]]])  # causal: query 0 has no key left


def attend(values):
    """Return what query 0 gathers from the values."""
    return ops.dot_product_attention(query, key, values, mask=ops.convert_to_tensor(mask), is_causal=True)[:, 0]


print(keras.backend.backend(), "output", ops.convert_to_numpy(attend(ops.convert_to_tensor(value)))[0, 0])
print(keras.backend.backend(), "mean of all values", value.mean(1)[0, 0])
print(keras.backend.backend(), "gradient of each value", gradient(attend, value)[0, :, 0, 0])
# Expected: the output is linear in the values; where it is their mean, the gradient of each is [1/3, 1/3, 1/3].
