"""ops.logdet of a matrix with a negative determinant is a number on JAX and NaN elsewhere.

Wrong: JAX: the logarithm of -2 is NaN; JAX gives that of the absolute value.
Scan: ops.logdet(x) on normal*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[0, 1], [2, 0]])
try:
    result = ops.logdet(ops.convert_to_tensor(x))
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.nan)
