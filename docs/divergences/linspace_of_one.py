"""ops.linspace of tensors with num=1 is NaN on PyTorch.

Wrong: PyTorch: numpy.linspace gives the start.
Scan: ops.linspace(x, y, 1)*
"""

import keras
import numpy as np
from keras import ops

start, stop = np.float32([1, 2]), np.float32([3, 4])
try:
    result = ops.linspace(ops.convert_to_tensor(start), ops.convert_to_tensor(stop), 1)
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.linspace(start, stop, 1))
