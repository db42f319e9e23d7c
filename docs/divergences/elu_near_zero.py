"""ops.elu and ops.selu of numbers close to zero lose their digits on TensorFlow.

Wrong: TensorFlow: it computes exp(x) - 1; the others compute expm1(x).
"""

import keras
import numpy as np
from keras import ops

x = np.float32([-1e-6, -1e-5, -1e-4])
for function, scale in ((ops.elu, 1.0), (ops.selu, 1.0507009873554805 * 1.6732632423543772)):
    exact = scale * np.expm1(x.astype(np.float64))
    error = np.abs(ops.convert_to_numpy(function(x)) / exact - 1)
    print(keras.backend.backend(), function.__name__, "relative errors:", error)
# Expected, of float32: about 6e-8.
