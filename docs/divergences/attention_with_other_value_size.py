"""MultiHeadAttention with a value_dim other than its key_dim raises on JAX.

Wrong: JAX: the sizes of keys and values are arguments of the layer, and free.
Scan: layers.MultiHeadAttention(2, 3, value_dim=5*
"""

import keras
from keras import ops

query, value = ops.ones((1, 5, 4)), ops.ones((1, 6, 4))
try:
    print(
        keras.backend.backend(), keras.layers.MultiHeadAttention(2, 3, value_dim=5, output_shape=7)(query, value).shape
    )
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error).replace("\n", " ")[:120])
# Expected: (1, 5, 7).
