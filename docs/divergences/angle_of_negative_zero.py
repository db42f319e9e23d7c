"""ops.angle of -0.0 is pi on JAX and 0 elsewhere.

Wrong: TensorFlow and PyTorch: angle is arctan2(0, x), and IEEE 754 and NumPy have arctan2(0, -0.0) = pi.
Scan: ops.angle(x) on edges*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([0.0, -0.0, -1.0])
print(keras.backend.backend(), ops.convert_to_numpy(ops.angle(ops.convert_to_tensor(x))))
print("expected (numpy.angle):", np.angle(x))
