"""ops.rot90 by 180 degrees about axes (2, 1) mixes up the array on TensorFlow.

Wrong: TensorFlow, by numpy.rot90.
Scan: ops.rot90(x, k=2, axes=(2, 1))*
"""

import keras
import numpy as np
from keras import ops

x = np.arange(6.0, dtype="float32").reshape(1, 2, 3)
try:
    result = ops.rot90(ops.convert_to_tensor(x), k=2, axes=(2, 1))
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.rot90(x, k=2, axes=(2, 1)))
