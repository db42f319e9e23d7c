"""ops.correlate, mode 'same', longer second argument: shifted on TensorFlow, too short on PyTorch.

Wrong: TensorFlow and PyTorch, by numpy.correlate; JAX is right.
Scan: ops.correlate(x[0], y[0], mode='same') on*
"""

import keras
import numpy as np
from keras import ops

x, y = np.float32([1, 2, 3, 4]), np.float32([1, 0, 2, 0, 1, 1, 3])
try:
    result = ops.correlate(ops.convert_to_tensor(x), ops.convert_to_tensor(y), mode="same")
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.correlate(x, y, mode="same"))
