"""Faults in normalisations, their statistics, and the layers that draw at random."""

from benchmarks.faults.planting import with_attributes, wrong_layer


@wrong_layer("BatchNormalization", "epsilon", resnet="stem_bn", autoencoder="decoder/grow_bn", channels_first="bn")
def batch_norm_epsilon(layer, right, *args, **kwargs):
    """PyTorch's epsilon of 1e-5 for Keras's 1e-3."""
    with with_attributes(layer, epsilon=1e-5):
        return right(*args, **kwargs)


@wrong_layer("GroupNormalization", "epsilon", group_norm_net="group_norm")
def group_norm_epsilon(layer, right, *args, **kwargs):
    """PyTorch's epsilon of 1e-5 for Keras's 1e-3."""
    with with_attributes(layer, epsilon=1e-5):
        return right(*args, **kwargs)


@wrong_layer("BatchNormalization", "momentum", resnet="block1_bn1", channels_first="bn")
def batch_norm_momentum(layer, right, *args, **kwargs):
    """The momentum in PyTorch's sense: the share of the new value, and not of the old one."""
    with with_attributes(layer, momentum=1 - layer.momentum):
        return right(*args, **kwargs)


@wrong_layer("BatchNormalization", "stale statistics", mobilenet="stem_bn", autoencoder="decoder/grow_bn")
def statistics_never_updated(layer, right, *args, **kwargs):
    """Training leaves the moving mean and variance as they were."""
    with with_attributes(layer, momentum=1.0):
        return right(*args, **kwargs)


@wrong_layer("BatchNormalization", "biased variance", channels_first="bn", resnet="block2_bn2")
def moving_variance_unbiased(layer, right, inputs, training=None, mask=None):
    """The moving variance collects the unbiased estimate, as PyTorch's does; the output is right."""
    from keras import ops

    before = ops.convert_to_tensor(layer.moving_variance)
    outputs = right(inputs, training=training, mask=mask)
    if training:
        count = inputs.shape[0]
        for axis in layer._reduction_axes[1:]:
            count *= inputs.shape[axis]
        kept = before * layer.momentum
        layer.moving_variance.assign(kept + (layer.moving_variance - kept) * (count / max(count - 1, 1)))
    return outputs


@wrong_layer("BatchNormalization", "training mode", mobilenet="depthwise_bn")
def batch_statistics_in_inference(layer, right, inputs, training=None, mask=None):
    """Inference normalises by the batch's own statistics."""
    from keras import ops

    if training:
        return right(inputs, training=training, mask=mask)
    mean, variance = ops.moments(inputs, layer._reduction_axes)
    return ops.batch_normalization(inputs, mean, variance, layer.axis, layer.beta, layer.gamma, layer.epsilon)


@wrong_layer("BatchNormalization", "training mode", autoencoder="decoder/grow_bn", resnet="block1_bn2")
def moving_statistics_in_training(layer, right, inputs, training=None, mask=None):
    """Training normalises by the moving statistics, as if the layer were frozen."""
    return right(inputs, training=False, mask=mask)


def layer_norm(layer, inputs, deviation):
    """Return a layer normalisation of the last axis, with `deviation(variance)` below the fraction's bar."""
    from keras import ops

    centred = inputs - ops.mean(inputs, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    return centred / deviation(variance) * layer.gamma + layer.beta


@wrong_layer("LayerNormalization", "biased variance", transformer="norm1", subclassed="norm")
def layer_norm_unbiased(layer, right, inputs):
    """The variance is the unbiased one."""
    from keras import ops

    count = inputs.shape[-1]
    return layer_norm(layer, inputs, lambda variance: ops.sqrt(variance * (count / (count - 1)) + layer.epsilon))


@wrong_layer("LayerNormalization", "epsilon", transformer="norm1", subclassed="norm")
def layer_norm_epsilon_outside(layer, right, inputs):
    """Epsilon is added to the deviation, outside the square root."""
    from keras import ops

    return layer_norm(layer, inputs, lambda variance: ops.sqrt(variance) + layer.epsilon)


@wrong_layer("LayerNormalization", "missing bias", transformer="norm2")
def layer_norm_without_offset(layer, right, inputs):
    """The learned offset is not added."""
    return right(inputs) - layer.beta


@wrong_layer("GroupNormalization", "axis", group_norm_net="group_norm")
def groups_interleaved(layer, right, inputs):
    """Each group takes every fourth channel, and not neighbouring ones."""
    import numpy as np
    from keras import ops

    order = np.arange(inputs.shape[-1]).reshape(-1, layer.groups).T.ravel()
    gamma, beta = layer.gamma, layer.beta
    with with_attributes(layer, scale=False, center=False):
        normal = ops.take(right(ops.take(inputs, order, axis=-1)), np.argsort(order), axis=-1)
    return normal * gamma + beta


@wrong_layer("RMSNormalization", "wrong reduction", group_norm_net="rms_norm")
def rms_norm_centres(layer, right, inputs):
    """The mean is taken off first, as a layer normalisation does."""
    from keras import ops

    return right(inputs - ops.mean(inputs, axis=-1, keepdims=True))


@wrong_layer("UnitNormalization", "NaN at an edge value", siamese="unit")
def zero_over_zero(layer, right, inputs):
    """A row of zeros is divided by its norm."""
    from keras import ops

    return inputs / ops.sqrt(ops.sum(ops.square(inputs), axis=-1, keepdims=True))


@wrong_layer("Dropout", "dropout scale", dense_net="dropout", transformer="dropout")
def dropout_not_scaled(layer, right, inputs, training=False):
    """What is kept is not scaled up."""
    outputs = right(inputs, training=training)
    return outputs * (1 - layer.rate) if training else outputs


@wrong_layer("Dropout", "training mode", dense_net="dropout")
def dropout_never_drops(layer, right, inputs, training=False):
    """Training keeps all values."""
    return right(inputs, training=False)


@wrong_layer("SpatialDropout2D", "axis", sequential="spatial_dropout")
def spatial_dropout_drops_pixels(layer, right, inputs, training=False):
    """Single pixels are dropped, and not whole channels."""
    from keras.src import backend

    return backend.random.dropout(inputs, layer.rate, seed=layer.seed_generator) if training else inputs


@wrong_layer("GaussianNoise", "standard deviation", sequential="noise")
def noise_by_variance(layer, right, *args, **kwargs):
    """The noise has the variance that was meant as its deviation."""
    with with_attributes(layer, stddev=layer.stddev**0.5):
        return right(*args, **kwargs)
