"""ops.sparse_categorical_crossentropy over an inner axis works on PyTorch alone.

Wrong: TensorFlow and JAX, which raise.
Scan: ops.sparse_categorical_crossentropy(x, y, axis=1)*
"""

import keras
import numpy as np
from keras import ops

output = ops.convert_to_tensor(np.float32([[[0.25, 0.5], [0.5, 0.25], [0.25, 0.25]]]))  # three classes on axis 1
target = ops.convert_to_tensor(np.int32([[0, 1]]))
try:
    result = ops.sparse_categorical_crossentropy(target, output, axis=1)
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", -np.log(np.float32([[0.25, 0.25]])))
