"""ops.hard_shrink and soft_shrink turn NaN into 0 on TensorFlow and JAX.

Wrong: TensorFlow and JAX: a NaN must not be hidden.
Scan: ops.hard_shrink(x) on special*
Scan: ops.soft_shrink(x) on special*
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.float32([np.nan, 2]))
print(keras.backend.backend(), ops.convert_to_numpy(ops.hard_shrink(x)), ops.convert_to_numpy(ops.soft_shrink(x)))
# Expected: [nan, 2] and [nan, 1.5].
