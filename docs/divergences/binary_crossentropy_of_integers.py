"""ops.binary_crossentropy of an integer target works on JAX alone.

Wrong: TensorFlow and PyTorch, which raise.
Scan: ops.binary_crossentropy(x, y) on below 2 int32*
"""

import keras
import numpy as np
from keras import ops

target, output = np.int32([0, 1]), np.float32([0.25, 0.5])
try:
    result = ops.binary_crossentropy(ops.convert_to_tensor(target), ops.convert_to_tensor(output))
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", -np.log(np.float32([0.75, 0.5])))
