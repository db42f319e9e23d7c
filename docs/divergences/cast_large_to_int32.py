"""ops.cast of a float beyond int32, or of NaN, saturates on JAX and gives the smallest integer elsewhere.

Wrong: nobody: C leaves the conversion undefined. ops.saturate_cast differs for NaN too.
Scan: ops.cast(x, 'int32') on saturated*
Scan: ops.saturate_cast(x, 'int32') on special*
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.float32([1e30, -1e30, np.nan]))
print(keras.backend.backend(), ops.convert_to_numpy(ops.cast(x, "int32")))
print("saturate_cast:", ops.convert_to_numpy(ops.saturate_cast(x, "int32")))
# Saturation gives [2147483647, -2147483648, ?]; C defines none of the three.
