"""The variance of close values loses its digits on PyTorch, and where it is negative BatchNormalization gives NaN.

Wrong: PyTorch: it takes the mean of the squares less the square of the mean. In this repository `strided_cnn` and
`apparel_cnn`, whose normalisations have an epsilon of 1e-5, meet it on images of one colour.
"""

import keras
import numpy as np
from keras import ops

x = np.float32([1000, 1000.125, 1000.25, 1000.375])
layer = keras.layers.BatchNormalization()
print(keras.backend.backend(), ops.moments(x, axes=[0])[1], layer(x[:, None], training=True))
# Expected: 0.01953125, exactly: the deviations are -3, -1, 1 and 3 sixteenths; then those / sqrt(0.01953125 + 0.001).
