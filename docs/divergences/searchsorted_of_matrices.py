"""ops.searchsorted of several rows of values raises on TensorFlow.

Wrong: TensorFlow: the documentation allows values of any rank, and numpy.searchsorted takes them.
Scan: ops.searchsorted(ops.array(*
"""

import keras
import numpy as np
from keras import ops

places, values = np.float32([-1, 0, 0.5]), np.float32([[-2, 0.2], [0, 1]])
try:
    print(keras.backend.backend(), ops.convert_to_numpy(ops.searchsorted(places, values)).tolist())
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[-70:])
print("expected:", np.searchsorted(places, values).tolist())
