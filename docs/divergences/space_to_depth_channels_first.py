"""ops.space_to_depth with channels_first orders the new channels otherwise on TensorFlow.

Wrong: JAX and PyTorch do not give what channels_last gives on the same data; TensorFlow does.
Scan: ops.space_to_depth(ops.reshape(x, (-1, 2, 2, 6)), 2, data*
Scan: ops.depth_to_space(ops.reshape(x, (-1, 4, 2, 3)), 2, data*
"""

import keras
import numpy as np
from keras import ops

x = np.arange(8, dtype="float32").reshape(1, 2, 2, 2)  # channels, height, width
first = ops.space_to_depth(ops.convert_to_tensor(x), 2, data_format="channels_first")
last = ops.space_to_depth(ops.convert_to_tensor(x.transpose(0, 2, 3, 1)), 2, data_format="channels_last")
print(keras.backend.backend(), "channels_first", ops.convert_to_numpy(first).ravel())
print(keras.backend.backend(), "channels_last ", ops.convert_to_numpy(last).ravel())
print("expected, block first:", x.transpose(0, 2, 3, 1).ravel())
