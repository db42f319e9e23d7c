"""ops.eigh and cholesky of an asymmetric matrix take the mean of both triangles on JAX, the lower one elsewhere.

Wrong: JAX, by numpy.linalg; strictly, such a matrix is no valid input.
Scan: ops.eigh(x)[0] on normal float[4, 4]*
Scan: ops.cholesky(x) on normal float[4, 4]*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[4, 1], [2, 5]])
for name, function, expected in (
    ("eigh", lambda x: ops.eigh(x)[0], np.linalg.eigvalsh(x)),
    ("cholesky", ops.cholesky, np.linalg.cholesky(x)),
):
    try:
        found = ops.convert_to_numpy(function(ops.convert_to_tensor(x))).tolist()
    except Exception as error:
        found = f"{type(error).__name__} {str(error)[:60]}"
    print(keras.backend.backend(), name, found, "expected:", expected.tolist())
