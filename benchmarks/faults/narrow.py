"""Faults in mixed precision, in layers of eight bits and in low-rank adapters."""

from benchmarks.faults.normalization import layer_norm
from benchmarks.faults.planting import with_attributes, wrong_layer


@wrong_layer("Dense", "policy ignored", mixed="first")
def policy_ignored(layer, right, inputs, **kwargs):
    """A layer of mixed precision gives its result in float32."""
    from keras import ops

    return ops.cast(right(inputs, **kwargs), "float32")


@wrong_layer("LayerNormalization", "dtype of an output", mixed="norm")
def normalization_gives_float32(layer, right, inputs):
    """A normalisation of mixed precision gives its result in float32 to the layer behind it."""
    from keras import ops

    return ops.cast(right(inputs), "float32")


@wrong_layer("Dense", "bfloat16 detour", mixed="output")
def float32_layer_in_bfloat16(layer, right, inputs, **kwargs):
    """The last layer, which is in float32, computes in the bfloat16 of those before it."""
    from benchmarks.faults.rounding import rounded

    with with_attributes(layer, _kernel=rounded(layer.kernel, "bfloat16")):
        return right(rounded(inputs, "bfloat16"), **kwargs)


@wrong_layer("LayerNormalization", "overflow", mixed="norm")
def variance_in_float16(layer, right, inputs):
    """A normalisation of mixed precision squares in float16, where large numbers overflow."""
    from keras import ops

    outputs = layer_norm(layer, ops.cast(inputs, "float16"), lambda variance: ops.sqrt(variance + layer.epsilon))
    return ops.cast(outputs, "float16")


@wrong_layer("Dense", "wrong scale", method="_int8_call", quantised="eight_bits")
def eight_bits_scaled_by_128(layer, right, inputs, **kwargs):
    """The weights' largest value is taken for 128, and not for 127."""
    with with_attributes(layer, kernel_scale=layer.kernel_scale * (128 / 127)):
        return right(inputs, **kwargs)


@wrong_layer("Dense", "bfloat16 detour", method="_int8_call", quantised="eight_bits")
def scales_in_bfloat16(layer, right, inputs, **kwargs):
    """The weights' scales are rounded to bfloat16."""
    from benchmarks.faults.rounding import rounded

    with with_attributes(layer, kernel_scale=rounded(layer.kernel_scale, "bfloat16")):
        return right(inputs, **kwargs)


@wrong_layer("Dense", "wrong scale", quantised="adapted")
def adapters_not_scaled(layer, right, inputs, **kwargs):
    """Low-rank adapters count as they are, without alpha over their rank."""
    with with_attributes(layer, lora_alpha=layer.lora_rank):
        return right(inputs, **kwargs)
