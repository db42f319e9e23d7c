"""ops.nancumsum replaces infinities, too, on TensorFlow and PyTorch.

Wrong: TensorFlow and PyTorch: NumPy replaces NaN alone.
Scan: ops.nancumsum(x, axis=-1) on special*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([np.nan, np.inf, -np.inf, 1])
print(keras.backend.backend(), ops.convert_to_numpy(ops.nancumsum(ops.convert_to_tensor(x))))
with np.errstate(invalid="ignore"):
    print("expected (numpy.nancumsum):", np.nancumsum(x))
