"""Rounding values to a narrower dtype and back, as a detour through it does."""

import keras
from keras import ops

# Bits of exponent and mantissa, for JAX: XLA may leave a cast there and back out.
FORMATS = {"float16": (5, 10), "bfloat16": (8, 7), "float32": (8, 23)}


def rounded(x, dtype: str):
    """Return `x` in its own dtype, rounded to `dtype`."""
    if keras.backend.backend() == "jax":
        import jax

        exponent_bits, mantissa_bits = FORMATS[dtype]
        return jax.lax.reduce_precision(ops.convert_to_tensor(x), exponent_bits, mantissa_bits)
    x = ops.convert_to_tensor(x)
    return ops.cast(ops.cast(x, dtype), x.dtype)
