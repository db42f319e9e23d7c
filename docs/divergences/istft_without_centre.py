"""ops.istft with center=False damages both ends of the signal on TensorFlow and PyTorch.

Wrong: TensorFlow and PyTorch: one window covers the ends, and dividing by its square recovers them, as JAX does.
Scan: ops.istft(ops.stft(x, 8, 4, 8, center=False), 8, 4, 8, center=False)*
"""

import keras
import numpy as np
from keras import ops

x = ops.convert_to_tensor(np.arange(1, 17, dtype="float32"))
back = ops.istft(ops.stft(x, 8, 4, 8, center=False), 8, 4, 8, center=False)
print(keras.backend.backend(), ops.convert_to_numpy(back).round(4))
# Expected: 1 to 16, but for the first number, which the periodic Hann window multiplies by 0.
