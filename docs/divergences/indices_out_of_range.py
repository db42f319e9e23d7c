"""ops.take, one_hot and Embedding with indices out of range raise, wrap round, clip or give NaN, by backend.

Wrong: nobody: the documentation does not say. JAX fills with NaN or 0, TensorFlow and PyTorch raise on the CPU.
Scan: ops.take(x, [0, 4, 7, -9])*
Scan: ops.take(x, [0, 5, -6], axis=1)*
Scan: ops.take(x, y*integers*
Scan: ops.take_along_axis(x, y, axis=1) on normal float[5], integers*
Scan: ops.one_hot(x, 4)*
Scan: ops.multi_hot(x, 4)*
Scan: layers.Embedding(7, 3)(x) on below 9*
Scan: layers.Embedding(7, 3)(x) on integers*
Scan: ops.scatter(y, x, (5, 3)) on normal float[3] batch 4, integers*
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.float32([10, 20, 30]))
for name, function in (
    ("take 3", lambda: ops.take(x, ops.convert_to_tensor(np.int32([3])))),
    ("take -1", lambda: ops.take(x, ops.convert_to_tensor(np.int32([-1])))),
    ("take -4", lambda: ops.take(x, ops.convert_to_tensor(np.int32([-4])))),
    ("one_hot 3", lambda: ops.one_hot(ops.convert_to_tensor(np.int32([3])), 3)),
    ("one_hot -1", lambda: ops.one_hot(ops.convert_to_tensor(np.int32([-1])), 3)),
):
    try:
        print(keras.backend.backend(), name, ops.convert_to_numpy(function()).tolist())
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__)
# Expected: an error, or what the documentation says; numpy.take raises for 3 and -4 and gives 30 for -1.
