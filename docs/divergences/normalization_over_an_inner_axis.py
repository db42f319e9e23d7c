"""ops.layer_normalization and rms_normalization over any axis but the last raise on PyTorch.

Wrong: PyTorch: it hands the axis's length to a function that knows the last axes alone.
Scan: ops.layer_normalization(x, axis=1*
Scan: ops.rms_normalization(x, axis=1*
Scan: layers.LayerNormalization(axis=1, center=False, scale=False)*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[1, 2, 4], [3, 6, 0]])
for function in (ops.layer_normalization, ops.rms_normalization):
    try:
        result = function(ops.convert_to_tensor(x), axis=0, epsilon=0.0)
        print(keras.backend.backend(), ops.convert_to_numpy(result).tolist())
    except Exception as error:
        print(keras.backend.backend(), type(error).__name__, str(error)[:90])
print("expected:", ((x - x.mean(0)) / x.std(0)).tolist(), (x / np.sqrt((x**2).mean(0))).tolist())
