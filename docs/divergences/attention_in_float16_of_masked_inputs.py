"""Attention in float16 to inputs that are all masked is NaN on PyTorch.

Wrong: PyTorch: Keras compares its dtype with a string, and so takes from the scores 1e9, which is infinite in float16.
"""

import keras
import numpy as np
from keras import ops

mask = ops.convert_to_tensor(np.zeros((1, 3), bool))
sequence = np.float16([[[1, 2], [3, 4], [5, 6]]])
layer = keras.layers.Attention(dtype="float16")
print(keras.backend.backend(), ops.convert_to_numpy(layer([sequence, sequence], mask=[None, mask])).tolist())
# Expected: mixtures of the values: all scores are pushed down alike.
