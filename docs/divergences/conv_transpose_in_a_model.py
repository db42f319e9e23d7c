"""ops.conv_transpose cannot be used in a functional model on any backend.

Wrong: all: the operation passes output_padding and data_format in each other's place.
Scan: ops.conv_transpose(*
"""

import keras
import numpy as np
from keras import ops

x = keras.Input((4, 4, 1))
model = keras.Model(x, ops.conv_transpose(x, ops.ones((2, 2, 1, 1)), strides=2))
try:
    print(keras.backend.backend(), model(np.ones((1, 4, 4, 1), "float32")).shape)
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error).replace(chr(10), " ")[:120])
result = ops.conv_transpose(ops.ones((1, 4, 4, 1)), ops.ones((2, 2, 1, 1)), strides=2)
print(keras.backend.backend(), "eagerly", result.shape)
# Expected: (1, 8, 8, 1) both times.
