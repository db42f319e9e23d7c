"""ops.cholesky of an indefinite matrix raises on TensorFlow and PyTorch, and is NaN on JAX within a compiled model.

Wrong: nobody: such a matrix has no Cholesky factor; outside of a compiled model JAX raises, too.
Scan: ops.cholesky(x) on normal float[4, 4]*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[[1, 2], [2, 1]]])
given = keras.Input((2, 2))
model = keras.Model(given, ops.cholesky(given))
for name, function in (("by itself", ops.cholesky), ("in a model", lambda x: model.predict(x, verbose=0))):
    try:
        print(keras.backend.backend(), name, ops.convert_to_numpy(function(x)).tolist())
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__)
# Expected: an error, as numpy.linalg.cholesky raises, or NaN; the eigenvalues are 3 and -1.
