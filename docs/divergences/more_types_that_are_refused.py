"""Some functions of integers, bytes or booleans raise on one backend or two.

Wrong: who raises: NumPy computes them all.
Scan: ops.nanmedian(x, axis=1) on integers*
Scan: ops.det(x) on integers*
Scan: ops.matrix_rank(x) on integers*
Scan: ops.image.extract_patches(x, 3) on image uint8*
Scan: ops.floor_divide(x, y) on boolean*
Scan: ops.power(x, y) on boolean*
Scan: ops.meshgrid(x[0], y[0]) on integers*
Scan: ops.pad(x, ((0, 0), (1, 2), (0, 3)), mode='edge')*
"""

import keras
import numpy as np
from keras import ops

matrix, flags = np.int32([[1, 2], [3, 4]]), np.array([True])
for name, function in (
    ("nanmedian of integers", lambda: ops.nanmedian(matrix, axis=1)),
    ("det of integers", lambda: ops.det(matrix)),
    ("matrix_rank of integers", lambda: ops.matrix_rank(matrix)),
    ("extract_patches of bytes", lambda: ops.image.extract_patches(np.ones((1, 2, 2, 1), np.uint8), 2)),
    ("floor_divide of booleans", lambda: ops.floor_divide(flags, flags)),
    ("power of booleans", lambda: ops.power(flags, flags)),
    ("meshgrid of two dtypes", lambda: ops.meshgrid(matrix[0], np.float32([1, 2]))),
    ("pad by the edge", lambda: ops.pad(np.float32([[1, 2]]), ((0, 0), (1, 1)), mode="edge")),
):
    try:
        result = keras.tree.map_structure(lambda tensor: ops.convert_to_numpy(tensor).tolist(), function())
    except Exception as error:
        result = type(error).__name__
    print(keras.backend.backend(), name, result)
# Expected, by numpy: [1.5, 3.5]; -2; 2; [[[[1, 1, 1, 1]]]]; [1]; [1]; [[1, 2], [1, 2]] and its like; [[1, 1, 2, 2]].
