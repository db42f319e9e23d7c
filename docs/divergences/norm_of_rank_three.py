"""ops.norm of an array of rank three without an axis raises on TensorFlow.

Wrong: TensorFlow: the documentation promises the 2-norm of the flattened array.
Scan: ops.norm(x) on*
"""

import keras
from keras import ops

x = ops.ones((2, 3, 4))
try:
    print(keras.backend.backend(), float(ops.norm(x)))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, error)
# Expected: sqrt(24) = 4.89898.
