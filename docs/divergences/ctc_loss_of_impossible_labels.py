"""ops.ctc_loss of a label that does not fit into the output is finite on TensorFlow and JAX.

Wrong: TensorFlow and JAX, by the definition: the probability is 0 and its negative logarithm infinite, as on PyTorch.
Scan: ops.ctc_loss(x + 1, y, ops.ones_like(x[:, 0]) * 3, ops.ones_like(x[:, 0]) * 2)*
"""

import keras
import numpy as np
from keras import ops

labels, scores = np.int32([[1, 1, 2]]), np.zeros((1, 8, 5), np.float32)
loss = ops.ctc_loss(labels, scores, np.int32([3]), np.int32([2]))
print(keras.backend.backend(), ops.convert_to_numpy(loss))
# Expected: infinity. Three labels, two of them the same, take four steps; there are two.
