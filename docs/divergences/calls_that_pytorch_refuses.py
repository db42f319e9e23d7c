"""Some operations raise on PyTorch and work on TensorFlow and JAX.

Wrong: PyTorch: NumPy computes them all.
Scan: x[:, 1:3, ::-1]*
Scan: ops.unique(x, size=8, return_index=True)*
Scan: ops.cross(x[:, :2]*
Scan: ops.cross(x, y[:, :2])*
Scan: ops.vdot(x, y) on*
Scan: ops.linspace(x, 5*
Scan: ops.logspace(x, 2.0*
Scan: ops.geomspace(x*
Scan: ops.repeat(x, [1, 0, 2, 1]*
"""

import keras
import numpy as np
from keras import ops

vector = ops.convert_to_tensor(np.float32([1, 2]))
matrix = ops.convert_to_tensor(np.float32([[1, 2], [3, 4]]))
counts = ops.convert_to_tensor(np.int32([[0, 1, 1], [2, 0, 3]]))
for name, function in (
    ("x[::-1]", lambda: ops.get_item(vector, slice(None, None, -1))),
    ("cross of planar vectors", lambda: ops.cross(vector, matrix[1])),
    ("vdot of matrices", lambda: ops.vdot(matrix, matrix)),
    ("linspace from a vector", lambda: ops.linspace(vector, 5.0, 3)),
    ("unique, with indices", lambda: ops.unique(counts, return_index=True, size=4)),
):
    try:
        result = keras.tree.map_structure(lambda tensor: ops.convert_to_numpy(tensor).tolist(), function())
        print(keras.backend.backend(), name, result)
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__, str(error)[:60])
# Expected, by numpy: [2, 1]; -2; 30; [[1, 2], [3, 3.5], [5, 5]]; [0, 1, 2, 3], first at [0, 1, 3, 5].
