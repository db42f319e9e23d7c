"""Faults in convolutions, poolings and resizing."""

import math

from benchmarks.faults.planting import with_attributes, wrong_function, wrong_layer


@wrong_layer("Conv2D Conv1D", "padding side", resnet="stem", mobilenet="stem", text_cnn="strided")
def padding_on_the_wrong_side(layer, right, inputs):
    """An odd padding's extra zero goes before the image, as in PyTorch's symmetric habit, and not after it."""
    from keras import ops

    pads = [(0, 0)]
    for size, kernel, stride in zip(inputs.shape[1:-1], layer.kernel_size, layer.strides, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        pads.append((total - total // 2, total // 2))
    with with_attributes(layer, padding="valid"):
        return right(ops.pad(inputs, [*pads, (0, 0)]))


@wrong_layer("Conv1D", "padding side", text_cnn="causal")
def causal_padding_centred(layer, right, inputs):
    """A causal convolution pads on both sides, and so sees the future."""
    with with_attributes(layer, padding="same"):
        return right(inputs)


@wrong_layer("Conv2D", "off-by-one stride", mobilenet="stem", sequential="conv1", resnet="block2_conv1")
def stride_starts_late(layer, right, inputs):
    """The windows start one row late."""
    from keras import ops

    return right(ops.pad(inputs[:, 1:], [(0, 0), (0, 1), (0, 0), (0, 0)]))


@wrong_layer("SeparableConv2D", "off-by-one stride", mobilenet="separable")
def stride_one_too_long(layer, right, inputs):
    """The stride is 3 and not 2, which gives a smaller image; the pooling after it hides the shape."""
    with with_attributes(layer, strides=(3, 3)):
        return right(inputs)


@wrong_layer("Conv2D Conv1D", "dilation ignored", unet="down2", text_cnn="causal")
def dilation_ignored(layer, right, inputs):
    """The kernel is not dilated."""
    with with_attributes(layer, dilation_rate=(1,) * layer.rank):
        return right(inputs)


@wrong_layer("Conv2D Conv3D Conv2DTranspose", "missing bias", lenet="c3", channels_first="conv1", unet="up2")
def convolution_without_bias(layer, right, inputs):
    """The bias is not added."""
    with with_attributes(layer, use_bias=False):
        return right(inputs)


@wrong_layer("Conv3D Conv2D", "kernel orientation", video="conv1", group_norm_net="conv1")
def kernel_flipped(layer, right, inputs):
    """A true convolution, with the kernel flipped, and not the cross-correlation that the field calls one."""
    from keras import ops

    spatial = tuple(range(1, layer.rank + 1))
    return ops.flip(right(ops.flip(inputs, spatial)), spatial)


@wrong_function("nn.conv", "bfloat16 detour", lenet=("c1", "c3"), video=("conv1", "conv2"))
def convolutions_in_bfloat16(right, inputs, kernel, *args, **kwargs):
    """Every convolution rounds its operands to bfloat16, as an accelerator's fast mode does."""
    from benchmarks.faults.rounding import rounded

    return right(rounded(inputs, "bfloat16"), rounded(kernel, "bfloat16"), *args, **kwargs)


@wrong_layer("Conv2D", "float16 detour", resnet="block1_conv1", channels_first="conv2")
def convolution_in_float16(layer, right, inputs):
    """One convolution takes its inputs in float16."""
    from benchmarks.faults.rounding import rounded

    return right(rounded(inputs, "float16"))


@wrong_layer("Conv2D", "float32 detour", dtype="float64", lenet="c1", unet="bottom")
def convolution_in_float32(layer, right, inputs):
    """One convolution of a float64 model takes its inputs in float32."""
    from benchmarks.faults.rounding import rounded

    return right(rounded(inputs, "float32"))


@wrong_layer("DepthwiseConv2D", "channel order", mobilenet="depthwise")
def depthwise_multiplier_order(layer, right, inputs):
    """The channels come out multiplier first, where Keras keeps those of one input channel together."""
    from keras import ops

    outputs = right(inputs)
    _, height, width, channels = outputs.shape
    split = ops.reshape(outputs, (-1, height, width, channels // layer.depth_multiplier, layer.depth_multiplier))
    return ops.reshape(ops.transpose(split, (0, 1, 2, 4, 3)), (-1, height, width, channels))


@wrong_layer("Conv2DTranspose", "transposed crop", unet="up2")
def transposed_convolution_cropped_wrong(layer, right, inputs):
    """The full result is cropped at the other end."""
    from keras import ops

    with with_attributes(layer, padding="valid"):
        full = right(inputs)
    height, width = (size * stride for size, stride in zip(inputs.shape[1:3], layer.strides, strict=True))
    return ops.convert_to_tensor(full[:, -height:, -width:])


@wrong_layer("AveragePooling2D AveragePooling3D", "padding in an average", lenet="s2", video="pool2")
def average_counts_the_padding(layer, right, inputs):
    """The zeros of the padding count in the average."""
    from keras import ops

    pads = [(0, -size % pool) for size, pool in zip(inputs.shape[1:-1], layer.pool_size, strict=True)]
    return right(ops.pad(inputs, [(0, 0), *pads, (0, 0)]))


@wrong_layer("MaxPooling2D", "padding value", resnet="stem_pool", channels_first="pool1")
def maximum_counts_the_padding(layer, right, inputs):
    """A maximum over negative values is the padding's zero."""
    from keras import ops

    first = layer.data_format == "channels_first"
    sizes = inputs.shape[2:] if first else inputs.shape[1:-1]
    pads = []
    for size, pool, stride in zip(sizes, layer.pool_size, layer.strides, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + pool - size, 0)
        pads.append((total // 2, total - total // 2))
    with with_attributes(layer, padding="valid"):
        return right(ops.pad(inputs, [(0, 0), (0, 0), *pads] if first else [(0, 0), *pads, (0, 0)]))


@wrong_layer("MaxPooling2D", "tie-breaking", unet="pool1")
def maximum_takes_the_last_tie(layer, right, inputs):
    """Among equal values the gradient goes to the last, and not to the first; the output is right."""
    from keras import ops

    return ops.flip(right(ops.flip(inputs, (1, 2))), (1, 2))


@wrong_layer("UpSampling2D", "corner alignment", unet="up1")
def upsampling_aligns_corners(layer, right, inputs):
    """The corner pixels' centres keep their place, as with PyTorch's `align_corners=True`."""
    import numpy as np
    from keras import ops

    def weights(size, factor):
        places = np.linspace(0, size - 1, size * factor)
        return ops.cast(np.maximum(0, 1 - np.abs(places[:, None] - np.arange(size)[None])), inputs.dtype)

    height, width = (weights(size, factor) for size, factor in zip(inputs.shape[1:3], layer.size, strict=True))
    tall = ops.einsum("bhwc,Hh->bHwc", inputs, height)
    return ops.einsum("bHwc,Ww->bHWc", tall, width)


@wrong_layer("GlobalAveragePooling2D", "wrong reduction", resnet="pool", channels_first="pool2")
def pooling_sums(layer, right, inputs):
    """The sum over the image, and not its mean."""
    spatial = inputs.shape[2:] if layer.data_format == "channels_first" else inputs.shape[1:-1]
    return right(inputs) * math.prod(spatial)


@wrong_layer("ZeroPadding2D", "padding side", mobilenet="pad")
def zeros_on_one_side(layer, right, inputs):
    """All zeros go after the image."""
    with with_attributes(layer, padding=((0, 2), (0, 2))):
        return right(inputs)


@wrong_layer("Flatten", "memory layout", lenet="flatten", sequential="flatten", video="flatten")
def flatten_channels_first(layer, right, inputs):
    """An image is flattened channel by channel, the order of the other layout."""
    from keras import ops

    return right(ops.moveaxis(inputs, -1, 1))


@wrong_layer("Conv2D", "wrong gradient", unet="bottom", two_headed="see", group_norm_net="conv2")
def gradient_doubled(layer, right, inputs):
    """The output is right; the gradients of inputs and weights are twice too large."""
    from keras import ops

    outputs = right(inputs)
    return 2 * outputs - ops.stop_gradient(outputs)


@wrong_layer("Add", "wrong gradient", resnet="block1_add", transformer="add1")
def gradient_lost_in_the_shortcut(layer, right, inputs):
    """The output is right; no gradient flows back through the second input."""
    from keras import ops

    return right([inputs[0], ops.stop_gradient(inputs[1])])
