"""ops.cholesky_inverse of a batch is wrong on JAX, and of another shape.

Wrong: JAX: the inverse of the matrix whose Cholesky factor is given, times that matrix, is no identity.
Scan: ops.cholesky_inverse(*
"""

import keras
import numpy as np
from keras import ops

matrix = np.float32([[4, 2], [2, 3]])
factor = np.linalg.cholesky(matrix)
print(keras.backend.backend(), ops.convert_to_numpy(ops.cholesky_inverse(factor[None])).tolist())
print("expected (numpy):", np.linalg.inv(matrix)[None].tolist())
