"""ops.softmax and log_softmax over several axes work outside of a model, and in one on JAX alone.

Wrong: TensorFlow and PyTorch: the documentation allows several axes, and called by itself the function takes them.
Scan: ops.softmax(x, axis=(1, 2))*
Scan: ops.log_softmax(x, axis=(1, 2))*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[[1, 2], [3, 4]]])
print(keras.backend.backend(), "by itself", ops.convert_to_numpy(ops.softmax(x, axis=(1, 2))).round(4).tolist())
try:
    given = keras.Input((2, 2))
    model = keras.Model(given, ops.softmax(given, axis=(1, 2)))
    print(keras.backend.backend(), "in a model", ops.convert_to_numpy(model(x)).round(4).tolist())
except Exception as error:
    print(keras.backend.backend(), "in a model", type(error).__name__)
print("expected (numpy):", (np.exp(x) / np.exp(x).sum()).round(4).tolist())
