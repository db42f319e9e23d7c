"""ops.view_as_complex works outside of a model, and in one raises on TensorFlow.

Wrong: TensorFlow: within a model Keras multiplies a real tensor by 1j, which TensorFlow does not take.
Scan: ops.*view_as_complex(*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[[1, 2], [3, 4]]])
print(keras.backend.backend(), "by itself", ops.convert_to_numpy(ops.view_as_complex(x)).tolist())
try:
    given = keras.Input((2, 2))
    model = keras.Model(given, ops.view_as_complex(given))
    print(keras.backend.backend(), "in a model", ops.convert_to_numpy(model(x)).tolist())
except Exception as error:
    print(keras.backend.backend(), "in a model", type(error).__name__, str(error).replace("\n", " ")[60:110])
# Expected: [[1 + 2j, 3 + 4j]].
