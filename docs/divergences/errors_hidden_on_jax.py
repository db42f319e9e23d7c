"""Within a compiled model JAX's own error is lost in an AttributeError of its message.

Wrong: JAX: Keras makes the error anew, from text, to say more; this class of errors takes no text.
Scan: ops.nonzero(x) on tied*
Scan: ops.bincount(x, minlength=8)*
Scan: layers.CutMix()*
Scan: layers.RandomElasticTransform()*
Scan: ops.image.elastic_transform(*
"""

import keras
import numpy as np
from keras import ops


class Places(keras.layers.Layer):
    """Where numbers are not zero: how many there are, no compiler knows."""

    def call(self, x):  # noqa: D102
        return ops.cast(ops.nonzero(x)[0], "float32") + 0 * ops.sum(x)


try:
    model = keras.Sequential([Places()])
    print(keras.backend.backend(), model.predict(np.float32([[0, 1]]), verbose=0))
except Exception as error:
    print(keras.backend.backend(), type(error).__name__, str(error)[:60])
# Expected: a number, or an error that names nonzero.
