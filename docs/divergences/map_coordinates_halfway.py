"""ops.image.map_coordinates of order 0 rounds halves up on JAX, and to even numbers elsewhere.

Wrong: nobody, by its documentation; SciPy rounds up, as JAX does.
Scan: ops.image.map_coordinates(*order=0*
"""

import keras
import numpy as np
from keras import ops

image = np.float32([[0, 1, 2, 3], [0, 1, 2, 3]])
at = np.float32([[0, 0, 0], [0.5, 1.5, 2.5]])
print(keras.backend.backend(), ops.convert_to_numpy(ops.image.map_coordinates(image, at, order=0)).tolist())
# Expected, as scipy.ndimage.map_coordinates has it: [1, 2, 3].
