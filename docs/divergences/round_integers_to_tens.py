"""ops.round of integers to tens is wrong on TensorFlow where floatx is float64.

Wrong: TensorFlow: it multiplies by 0.1 rounded to float32, divides by the same and cuts off the fraction.
Scan: ops.round(x, decimals=-1) on integers*
"""

import keras
import numpy as np
from keras import ops

keras.config.set_floatx("float64")
x = np.int32([-7, 5, 7, 14, 26])
print(keras.backend.backend(), ops.convert_to_numpy(ops.round(ops.convert_to_tensor(x), decimals=-1)))
print("expected (numpy.round):", np.round(x, decimals=-1))
