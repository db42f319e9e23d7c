"""ops.segment_max and segment_min of an empty segment differ.

Wrong: nobody for floats: nothing is specified. PyTorch for integers: its minimum of nothing is the smallest.
Scan: ops.segment_max(x, y, num_segments=4)*
Scan: ops.segment_min(x, y, num_segments=4)*
"""

import keras
import numpy as np
from keras import ops

segments = ops.convert_to_tensor(np.int32([0, 2]))
for dtype in ("float32", "int32"):
    data = ops.convert_to_tensor(np.array([1, 2], dtype))
    for function in (ops.segment_max, ops.segment_min):
        result = function(data, segments, num_segments=3)
        print(keras.backend.backend(), dtype, function.__name__, ops.convert_to_numpy(result))
# Expected: the neutral element in the middle: -inf and inf, or the smallest and the largest integer.
