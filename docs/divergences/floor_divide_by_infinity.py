"""ops.floor_divide with an infinity differs on TensorFlow.

Wrong: TensorFlow: Python and NumPy have -1.25 // inf = -1 and inf // 0.5 = nan.
Scan: ops.floor_divide(x, y) on special*
"""

import keras
import numpy as np
from keras import ops

x, y = np.float32([-1.25, 2, np.inf]), np.float32([np.inf, -np.inf, 0.5])
result = ops.floor_divide(ops.convert_to_tensor(x), ops.convert_to_tensor(y))
print(keras.backend.backend(), ops.convert_to_numpy(result))
with np.errstate(invalid="ignore"):
    print("expected (numpy.floor_divide):", np.floor_divide(x, y))
