"""ops.average_pool with one number as the size of a planar window raises on JAX.

Wrong: JAX: the documentation allows one number; ops.max_pool takes it.
Scan: ops.average_pool(x, 2) on normal float[7*
Scan: ops.average_pool(x, 2, padding='same', data_format*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[1, 2], [3, 6]]).reshape(1, 2, 2, 1)
try:
    result = ops.average_pool(ops.convert_to_tensor(x), 2)
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", [[[[3]]]])
