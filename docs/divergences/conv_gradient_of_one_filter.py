"""The gradient of Conv2D with one filter raises on PyTorch for a batch of one, in float64 for any batch.

Wrong: PyTorch: the others train; with two filters, or with one channel before the layer, PyTorch does so, too.
"""

import keras
import numpy as np

for filters, batch in ((1, 2), (1, 1), (2, 1)):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.Conv2D(filters, 3)])
    model.compile("sgd", "mse")
    images, targets = np.ones((batch, 9, 9, 3)), np.zeros((batch, 7, 7, filters))
    try:
        loss = model.train_on_batch(images, targets)
        print(keras.backend.backend(), f"{filters} filters, batch of {batch}: trains", np.isfinite(loss))
    except Exception as error:
        print(keras.backend.backend(), f"{filters} filters, batch of {batch}: {type(error).__name__}: {error}")
