"""A cross-entropy behind a saturated sigmoid or softmax is exact on TensorFlow and cut off elsewhere.

Wrong: JAX, PyTorch: the loss is cut off at -log(1e-7), 16.1, and the gradient is 0, where the activation lies within
1e-7 of the wrong label. TensorFlow goes back to what the activation was taken of. So it is where a model ends in a
sigmoid or softmax; of bare probabilities all three cut off.
"""

import keras
import numpy as np

logits = np.float32([[40.0], [20.0], [2.0]])
layer = keras.layers.Dense(1, activation="sigmoid")
model = keras.Sequential([keras.Input((1,)), layer])
model.set_weights([np.ones((1, 1)), np.zeros(1)])
model.compile(keras.optimizers.SGD(1.0), loss="binary_crossentropy", run_eagerly=True)
loss = model.train_on_batch(logits, np.zeros((3, 1), np.float32))
print(keras.backend.backend(), "loss", float(loss), "gradient", 1 - layer.get_weights()[0].item())
exact = logits.astype(np.float64)
expected = np.mean(np.logaddexp(0, exact)), np.mean(exact / (1 + np.exp(-exact)))
print("expected (numpy, float64): loss", *expected[:1], "gradient", *expected[1:])
