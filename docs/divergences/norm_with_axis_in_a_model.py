"""ops.norm with an axis cannot be used in a functional model on JAX.

Wrong: JAX: the operation keeps the axis as a list, which jax.numpy.linalg.norm refuses.
Scan: ops.norm(x, axis=1*
Scan: ops.norm(x, axis=-1*
Scan: ops.norm(x, axis=2*
Scan: ops.norm(x - x, axis=-1*
"""

import keras
import numpy as np
from keras import ops

x = keras.Input((3,))
model = keras.Model(x, ops.norm(x, axis=1))
try:
    print(keras.backend.backend(), ops.convert_to_numpy(model(np.float32([[3, 4, 12]]))))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:120])
# Expected: [13].
