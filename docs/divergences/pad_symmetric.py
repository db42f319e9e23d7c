"""ops.pad with mode 'symmetric' repeats the last element on PyTorch.

Wrong: PyTorch: numpy.pad mirrors, the edge included.
Scan: ops.pad(x, ((0, 0), (1, 2), (0, 3)), mode='symmetric')*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[[1, 2, 3], [4, 5, 6]]])
try:
    result = ops.pad(ops.convert_to_tensor(x), ((0, 0), (0, 0), (0, 3)), mode="symmetric")
    print(keras.backend.backend(), ops.convert_to_numpy(result))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:100])
print("expected:", np.pad(x, ((0, 0), (0, 0), (0, 3)), mode="symmetric"))
