"""ops.sort and argsort put NaN elsewhere on TensorFlow.

Wrong: TensorFlow: NumPy sorts NaN to the end.
Scan: ops.sort(x) on special*
Scan: ops.argsort(x) on special*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([np.nan, 2, -np.inf, 1, np.inf])
print(keras.backend.backend(), ops.convert_to_numpy(ops.sort(ops.convert_to_tensor(x))))
print("expected (numpy.sort):", np.sort(x))
