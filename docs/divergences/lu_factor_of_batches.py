"""ops.lu_factor of stacked or oblong matrices raises on TensorFlow.

Wrong: TensorFlow: the documentation allows both.
Scan: ops.lu_factor(x)*
"""

import keras
import numpy as np
from keras import ops

x = np.stack([np.float32([[4, 2], [2, 3]])] * 2)
try:
    result = ops.lu_factor(ops.convert_to_tensor(x))[0]
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", [[[4, 2], [0.5, 2]]] * 2)
