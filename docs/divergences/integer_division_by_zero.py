"""Integer ops.floor_divide, mod and fmod by zero raise on TensorFlow and PyTorch, and do not on JAX.

Wrong: nobody: NumPy gives 0 and warns, JAX gives -2 and 0 without a word.
Scan: ops.floor_divide(x, y) on integers*
Scan: ops.mod(x, y) on integers*
Scan: ops.fmod(x, y) on integers*
Scan: ops.mod(x, y) on below*
Scan: ops.mod(x, y) on boolean*
"""

import keras
import numpy as np
from keras import ops

x, y = ops.convert_to_tensor(np.int32([7, -7])), ops.convert_to_tensor(np.int32([0, 0]))
for function in (ops.floor_divide, ops.mod, ops.fmod):
    try:
        print(keras.backend.backend(), function.__name__, ops.convert_to_numpy(function(x, y)))
    except Exception as error:
        print(keras.backend.backend(), function.__name__, type(error).__name__)
# Expected: nothing; the quotient does not exist. numpy gives 0 and a warning.
