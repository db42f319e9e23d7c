"""Activations of integers and booleans raise on some backends, on others than their neighbours do.

Wrong: TensorFlow and PyTorch mostly, JAX for sigmoid: ops.tanh, for one, takes integers everywhere.
Scan: layers.ELU()(x) on integers*
Scan: layers.Activation('sigmoid')(x) on integers*
Scan: ops.sigmoid(x) on integers*
Scan: ops.sigmoid(x) on boolean*
Scan: ops.softmax(x) on integers*
Scan: ops.elu(x) on integers*
Scan: ops.gelu(x) on integers*
Scan: ops.leaky_relu(x) on integers*
Scan: ops.relu(x) on boolean*
Scan: ops.sign(x) on boolean*
"""

import keras
import numpy as np
from keras import ops

integers, flags = np.int32([1, 2]), np.array([True, False])
for name, argument in (
    ("tanh", integers),
    ("sigmoid", integers),
    ("softmax", integers),
    ("elu", integers),
    ("gelu", integers),
    ("leaky_relu", integers),
    ("sigmoid", flags),
    ("relu", flags),
    ("sign", flags),
):
    try:
        result = ops.convert_to_numpy(getattr(ops, name)(ops.convert_to_tensor(argument))).tolist()
    except Exception as error:
        result = type(error).__name__
    print(keras.backend.backend(), name, argument.dtype, result)
# Expected: what the function gives of 1.0 and 2.0, or of 1.0 and 0.0.
