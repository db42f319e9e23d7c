"""ops.heaviside of NaN is three different things.

Wrong: TensorFlow (the second argument) and PyTorch (0): NumPy's is NaN.
Scan: ops.heaviside(x, y) on special*
"""

import keras
import numpy as np
from keras import ops

x, y = np.float32([np.nan, -1, 0]), np.float32([0.5, 0.5, 0.5])
print(keras.backend.backend(), ops.convert_to_numpy(ops.heaviside(ops.convert_to_tensor(x), ops.convert_to_tensor(y))))
print("expected (numpy.heaviside):", np.heaviside(x, y))
