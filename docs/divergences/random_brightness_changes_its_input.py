"""RandomBrightness and RandomColorJitter change the images that they are given, on PyTorch.

Wrong: PyTorch: what a layer is given is not its own; RandAugment, which holds one, brightens what it is to shear.
Scan: layers.RandomBrightness(0.4)*
Scan: layers.RandomColorJitter(*
Scan: layers.RandAugment()*
"""

import keras
import numpy as np
from keras import ops

images = ops.convert_to_tensor(np.full((1, 2, 2, 3), 100, np.float32))
keras.layers.RandomBrightness(0.4, seed=1)(images, training=True)
print(keras.backend.backend(), np.unique(ops.convert_to_numpy(images)))

images = ops.convert_to_tensor(np.full((1, 2, 2, 3), 100, np.float32))
layer = keras.layers.RandAugment(seed=1)
chosen = layer.get_random_transformation(images) | {"layer_idxes": ops.convert_to_tensor(np.int32([0, 0]))}
result = ops.convert_to_numpy(layer.transform_images(images, chosen))
print(keras.backend.backend(), "RandAugment", np.unique(result.round(3)))
# Expected: [100.], as before the call; [100.], as RandAugment is to shear twice, which leaves a single colour as it is.
