"""An embedding is trained otherwise on TensorFlow where a token occurs more than once in a batch.

Wrong: TensorFlow: the gradient of a token is the sum over its occurrences, and Keras squares each one by itself. So it
is with Adam, AdamW, Nadam, Adamax, RMSprop, Adagrad, Adadelta, Ftrl, Lamb, Adafactor and Muon, not with SGD and Lion.
"""

import keras
import numpy as np

tokens = np.int32([[1, 2, 0, 1]])
weights = np.float32([[1], [2], [3]])
layer = keras.layers.Embedding(3, 1)
model = keras.Sequential([keras.Input((4,), dtype="int32"), layer])
model.set_weights([weights])
optimizer = keras.optimizers.Adam(learning_rate=0.1)
model.compile(optimizer, loss="mse", run_eagerly=True)
model.train_on_batch(tokens, np.zeros((1, 4, 1), np.float32))
velocity = next(variable for variable in optimizer.variables if variable.path.endswith("velocity"))
print(keras.backend.backend(), keras.ops.convert_to_numpy(velocity).ravel(), layer.get_weights()[0].ravel())
gradient = np.array([2 * weights[row, 0] / 4 * (tokens == row).sum() for row in range(3)], np.float64)
print("expected (numpy, float64):", 0.001 * gradient**2, weights.ravel() - 0.1 * np.sign(gradient))
