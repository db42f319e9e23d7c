"""Average pooling with padding 'same' counts repeated edges on PyTorch where it pads one side more than the other.

Wrong: PyTorch: padding must not enter the mean, as it does not elsewhere, nor on PyTorch where both sides are alike.
Scan: layers.AveragePooling1D(4, strides=2, padding='same')*
Scan: layers.AveragePooling2D((4, 2)*same*
Scan: ops.average_pool(x, 4, strides=2, padding='same')*
Scan: layers.AveragePooling2D(3, strides=2, padding='same'*
Scan: layers.AveragePooling3D(3, strides=2, padding='same'*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([1, 2, 3, 4, 5, 6, 7, 8, 9]).reshape(1, 9, 1)
layer = keras.layers.AveragePooling1D(4, strides=2, padding="same")
print(keras.backend.backend(), ops.convert_to_numpy(layer(x)).ravel())
padded = np.pad(x.ravel(), (1, 2), constant_values=np.nan)  # one before, two after
print("expected:", [float(np.nanmean(padded[start : start + 4])) for start in range(0, 9, 2)])
