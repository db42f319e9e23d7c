"""ops.moments of integers are integers on TensorFlow and raise on PyTorch.

Wrong: TensorFlow and PyTorch: the mean of 1 and 2 is 1.5.
Scan: ops.moments(x, axes=[1]) on integers*
"""

import keras
import numpy as np
from keras import ops

try:
    print(keras.backend.backend(), ops.moments(ops.convert_to_tensor(np.int32([[1, 2]])), axes=[1]))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:60])
# Expected: 1.5 and 0.25.
