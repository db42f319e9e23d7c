"""ops.cosh and sinh of 89 are infinite on PyTorch in large arrays, and 2.2e38 in small ones.

Wrong: PyTorch: float32 reaches to 3.4e38; where it takes many numbers at once they overflow from 88.73 on, as exp does.
Scan: ops.cosh(x) on saturated*
Scan: ops.sinh(x) on saturated*
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.full(100, 89, np.float32))
for name, function, expected in (("cosh", ops.cosh, np.cosh(89.0)), ("sinh", ops.sinh, np.sinh(89.0))):
    many, one = ops.convert_to_numpy(function(x)), ops.convert_to_numpy(function(x[:1]))
    print(keras.backend.backend(), name, np.isinf(many).sum(), "of 100 infinite; alone:", one[0], "expected:", expected)
# Expected: 0 of 100 infinite.
