"""ops.isclose calls equal infinities different, and a number close to infinity, on TensorFlow.

Wrong: TensorFlow: by NumPy, infinities are close to themselves and to nothing else.
Scan: ops.isclose(x, y) on special*
Scan: ops.isclose(x, x, equal_nan=True) on special*
"""

import keras
import numpy as np
from keras import ops

x, y = np.float32([np.inf, 2, np.inf]), np.float32([np.inf, np.inf, -np.inf])
print(keras.backend.backend(), ops.convert_to_numpy(ops.isclose(ops.convert_to_tensor(x), ops.convert_to_tensor(y))))
print("expected (numpy.isclose):", np.isclose(x, y))
