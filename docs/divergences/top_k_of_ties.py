"""ops.top_k picks other elements among equal ones on PyTorch, and gives int64 indices where the others give int32.

Wrong: PyTorch: the model's own specification says int32, and numpy.argsort(-x, stable) takes the first.
Scan: ops.top_k(x, *
"""

import keras
import numpy as np
from keras import ops

values, indices = ops.top_k(ops.convert_to_tensor(np.float32([1, 2, 2, 2, 0, 2] * 4)), 3)
print(keras.backend.backend(), ops.convert_to_numpy(values), ops.convert_to_numpy(indices), indices.dtype)
print("specified:", ops.top_k(keras.KerasTensor((24,)), 3)[1].dtype)
# Expected, the first of equals: [1, 2, 3], int32.
