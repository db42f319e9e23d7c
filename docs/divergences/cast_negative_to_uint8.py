"""ops.cast of a negative or too large float to uint8 saturates on JAX and wraps round elsewhere.

Wrong: nobody: C leaves it undefined (TensorFlow saturates float64); use ops.saturate_cast.
Scan: ops.cast(x, 'uint8')*
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.float32([-1, -2.5, 300, 1e30]))
print(keras.backend.backend(), ops.convert_to_numpy(ops.cast(x, "uint8")))
print("the defined way:", ops.convert_to_numpy(ops.saturate_cast(x, "uint8")))
