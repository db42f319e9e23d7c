"""ops.image.scale_and_translate of float64 computes its weights in float32 on TensorFlow and PyTorch.

Wrong: TensorFlow, unless scale and translation are arrays of float64, and PyTorch: the error is 1e-6, and not 1e-15.
Scan: ops.image.scale_and_translate(x, (4, 9, 8, 2), [1.3, 0.8], [0.5, 1.0], (1, 2), 'cubic'*
"""

import keras
import numpy as np
from keras import ops

x = np.random.default_rng(1).standard_normal((1, 7, 1, 1))  # JAX: set JAX_ENABLE_X64=1
keras.config.set_floatx("float64")
found = ops.image.scale_and_translate(ops.convert_to_tensor(x), (1, 9, 1, 1), [1.3], [0.5], (1,), "cubic")

at = (np.arange(9) + 0.5 - 0.5) / 1.3 - 0.5
distance = np.abs(at - np.arange(7)[:, None])
near, far = (1.5 * distance - 2.5) * distance**2 + 1, ((2.5 - 0.5 * distance) * distance - 4) * distance + 2
weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
expected = x.ravel() @ (weights / weights.sum(0))
print(keras.backend.backend(), "off by", np.abs(ops.convert_to_numpy(found).ravel() - expected).max())
# Expected: some 1e-15, against Keys's kernel in NumPy's float64.
