"""ops.image.sobel_edges pads with a reflection on TensorFlow and with zeros elsewhere.

Wrong: nobody: the documentation does not say; zeros see an edge around a blank image, a reflection does not.
Scan: ops.image.sobel_edges*
"""

import keras
import numpy as np
from keras import ops

x = np.ones((1, 3, 3, 1), "float32")
result = ops.convert_to_numpy(ops.image.sobel_edges(ops.convert_to_tensor(x)))
print(keras.backend.backend(), result[0, :, :, 0, 0].tolist())
# Expected: no edge in a blank image, [[0, 0, 0], [0, 0, 0], [0, 0, 0]].
