"""ops.dot of arrays of rank three multiplies batches on PyTorch, in another shape than elsewhere.

Wrong: PyTorch: numpy.dot contracts the last axis with the second last and keeps all the others.
Scan: ops.dot(x, y) on*
"""

import keras
import numpy as np
from keras import ops

x, y = np.ones((2, 3, 4), "float32"), np.ones((2, 4, 5), "float32")
try:
    result = ops.dot(ops.convert_to_tensor(x), ops.convert_to_tensor(y)).shape
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.dot(x, y).shape)
