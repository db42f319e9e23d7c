"""ops.image.affine_transform of a batch by one transform raises on JAX and PyTorch.

Wrong: JAX and PyTorch: the documentation allows one transform of length 8 for all images.
Scan: ops.image.affine_transform(x, ops.array([1.0, *
"""

import keras
import numpy as np
from keras import ops

images = np.arange(8, dtype="float32").reshape(2, 2, 2, 1)
identity = np.float32([1, 0, 0, 0, 1, 0, 0, 0])
try:
    result = ops.image.affine_transform(ops.convert_to_tensor(images), ops.convert_to_tensor(identity)).shape
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", images.shape)
