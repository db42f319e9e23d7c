"""Bicubic resizing has another kernel on PyTorch.

Wrong: nobody: Keys's kernel with a = -0.75 on PyTorch, a = -0.5 elsewhere; the documentation names none.
Scan: ops.image.resize(x, (5, 9), interpolation='bicubic')*
Scan: ops.image.resize(x, (14, 12), interpolation='bicubic')*
Scan: layers.Resizing(5, 9, interpolation='bicubic')*
Scan: layers.UpSampling2D((2, 3), interpolation='bicubic')*
"""

import keras
import numpy as np
from keras import ops

x = np.zeros((1, 9, 1, 1), "float32")
x[0, 4] = 1
result = ops.convert_to_numpy(ops.image.resize(ops.convert_to_tensor(x), (18, 1), interpolation="bicubic"))
print(keras.backend.backend(), result.ravel()[8:10])
# Expected: (a + 2) / 4^3 - (a + 3) / 4^2 + 1 at a distance of 1/4: 0.8671875 for a = -0.5, 0.87890625 for a = -0.75.
