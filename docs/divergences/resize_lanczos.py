"""Lanczos resizing is not there on PyTorch.

Wrong: PyTorch, which says so.
Scan: ops.image.resize(*lanczos*
Scan: layers.UpSampling2D(2, interpolation='lanczos*
"""

import keras
from keras import ops

try:
    print(keras.backend.backend(), ops.image.resize(ops.ones((1, 4, 4, 1)), (6, 6), interpolation="lanczos3").shape)
except ValueError as error:
    print(keras.backend.backend(), error)
# Expected: (1, 6, 6, 1).
