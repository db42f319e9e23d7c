"""ops.sign of NaN is 0 on PyTorch and NaN elsewhere.

Wrong: PyTorch: NumPy's sign of NaN is NaN, and a NaN should not be hidden.
Scan: ops.sign(x) on special*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([np.nan, -2.0])
print(keras.backend.backend(), ops.convert_to_numpy(ops.sign(ops.convert_to_tensor(x))))
print("expected (numpy.sign):", np.sign(x))
