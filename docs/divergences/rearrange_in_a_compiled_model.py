"""ops.rearrange that is to infer a length works outside of a compiled model, and in one raises on JAX.

Wrong: JAX: Keras divides the length by ops.prod of the known ones, which has no value while a model is compiled.
Scan: ops.rearrange(x, 'b (h k) w -> b h (k w)', k=2)*
"""

import keras
import numpy as np
from keras import ops

x = np.float32([[1, 2, 3, 4]])
given = keras.Input((4,), batch_size=1)
model = keras.Model(given, ops.rearrange(given, "b (h k) -> b h k", k=2))
print(keras.backend.backend(), "by itself", ops.convert_to_numpy(ops.rearrange(x, "b (h k) -> b h k", k=2)).tolist())
try:
    print(keras.backend.backend(), "in a model", model.predict(x, verbose=0).tolist())
except Exception as error:
    print(keras.backend.backend(), "in a model", type(error).__name__, str(error).replace("\n", " ")[58:120])
# Expected: [[[1, 2], [3, 4]]].
