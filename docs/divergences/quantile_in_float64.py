"""ops.quantile of float64 computes in float32 on TensorFlow, in part, and on PyTorch.

Wrong: TensorFlow and PyTorch: they differ from numpy.quantile by 1e-8, and PyTorch's result is float32.
"""

import keras
import numpy as np
from keras import ops

x = np.random.default_rng(1).standard_normal(20)  # JAX: set JAX_ENABLE_X64=1
result = ops.quantile(ops.convert_to_tensor(x, "float64"), 0.3)
print(keras.backend.backend(), float(result) - np.quantile(x, 0.3), result.dtype)
# Expected: 0, against numpy.quantile.
