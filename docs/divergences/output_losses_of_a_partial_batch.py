"""Each output's own loss, as fit and evaluate report it, is wrong where the last batch is smaller than the others.

Wrong: TensorFlow: it reports the mean of the batches' means; the loss of all examples is their mean. The total loss
is right everywhere, and so is the training.
"""

import keras
import numpy as np

x = np.arange(10.0, dtype="float32").reshape(10, 1)
given = keras.Input((1,))
model = keras.Model(given, [keras.layers.Identity(name="first")(given), keras.layers.Identity(name="second")(given)])
model.compile("sgd", loss={"first": "mse", "second": "mae"})
zeros = {"first": np.zeros((10, 1)), "second": np.zeros((10, 1))}
reported = model.evaluate(x, zeros, batch_size=4, verbose=0, return_dict=True)
print(keras.backend.backend(), {name: round(float(value), 4) for name, value in reported.items()})
print("numpy:", {"first_loss": np.mean(x**2), "second_loss": np.mean(np.abs(x))})
# Expected: first_loss 28.5, second_loss 4.5.
