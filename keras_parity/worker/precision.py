"""Running Keras in a given precision within a worker, float64 in earnest among them.

Outside TensorFlow, Keras's type promotion maps float64 to float32, and on TensorFlow casting a Python number to float64
rounds it to float32 first, so that a "float64" model computes partly in float32; JAX's attention takes a softmax in
float32. For the reference all three are set right here, for the time of a `with` block; outside a check nothing is
patched.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_parity.protocol.rounding import UNIT_ROUNDOFF
from keras_parity.worker import keras_internals
from keras_parity.worker.tensors import Tensor


@contextmanager
def reference_precision() -> Iterator[None]:
    """Compute in float64 throughout, whatever policies the model asks for.

    Integer and string policies, as of text layers, stay as they are.
    """
    with (
        keras_internals.float64_promotion(),
        keras_internals.float64_policies(),
        _wide_weights(),
        _global_dtype("float64", "float64"),
        _wide_jax(),
        _exact_constants(),
        _exact_attention(),
        _missing_kernels(),
    ):
        yield


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


def compute_dtype(operation: keras.Operation) -> str:
    """Return the float dtype that an operation computes in; float32 for one without a policy of its own."""
    name = getattr(operation, "compute_dtype", None) or keras.config.dtype_policy().compute_dtype
    return str(name if name in UNIT_ROUNDOFF else keras.config.floatx())


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
def _wide_weights() -> Iterator[None]:
    """Let layers that ask for a weight of a smaller float dtype, as for LoRA's kernels, have one of float64."""
    own = keras.Layer.add_weight

    def add_weight(
        self: keras.Layer, shape: Any = None, initializer: Any = None, dtype: Any = None, *args: Any, **kwargs: Any
    ) -> keras.Variable:
        smaller = dtype is not None and keras.backend.standardize_dtype(dtype) in UNIT_ROUNDOFF
        return own(self, shape, initializer, "float64" if smaller else dtype, *args, **kwargs)

    keras.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.Layer.add_weight = own


@contextmanager
def _exact_constants() -> Iterator[None]:
    """Let TensorFlow cast a Python number without a stop at float32.

    Otherwise `ops.cast(0.999, "float64")` is 0.99900001287, Adam's bias correction off by 6.7e-6, and the root of two
    within TensorFlow's own GELU by 1.7e-8.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf
    from tensorflow.python.ops import math_ops

    own = tf.cast

    def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
        exact = isinstance(x, float) and tf.as_dtype(dtype).is_floating
        return tf.constant(x, dtype, name=name) if exact else own(x, dtype, name)

    tf.cast = math_ops.cast = cast  # Keras takes the one, TensorFlow itself the other
    try:
        yield
    finally:
        tf.cast = math_ops.cast = own


@contextmanager
def _exact_attention() -> Iterator[None]:
    """Let JAX's attention of float64 tensors take its softmax in float64: its own is always one in float32."""
    if keras.backend.backend() != "jax":
        yield
        return
    import jax
    import jax.numpy as jnp

    own = jax.nn.dot_product_attention

    def attend(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bias: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        scale: float | None = None,
        is_causal: bool = False,
        **others: Any,
    ) -> Tensor:
        if query.dtype != jnp.float64 or query.ndim != 4 or others.keys() - {"implementation"}:
            return own(query, key, value, bias, mask, scale=scale, is_causal=is_causal, **others)
        heads, size = query.shape[2:]
        groups = heads // key.shape[2]
        key, value = (jnp.repeat(tensor, groups, axis=2) for tensor in (key, value))
        scores = jnp.einsum("btnh,bsnh->bnts", query, key) * (size**-0.5 if scale is None else scale)
        if bias is not None:
            scores += bias
        if is_causal:
            causal = jnp.tril(jnp.ones(scores.shape[2:], bool))
            mask = causal if mask is None else jnp.logical_and(mask, causal)
        if mask is not None:  # with JAX's own number, so that a row that is masked throughout gives the same
            scores = jnp.where(mask, scores, -0.7 * float(jnp.finfo(jnp.float32).max))
        return jnp.einsum("bnts,bsnh->btnh", jax.nn.softmax(scores), value)

    jax.nn.dot_product_attention = attend
    try:
        yield
    finally:
        jax.nn.dot_product_attention = own


@contextmanager
def _missing_kernels() -> Iterator[None]:
    """Let XLA compute what TensorFlow has no float64 kernel for, as a convolution of `channels_first` images."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    module = keras_internals.backend_module("nn")
    functions = {name: _with_xla_at_hand(getattr(module, name)) for name in _IN_KERNELS}
    with keras_internals.replaced_functions(module, functions):
        yield


_IN_KERNELS = ("conv", "depthwise_conv", "separable_conv", "conv_transpose", "max_pool", "average_pool")


@functools.lru_cache(maxsize=32)
def _compiled_by_xla(function: Callable[..., Tensor]) -> Any:
    import tensorflow as tf

    return tf.function(function, jit_compile=True)


def _with_xla_at_hand(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    import tensorflow as tf

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Tensor:
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
