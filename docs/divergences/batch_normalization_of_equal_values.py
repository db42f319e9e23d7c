"""BatchNormalization of equal values, as in a batch of one, is off by 1e-5 or more on TensorFlow and JAX.

Wrong: TensorFlow and JAX: they add x / sqrt(epsilon) to beta - mean / sqrt(epsilon), and round both; x equals the mean.
"""

import keras
import numpy as np
from keras import ops

layer = keras.layers.BatchNormalization(epsilon=1e-5)
layer.build((None, 3))
layer.beta.assign(np.float32([0.1, 0.2, 0.3]))
x = np.float32([[1.1, 12.3, 123.4]])
print(keras.backend.backend(), ops.convert_to_numpy(layer(x, training=True))[0] - np.float32([0.1, 0.2, 0.3]))
# Expected: zeros. The deviation from the mean is 0, so the result is beta.
