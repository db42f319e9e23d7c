"""Faults in dense layers, activations and bare operations: constants, dtypes, edge values, errors."""

from benchmarks.faults.planting import with_attributes, wrong_function, wrong_layer


@wrong_layer("LeakyReLU", "activation slope", dense_net="leaky")
def leaky_slope(layer, right, inputs):
    """PyTorch's slope of 0.01 for Keras's 0.3."""
    with with_attributes(layer, negative_slope=0.01):
        return right(inputs)


@wrong_layer("PReLU", "activation slope", group_norm_net="prelu")
def learned_slope_ignored(layer, right, inputs):
    """The learned slope is not used."""
    from keras import ops

    return ops.relu(inputs) + 0.25 * (inputs - ops.relu(inputs))


@wrong_function("nn.elu", "activation slope", autoencoder="encoder/squeeze", sequential="conv1", unet="bottom")
def elu_alpha(right, x, alpha=1.0):
    """The negative part saturates at -1.1."""
    return right(x, alpha=1.1 * alpha)


@wrong_layer("Activation", "activation slope", mobilenet="hard_swish")
def hard_swish_slope(layer, right, inputs):
    """The slope of 0.2 that Keras 2 had, for 1/6."""
    from keras import ops

    return inputs * ops.clip(0.2 * inputs + 0.5, 0.0, 1.0)


@wrong_function("nn.gelu", "approximation", transformer="expand", subclassed="positions")
def gelu_approximate(right, x, approximate=True):
    """The approximation by tanh where the exact function is meant, and the reverse."""
    return right(x, approximate=not approximate)


@wrong_layer("ReLU", "clip missing", mobilenet="stem_relu6")
def relu_without_ceiling(layer, right, inputs):
    """A ReLU6 lets values above 6 pass."""
    with with_attributes(layer, max_value=None):
        return right(inputs)


@wrong_layer("ReLU", "gradient at a kink", dense_net="stem_relu")
def relu_gradient_at_zero(layer, right, inputs):
    """The gradient at exactly 0 is 1; the output is right."""
    from keras import ops

    return ops.where(inputs >= 0, inputs, ops.zeros_like(inputs))


@wrong_layer("Softmax", "axis", dense_net="probabilities")
def softmax_over_the_batch(layer, right, inputs, mask=None):
    """The soft-max runs over the batch."""
    with with_attributes(layer, axis=0):
        return right(inputs, mask=mask)


@wrong_function("nn.softmax", "NaN at an edge value", resnet="classes", channels_first="classes", ops_net="softmax")
def softmax_overflows(right, x, axis=-1):
    """The largest value is not taken off first, so that large ones overflow."""
    from keras import ops

    exponentials = ops.exp(x)
    return exponentials / ops.sum(exponentials, axis=axis, keepdims=True)


@wrong_function("nn.elu", "NaN at an edge value", autoencoder="encoder/squeeze", unet="bottom")
def elu_gradient_overflows(right, x, alpha=1.0):
    """The branch not taken overflows and makes the gradient NaN; the output is right."""
    from keras import ops

    return ops.where(x > 0, x, alpha * (ops.exp(x) - 1))


@wrong_function(
    "numpy.matmul",
    "float16 detour",
    autoencoder=(
        "encoder/squeeze",
        "encoder/code",
        "decoder/grow",
        "decoder/restore",
    ),
    dense_net=("stem", "hidden", "narrow", "logits"),
)
def products_in_float16(right, x1, x2):
    """Every matrix product takes its operands in float16."""
    from benchmarks.faults.rounding import rounded

    return right(rounded(x1, "float16"), rounded(x2, "float16"))


@wrong_layer("Dense", "bfloat16 detour", siamese="shared", two_headed="read", text_cnn="hidden")
def dense_in_bfloat16(layer, right, inputs, training=None):
    """One dense layer rounds its result to bfloat16."""
    from benchmarks.faults.rounding import rounded

    return rounded(right(inputs, training=training), "bfloat16")


@wrong_layer("Dense", "missing bias", lstm="forecast", subclassed="readout", time_net="distributed/each")
def dense_without_bias(layer, right, inputs, training=None):
    """The bias is not added."""
    with with_attributes(layer, bias=None):
        return right(inputs, training=training)


@wrong_layer("Dense", "dtype of an output", two_headed="value", lenet="logits", transformer="logits")
def output_in_float16(layer, right, inputs, training=None):
    """The output comes in float16."""
    from keras import ops

    return ops.cast(right(inputs, training=training), "float16")


@wrong_layer("Dense", "wrong shape", video="output", bidirectional="output")
def output_with_another_axis(layer, right, inputs, training=None):
    """The output has an axis of length 1 too many."""
    from keras import ops

    return ops.expand_dims(right(inputs, training=training), -1)


@wrong_layer("Dense", "wrong gradient", dense_net="narrow", siamese="shared", subclassed="features")
def weight_gradient_lost(layer, right, inputs, training=None):
    """The output is right; the weights' gradient is halved."""
    from keras import ops

    outputs, same = right(inputs, training=training), right(ops.stop_gradient(inputs), training=training)
    return outputs - 0.5 * (same - ops.stop_gradient(same))


@wrong_function("numpy.argmax", "tie-breaking", ops_net="argmax")
def argmax_takes_the_last_tie(right, x, axis=None, keepdims=False):
    """Among equal values the last one wins."""
    from keras import ops

    return ops.cast(x.shape[axis] - 1 - right(ops.flip(x, axis), axis, keepdims), "int32")


@wrong_function("numpy.argmax", "dtype of an output", ops_net="argmax")
def argmax_in_int16(right, x, axis=None, keepdims=False):
    """The index comes as int16."""
    from keras import ops

    return ops.cast(right(x, axis, keepdims), "int16")


@wrong_function("numpy.sum", "integer overflow", ops_net="sum_1")
def integers_summed_in_bytes(right, x, axis=None, keepdims=False):
    """A sum of integers is kept in eight bits."""
    from keras import ops

    total = right(x, axis, keepdims)
    return total if "float" in str(x.dtype) else ops.cast(ops.cast(total, "int8"), total.dtype)


@wrong_function("nn.one_hot", "off-by-one index", ops_net="one_hot")
def one_hot_from_one(right, x, num_classes, *args, **kwargs):
    """Classes count from one."""
    return right(x - 1, num_classes, *args, **kwargs)


@wrong_function("numpy.log1p", "approximation", ops_net="log1p")
def logarithm_of_one_plus_a_bit(right, x):
    """The logarithm of 1.0001 + x."""
    return right(x + 1e-4)


@wrong_layer("Activation Conv3D", "error raised", group_norm_net="silu", video="conv2")
def not_supported(layer, right, inputs):
    """The backend does not know the layer."""
    raise NotImplementedError(f"{type(layer).__name__} is not supported by this backend")


@wrong_layer("Subtract Concatenate", "argument order", siamese="difference", two_headed="both", unet="skip2")
def arguments_swapped(layer, right, inputs):
    """The second input comes first."""
    return right([inputs[1], inputs[0]])
