"""ops.dot_product_attention of float64 computes in float32 on JAX, and with a rounded scale elsewhere.

Wrong: all: the error is 1e-8 to 1e-7 where float64 allows 1e-16. Set JAX_ENABLE_X64=1.
"""

import keras
import numpy as np
from keras import ops

rng = np.random.default_rng(1)
query, key, value = rng.standard_normal((3, 1, 3, 1, 8))
scores = np.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(8)
weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
expected = np.einsum("bhqk,bkhd->bqhd", weights, value)
result = ops.dot_product_attention(*(ops.convert_to_tensor(a, "float64") for a in (query, key, value)))
print(keras.backend.backend(), np.abs(ops.convert_to_numpy(result) - expected).max())
# Expected: 1e-16, against the formula in NumPy's float64.
