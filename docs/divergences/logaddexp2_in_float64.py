"""ops.logaddexp2 of float64 takes log 2 in float32 on TensorFlow.

Wrong: TensorFlow: log2(2^0 + 2^0) is 1.
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.zeros(1), "float64")
print(keras.backend.backend(), ops.convert_to_numpy(ops.logaddexp2(x, x)) - 1)
# Expected: [0]; log2(1 + 1) = 1.
