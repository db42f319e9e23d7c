"""ops.correlate with mode 'valid' and a longer second argument raises on TensorFlow.

Wrong: TensorFlow, by numpy.correlate; PyTorch loses an axis where both are equally long.
Scan: ops.correlate(x[0], y[0], mode='valid') on*
Scan: ops.correlate(x[0], y[0]) on*
"""

import keras
import numpy as np
from keras import ops

x, y = np.float32([1, 2, 3, 4]), np.float32([1, 0, 2, 0, 1, 1, 3])
try:
    result = ops.correlate(ops.convert_to_tensor(x), ops.convert_to_tensor(y), mode="valid")
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.correlate(x, y, mode="valid"))
