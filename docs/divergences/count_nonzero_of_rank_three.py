"""ops.count_nonzero of a tensor of rank three comes transposed on PyTorch.

Wrong: PyTorch: NumPy keeps the order of the axes that are left.
Scan: ops.count_nonzero(x, axis=1) on integers int32[4, 5]*
Scan: ops.count_nonzero(x, axis=1) on boolean*
"""

import keras
import numpy as np
from keras import ops

x = np.int32([[[1, 0], [2, 0], [3, 3]], [[0, 0], [0, 0], [0, 1]]])
print(keras.backend.backend(), ops.convert_to_numpy(ops.count_nonzero(x, axis=1)).tolist())
print("expected (numpy):", np.count_nonzero(x, axis=1).tolist())
