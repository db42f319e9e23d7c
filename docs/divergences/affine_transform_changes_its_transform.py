"""ops.image.affine_transform changes the transforms that it is given, on PyTorch.

Wrong: PyTorch: called a second time with them it gives another result; transforms that are weights raise.
Scan: ops.image.affine_transform(x, ops.array(*
"""

import keras
import numpy as np
from keras import ops

images = ops.convert_to_tensor(np.ones((1, 4, 4, 1), np.float32))
transforms = ops.convert_to_tensor(np.float32([[0.9, 0.2, 0.3, -0.1, 1.1, -0.4, 0.01, 0.0]]))
ops.image.affine_transform(images, transforms)
print(keras.backend.backend(), ops.convert_to_numpy(transforms).round(3).tolist())
# Expected: [[0.9, 0.2, 0.3, -0.1, 1.1, -0.4, 0.01, 0.0]], as before the call.
