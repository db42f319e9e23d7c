"""ops.argmax and argmin skip NaN on TensorFlow and find it elsewhere.

Wrong: TensorFlow: NumPy gives the first NaN.
Scan: ops.argmax(x, axis=-1) on special*
Scan: ops.argmin(x, axis=-1) on special*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([1, np.nan, 3])
for function in (ops.argmax, ops.argmin):
    print(keras.backend.backend(), int(function(ops.convert_to_tensor(x))))
print("expected (numpy):", np.argmax(x), np.argmin(x))
