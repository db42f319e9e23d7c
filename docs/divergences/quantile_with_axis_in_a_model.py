"""ops.quantile and percentile with an axis cannot be used in a functional model on JAX.

Wrong: JAX: the operation keeps the axis as a list, which jax.numpy.quantile refuses.
Scan: ops.quantile(x, 0.3, axis*
Scan: ops.quantile(x, 0.5, axis*
Scan: ops.quantile(x, [0.25, 0.5], axis*
Scan: ops.percentile(x, 30, axis*
Scan: ops.nanquantile(x, 0.*axis*
Scan: ops.nanpercentile(x, 30, axis*
"""

import keras
import numpy as np
from keras import ops

x = keras.Input((3,))
model = keras.Model(x, ops.quantile(x, 0.5, axis=1))
try:
    print(keras.backend.backend(), ops.convert_to_numpy(model(np.float32([[3, 4, 12]]))))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:120])
# Expected: [4].
