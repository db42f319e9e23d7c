"""ops.hypot of two infinities is NaN on TensorFlow.

Wrong: TensorFlow: C99, IEEE 754 and NumPy have hypot(inf, anything) = inf, NaN included.
Scan: ops.hypot(x, y) on special*
"""

import keras
import numpy as np
from keras import ops

x, y = np.float32([np.inf, np.nan, 3]), np.float32([np.inf, -np.inf, 4])
print(keras.backend.backend(), ops.convert_to_numpy(ops.hypot(ops.convert_to_tensor(x), ops.convert_to_tensor(y))))
print("expected (numpy.hypot):", np.hypot(x, y))
