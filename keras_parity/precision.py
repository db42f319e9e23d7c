"""Running Keras in a given precision within a worker, float64 in earnest among them.

Outside TensorFlow, Keras's type promotion maps float64 to float32, and on TensorFlow casting a Python number to float64
rounds it to float32 first, so that a "float64" model computes partly in float32. For the reference both are set right
here, for the time of a `with` block; outside a check nothing is patched.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras.src import dtype_policies
from keras.src.backend.common import dtypes as promotion

from keras_parity.rounding import UNIT_ROUNDOFF


@contextmanager
def reference_precision() -> Iterator[None]:
    """Compute in float64 throughout, whatever policies the model asks for.

    Integer and string policies, as of text layers, stay as they are.
    """
    table, entry = promotion.BIT64_TO_BIT32_DTYPE, promotion.BIT64_TO_BIT32_DTYPE["float64"]
    own_get = dtype_policies.get

    def get_float64(identifier):
        policy = own_get(identifier)
        floats = policy.compute_dtype is not None and "float" in policy.compute_dtype
        return dtype_policies.DTypePolicy("float64") if floats else policy

    table["float64"] = "float64"
    dtype_policies.get = get_float64
    try:
        with _global_dtype("float64", "float64"), _wide_jax(), _exact_constants(), _missing_kernels():
            yield
    finally:
        dtype_policies.get = own_get
        table["float64"] = entry


@contextmanager
def checked_precision(dtype: str) -> Iterator[None]:
    """Compute as a user does who sets the dtype policy `dtype` before building the model.

    Args:
        dtype: A Keras policy's name, as "float32" or "mixed_float16". "float64" sets floatx too, and JAX's 64-bit mode,
            as Keras documents, but leaves the promotion as it is.
    """
    if dtype == "float64":
        with _global_dtype("float64", "float64"), _wide_jax():
            yield
    else:
        with _global_dtype("float32", dtype):
            yield


def compute_dtype(operation) -> str:
    """Return the float dtype that an operation computes in; float32 for one without a policy of its own."""
    name = getattr(operation, "compute_dtype", None) or keras.config.dtype_policy().compute_dtype
    return name if name in UNIT_ROUNDOFF else keras.config.floatx()


@contextmanager
def _global_dtype(floatx: str, policy: str) -> Iterator[None]:
    old_floatx, old_policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_floatx(old_floatx)
        keras.config.set_dtype_policy(old_policy)


@contextmanager
def _exact_constants() -> Iterator[None]:
    """Let TensorFlow cast a Python number without a stop at float32.

    Otherwise `ops.cast(0.999, "float64")` is 0.99900001287, and Adam's bias correction off by 6.7e-6.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    own = tf.cast

    def cast(x, dtype, name=None):
        exact = isinstance(x, float) and tf.as_dtype(dtype).is_floating
        return tf.constant(x, dtype, name=name) if exact else own(x, dtype, name)

    tf.cast = cast
    try:
        yield
    finally:
        tf.cast = own


@contextmanager
def _missing_kernels() -> Iterator[None]:
    """Let XLA compute what TensorFlow has no float64 kernel for, as a convolution of `channels_first` images."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    module = keras.src.backend.nn
    own = {name: getattr(module, name) for name in _IN_KERNELS}
    for name, function in own.items():
        setattr(module, name, _with_xla_at_hand(function))
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(module, name, function)


_IN_KERNELS = ("conv", "depthwise_conv", "separable_conv", "conv_transpose", "max_pool", "average_pool")


@functools.lru_cache(maxsize=32)
def _compiled_by_xla(function):
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


def _with_xla_at_hand(function):
    import tensorflow as tf

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (tf.errors.UnimplementedError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as error:
            try:
                return _compiled_by_xla(function)(*args, **kwargs)
            except Exception:
                raise error from None

    return call


@contextmanager
def _wide_jax() -> Iterator[None]:
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    old = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", old)
