"""ops.solve of stacked matrices and vectors takes the vectors for one matrix on JAX, and raises or gives another shape.

Wrong: JAX: the operation's own specification, and the other backends, give (2, 3).
Scan: ops.solve(x, y) on definite float[4, 4], normal float[4]*
"""

import keras
import numpy as np
from keras import ops

a, b = np.stack([np.eye(3, dtype="float32")] * 2), np.ones((2, 3), "float32")
try:
    result = ops.solve(ops.convert_to_tensor(a), ops.convert_to_tensor(b)).shape
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", ops.solve(keras.KerasTensor((2, 3, 3)), keras.KerasTensor((2, 3))).shape)
