"""ops.erf of infinity in float64 is NaN on TensorFlow.

Wrong: TensorFlow: erf tends to 1; its float32 is right.
Scan: ops.erf(x) on special*
"""

import keras
import numpy as np
from keras import ops

for dtype in ("float32", "float64"):
    x = ops.convert_to_tensor(np.array([np.inf, -np.inf, 3.0] * 3, dtype), dtype)
    print(keras.backend.backend(), dtype, ops.convert_to_numpy(ops.erf(x))[:3])
# Expected: [1, -1, 0.99998] by math.erf.
