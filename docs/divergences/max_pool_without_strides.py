"""ops.max_pool without strides raises on JAX.

Wrong: JAX: strides default to the size of the pool.
Scan: ops.max_pool(x, 2) on*
Scan: ops.max_pool(x, 2, data_format='channels_first') on*
"""

import keras
import numpy as np
from keras import ops

x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
try:
    print(keras.backend.backend(), ops.convert_to_numpy(ops.max_pool(x, 2))[0, :, :, 0].tolist())
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:60])
# Expected: [[5, 7], [13, 15]].
