"""ops.imag of real numbers raises on PyTorch.

Wrong: PyTorch: NumPy's imag of real numbers is 0.
Scan: ops.imag(x)*
"""

import keras
import numpy as np
from keras import ops

try:
    print(keras.backend.backend(), ops.convert_to_numpy(ops.imag(ops.convert_to_tensor(np.float32([1, 2])))))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, error)
print("expected (numpy.imag):", np.imag(np.float32([1, 2])))
