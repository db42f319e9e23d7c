"""ops.eigh of a matrix that is not symmetric takes the mean of both triangles on JAX and the lower one elsewhere.

Wrong: JAX, by numpy.linalg.eigh; strictly, such a matrix is no valid input.
Scan: ops.eigh(x)[0] on normal float[4, 4]*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[1, 5], [2, 3]])
try:
    result = ops.eigh(ops.convert_to_tensor(x))[0]
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.linalg.eigh(x)[0])
