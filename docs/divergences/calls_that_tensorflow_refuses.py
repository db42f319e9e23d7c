"""Some operations raise on TensorFlow and work on JAX and PyTorch.

Wrong: TensorFlow: NumPy and the documentation know them all.
Scan: ops.kron(x, y) on normal float[4, 5]*
Scan: ops.segment_*sorted=True*
Scan: ops.logsumexp(x, axis=1) on integers*
"""

import keras
import numpy as np
from keras import ops

cube, pair = ops.ones((2, 2, 2)), ops.convert_to_tensor([0, 1])
for name, function in (
    ("kron of rank three", lambda: ops.kron(ops.ones((4, 4, 5)), ops.ones((4, 5, 3))).shape),
    ("segment_sum, sorted", lambda: ops.segment_sum(cube, pair, num_segments=3, sorted=True).shape),
    ("logsumexp of integers", lambda: ops.logsumexp(ops.convert_to_tensor(np.int32([0, 0])))),
):
    try:
        print(keras.backend.backend(), name, function())
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__, str(error)[:60])
# Expected: (16, 20, 15); (3, 2, 2); log 2 = 0.6931.
