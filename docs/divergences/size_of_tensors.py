"""ops.size is a Python number on JAX, and of dtype int64 on PyTorch where Keras itself announces int32.

Wrong: JAX and PyTorch: the symbolic call announces a tensor of dtype int32.
Scan: ops.size(x) * x on tied*
"""

import keras
from keras import ops

size = ops.size(ops.ones((2, 3)))
announced = ops.size(keras.KerasTensor((2, 3)))
print(keras.backend.backend(), ops.is_tensor(size), getattr(size, "dtype", type(size)), "expected:", announced.dtype)
# Expected: a tensor (True) of dtype int32.
