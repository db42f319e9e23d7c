"""ops.power of integers to a negative power raises on TensorFlow, is 0 on PyTorch and noise on JAX.

Wrong: JAX: the result, cut to a whole number, is 0; NumPy and TensorFlow raise.
Scan: ops.power(x, y) on integers int32[24], integers int32[24]*
Scan: ops.power(x, y) on boolean bool[12], integers int32[12]*
"""

import keras
import numpy as np
from keras import ops

x, y = ops.convert_to_tensor(np.int32([5, 2, 1])), ops.convert_to_tensor(np.int32([-2, -1, -1]))
try:
    print(keras.backend.backend(), ops.convert_to_numpy(ops.power(x, y)))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__)
# Expected: [0, 0, 1], the fractions 1/25, 1/2 and 1 cut off; or an error, as from numpy.power.
