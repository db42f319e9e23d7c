"""ops.pad by one number pads the last axis alone on PyTorch, and raises on TensorFlow.

Wrong: PyTorch and TensorFlow: numpy.pad pads every axis on both sides.
Scan: ops.pad(x, 1)*
"""

import keras
import numpy as np
from keras import ops

try:
    print(keras.backend.backend(), tuple(ops.pad(ops.ones((2, 2, 2)), 1).shape))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__)
print("expected (numpy.pad):", np.pad(np.ones((2, 2, 2)), 1).shape)
