"""ops.unravel_index of indices of rank two is wrong on TensorFlow.

Wrong: TensorFlow: it is right for rank one alone.
Scan: ops.unravel_index(*
"""

import keras
import numpy as np
from keras import ops

x = np.int32([[0, 4], [5, 14]])
try:
    result = ops.stack(ops.unravel_index(ops.convert_to_tensor(x), (3, 5)))
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.stack(np.unravel_index(x, (3, 5))))
