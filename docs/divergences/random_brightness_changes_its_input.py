"""RandomBrightness and RandomColorJitter change the images that they are given, on PyTorch.

Wrong: PyTorch: a layer returns what it makes; what it was given is not its own.
Scan: layers.RandomBrightness(0.4)*
Scan: layers.RandomColorJitter(*
"""

import keras
import numpy as np
from keras import ops

images = ops.convert_to_tensor(np.full((1, 2, 2, 3), 100, np.float32))
keras.layers.RandomBrightness(0.4, seed=1)(images, training=True)
print(keras.backend.backend(), np.unique(ops.convert_to_numpy(images)))
# Expected: [100.], as before the call.
