"""Faults in optimisers, losses and metrics, and in what is saved and loaded."""

from benchmarks.faults.planting import with_attributes, wrong_method

OPTIMIZER, LOSS, RELOAD = "(optimizer)", "(loss)", "(reload)"


@wrong_method("optimizers.Adam.apply", "optimizer epsilon", dense_net=OPTIMIZER, time_net=OPTIMIZER)
def adam_epsilon(optimizer, right, *args, **kwargs):
    """An epsilon of 1e-3 for 1e-7."""
    with with_attributes(optimizer, epsilon=1e-3):
        return right(*args, **kwargs)


@wrong_method("optimizers.Adam.apply", "optimizer constant", group_norm_net=OPTIMIZER, time_net=OPTIMIZER)
def adam_beta(optimizer, right, *args, **kwargs):
    """A second beta of 0.99 for 0.999."""
    with with_attributes(optimizer, beta_2=0.99):
        return right(*args, **kwargs)


@wrong_method(
    "optimizers.Adam._get_current_learning_rate", "bias correction", group_norm_net=OPTIMIZER, channels_first=OPTIMIZER
)
def adam_not_corrected(optimizer, right):
    """The moments' bias towards their start at zero is not corrected."""
    from keras import ops

    rate = right()
    steps = ops.cast(optimizer.iterations + 1, rate.dtype)
    return rate * (1 - optimizer.beta_1**steps) / ops.sqrt(1 - optimizer.beta_2**steps)


@wrong_method("optimizers.SGD.apply", "momentum", lenet=OPTIMIZER, siamese=OPTIMIZER)
def nesterov_ignored(optimizer, right, *args, **kwargs):
    """Plain momentum where Nesterov's is meant."""
    with with_attributes(optimizer, nesterov=False):
        return right(*args, **kwargs)


@wrong_method("optimizers.AdamW.apply", "weight decay", two_headed=OPTIMIZER, unet=OPTIMIZER)
def decay_ignored(optimizer, right, *args, **kwargs):
    """The weights do not decay."""
    with with_attributes(optimizer, weight_decay=None):
        return right(*args, **kwargs)


@wrong_method("optimizers.Adam.apply", "clip missing", bidirectional=OPTIMIZER, lstm=OPTIMIZER)
def gradients_not_clipped(optimizer, right, *args, **kwargs):
    """The gradients' norms are not limited."""
    with with_attributes(optimizer, clipnorm=None):
        return right(*args, **kwargs)


@wrong_method("optimizers.RMSprop.apply", "optimizer constant", mobilenet=OPTIMIZER)
def rmsprop_rho(optimizer, right, *args, **kwargs):
    """PyTorch's smoothing of 0.99 for Keras's 0.9."""
    with with_attributes(optimizer, rho=0.99):
        return right(*args, **kwargs)


@wrong_method("optimizers.SGD.apply", "weight not updated", resnet=OPTIMIZER, autoencoder=OPTIMIZER)
def last_weight_forgotten(optimizer, right, grads, trainable_variables=None):
    """The last weight is not updated."""
    from keras import ops

    grads = list(grads)
    return right([*grads[:-1], ops.zeros_like(grads[-1])], trainable_variables)


@wrong_method("optimizers.schedules.ExponentialDecay.__call__", "off-by-one step", siamese=OPTIMIZER)
def schedule_one_step_ahead(schedule, right, step):
    """The learning rate of the next step."""
    return right(step + 1)


@wrong_method("losses.CategoricalCrossentropy.call", "label smoothing", dense_net=LOSS)
def smoothing_ignored(loss, right, y_true, y_pred):
    """The labels are not smoothed."""
    with with_attributes(loss, _fn_kwargs={**loss._fn_kwargs, "label_smoothing": 0.0}):
        return right(y_true, y_pred)


@wrong_method("losses.SparseCategoricalCrossentropy.call", "from_logits", lenet=LOSS, transformer=LOSS)
def logits_normalised_twice(loss, right, y_true, y_pred):
    """The logits pass a soft-max before they are taken for logits."""
    from keras import ops

    # TensorFlow remembers the logits of what `softmax` returns; a new tensor does not.
    return right(y_true, 1.0 * ops.softmax(y_pred))


@wrong_method("losses.MeanSquaredError.__call__", "loss reduction", autoencoder=LOSS, bidirectional=LOSS)
def loss_summed(loss, right, *args, **kwargs):
    """The sum over the batch, and not its mean."""
    with with_attributes(loss, reduction="sum"):
        return right(*args, **kwargs)


@wrong_method("losses.BinaryCrossentropy.call", "clip missing", unet=LOSS)
def probabilities_not_clipped(loss, right, y_true, y_pred):
    """The logarithm is taken of probabilities as they are, zeros included."""
    from keras import ops

    y_true = ops.cast(y_true, y_pred.dtype)
    return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred), axis=-1)


@wrong_method("losses.Huber.call", "loss constant", lstm=LOSS)
def huber_delta(loss, right, y_true, y_pred):
    """The loss turns linear at half the error."""
    with with_attributes(loss, _fn_kwargs={**loss._fn_kwargs, "delta": 0.5}):
        return right(y_true, y_pred)


@wrong_method("metrics.MeanAbsoluteError.update_state", "wrong metric", lstm="(metric mean_absolute_error)")
def error_of_doubled_predictions(metric, right, y_true, y_pred, sample_weight=None):
    """The predictions count twice."""
    return right(y_true, 2 * y_pred, sample_weight)


@wrong_method("metrics.CategoricalAccuracy.result", "wrong metric", dense_net="(metric categorical_accuracy)")
def accuracy_reversed(metric, right):
    """The share of errors."""
    return 1 - right()


@wrong_method("metrics.BinaryAccuracy.update_state", "wrong metric", unet="(metric binary_accuracy)")
def accuracy_of_the_opposite(metric, right, y_true, y_pred, sample_weight=None):
    """Predictions below one half count as positive."""
    return right(y_true, 1 - y_pred, sample_weight)


@wrong_method(
    "layers.Dense.load_own_variables",
    "reload",
    only=lambda layer: layer.name in ("f5", "grow"),
    lenet=RELOAD,
    autoencoder=RELOAD,
)
def bias_not_loaded(layer, right, store):
    """A dense layer's bias is taken for zeros when a file is loaded."""
    right(store)
    layer.bias.assign(layer.bias * 0)


@wrong_method(
    "layers.BatchNormalization.load_own_variables",
    "reload",
    only=lambda layer: layer.name in ("stem_bn", "bn"),
    resnet=RELOAD,
    channels_first=RELOAD,
)
def statistics_loaded_swapped(layer, right, store):
    """Moving mean and variance change places when a file is loaded."""
    from keras import ops

    right(store)
    mean = ops.copy(layer.moving_mean.value)
    layer.moving_mean.assign(layer.moving_variance)
    layer.moving_variance.assign(mean)


@wrong_method("layers.LeakyReLU.get_config", "reload", dense_net=RELOAD)
def slope_not_saved(layer, right):
    """A file gets the default slope of another library, and not the layer's."""
    return {**right(), "negative_slope": 0.01}
