"""Some operations take integers or booleans on JAX and PyTorch and raise on TensorFlow.

Wrong: TensorFlow: NumPy computes them all.
Scan: ops.reciprocal(x) on integers*
Scan: ops.clip(x, -2.5, 2.5) on integers*
Scan: ops.negative(x) on below*
Scan: ops.bitwise_invert(x) on boolean*
Scan: ops.add(x, y) on boolean bool[12], boolean*
Scan: ops.maximum(x, y) on boolean*
Scan: ops.minimum(x, y) on boolean*
Scan: ops.multiply(x, y) on boolean bool[12], boolean*
Scan: ops.bitwise_and(x, y) on boolean*
Scan: ops.bitwise_or(x, y) on boolean*
Scan: ops.bitwise_xor(x, y) on boolean*
"""

import keras
import numpy as np
from keras import ops

integers, small, flags = np.int32([1, 2]), np.uint8([1, 2]), np.array([True, False])
for name, arguments in (
    ("reciprocal", [integers]),
    ("clip", [integers, -2.5, 2.5]),
    ("negative", [small]),
    ("bitwise_invert", [flags]),
    ("add", [flags, flags]),
    ("maximum", [flags, flags]),
    ("bitwise_and", [flags, flags]),
):
    tensors = [ops.convert_to_tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        print(keras.backend.backend(), name, ops.convert_to_numpy(getattr(ops, name)(*tensors)))
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__)
print("expected (numpy):", 1 / integers, np.clip(integers, -2.5, 2.5), np.negative(small), ~flags, flags + flags)
