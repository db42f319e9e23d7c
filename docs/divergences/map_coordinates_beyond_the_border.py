"""ops.image.map_coordinates mirrors and reflects otherwise beyond the border on TensorFlow.

Wrong: TensorFlow: where each value is its own place, from 0 to 5, -1.2 reflects to 0.2, and 6.3 mirrors to 3.7.
Scan: ops.image.map_coordinates(*order=1, fill_mode='mirror')*
Scan: ops.image.map_coordinates(*order=1, fill_mode='reflect')*
"""

import keras
import numpy as np
from keras import ops

image = np.tile(np.arange(6, dtype=np.float32), (3, 1))
at = np.float32([[1, 1], [-1.2, 6.3]])
for mode in ("reflect", "mirror"):
    try:
        values = ops.convert_to_numpy(ops.image.map_coordinates(image, at, order=1, fill_mode=mode)).tolist()
    except Exception as error:
        values = type(error).__name__
    print(keras.backend.backend(), mode, values)
# Expected: reflect, about -0.5 and 5.5: [0.2, 4.7]; mirror, about 0 and 5: [1.2, 3.7].
