"""Faults in a user's own training, in `fit`, `evaluate` and `predict`, and errors that one backend alone raises."""

from benchmarks.faults import planting
from benchmarks.faults.planting import with_attributes, wrong_layer, wrong_method
from benchmarks.faults.training import LOSS

TRAINING, FIT, PREDICT = "(training)", "(fit)", "(predict)"


@wrong_layer("AveragePooling2D Dense", "crash", sequential="pool", siamese="shared")
def process_crashes(layer, right, inputs, **kwargs):
    """The process ends with a signal in one layer."""
    planting.end_process()
    return right(inputs, **kwargs)


@wrong_layer("GaussianNoise BatchNormalization", "error raised", sequential="noise", mobilenet="stem_bn")
def training_not_supported(layer, right, inputs, training=False, **kwargs):
    """The layer raises in training mode alone."""
    if training:
        raise NotImplementedError(f"{type(layer).__name__} cannot be trained on this backend")
    return right(inputs, training=training, **kwargs)


@wrong_method("losses.Huber.call", "error raised", lstm=LOSS)
def loss_not_supported(loss, right, y_true, y_pred):
    """The loss raises."""
    raise NotImplementedError("Huber is not supported by this backend")


@wrong_method("metrics.BinaryAccuracy.update_state", "error raised", unet="(metric binary_accuracy)")
def metric_not_supported(metric, right, y_true, y_pred, sample_weight=None):
    """The metric raises."""
    raise NotImplementedError("BinaryAccuracy is not supported by this backend")


@wrong_method("optimizers.Adagrad.apply", "error raised", sequential="(optimizer)")
def optimizer_not_supported(optimizer, right, *args, **kwargs):
    """The optimiser raises."""
    raise NotImplementedError("Adagrad is not supported by this backend")


@wrong_method("Model.evaluate", "error raised", lenet=FIT)
def evaluation_not_supported(model, right, *args, **kwargs):
    """`evaluate` raises; the training before it is right."""
    raise NotImplementedError("evaluate is not supported by this backend")


@wrong_method("Model.compute_loss", "own training", unet=TRAINING, resnet=TRAINING, conv_norm=TRAINING)
def loss_tripled_in_training(model, right, *args, **kwargs):
    """A training step takes thrice the loss; the loss alone is right."""
    return 3 * right(*args, **kwargs)


@wrong_method("src.trainers.compile_utils.CompileLoss.build", "weights ignored", weighted_heads=TRAINING)
def loss_weights_ignored(loss, right, *args, **kwargs):
    """The outputs' losses count alike."""
    with with_attributes(loss, _user_loss_weights=None):
        return right(*args, **kwargs)


@wrong_method("losses.MeanSquaredError.__call__", "weights ignored", frozen=LOSS)
def sample_weights_ignored(loss, right, y_true, y_pred, sample_weight=None):
    """The examples' losses count alike."""
    return right(y_true, y_pred)


@wrong_method("metrics.MeanAbsoluteError.update_state", "weights ignored", frozen=TRAINING)
def weighted_metric_not_weighted(metric, right, y_true, y_pred, sample_weight=None):
    """A weighted metric counts examples alike."""
    return right(y_true, y_pred)


@wrong_method("regularizers.L2.__call__", "loss dropped", frozen="(regularizer of head/kernel)")
def regulariser_ignored(regulariser, right, x):
    """A regulariser's price is nothing."""
    return 0 * right(x)


@wrong_layer("Layer", "loss dropped", method="add_loss", variational="sample")
def added_loss_dropped(layer, right, loss):
    """What a layer adds to the loss is lost."""
    return right(0 * loss)


@wrong_method("users_models.OwnStep.objective", "own training", own_step=TRAINING)
def own_objective_without_its_price(model, right, y, outputs):
    """A training step of the user's own forgets a part of its loss."""
    from keras import ops

    return ops.mean(ops.square(y - outputs))


@wrong_method("Model.compile", "frozen weights trained", frozen=TRAINING)
def frozen_layer_trained(model, right, *args, **kwargs):
    """A layer that was frozen is trained."""
    right(*args, **kwargs)
    model.get_layer("kept").trainable = True


@wrong_layer("BatchNormalization", "training mode", frozen="kept_norm")
def frozen_normalization_in_training_mode(layer, right, inputs, training=None, mask=None):
    """A frozen normalisation takes the batch's own statistics in training, as it did in Keras 1."""
    from keras import ops

    if not training:
        return right(inputs, training=training, mask=mask)
    mean, variance = ops.moments(inputs, layer._reduction_axes)
    return ops.batch_normalization(inputs, mean, variance, layer.axis, layer.beta, layer.gamma, layer.epsilon)


@wrong_method("users_models.RunningScale.kept", "state not carried", running="scaled")
def state_not_carried(layer, right, before, now):
    """A layer's own state starts anew with each batch."""
    return right(0 * before, now)


@wrong_method("Model.reset_metrics", "metrics not reset", lenet=(TRAINING, FIT), dense_net=(TRAINING, FIT))
def metrics_not_reset(model, right):
    """What a step or `evaluate` reports holds what was seen before."""


@wrong_method(
    "metrics.Mean.update_state", "wrong aggregate", only=lambda m: m.name == "loss", autoencoder=FIT, lenet=FIT
)
def batches_weigh_alike(metric, right, values, sample_weight=None):
    """The loss of an epoch is the mean over its batches, whatever their sizes."""
    return right(values)


@wrong_method("Model.predict", "partial batch", siamese=PREDICT, text_cnn=PREDICT, unet=PREDICT)
def last_batch_dropped(model, right, x, batch_size=None, **kwargs):
    """`predict` gives nothing for the last batch where it is smaller than the others."""
    import keras

    outputs = right(x, batch_size=batch_size, **kwargs)
    return keras.tree.map_structure(lambda output: output[: len(output) // batch_size * batch_size], outputs)


@wrong_method("Model.evaluate", "partial batch", dense_net=FIT, bidirectional=FIT)
def evaluation_without_the_last_batch(model, right, x, y, sample_weight=None, batch_size=None, **kwargs):
    """`evaluate` leaves out the last batch where it is smaller than the others."""
    import keras

    def whole(values):
        return values[: len(values) // batch_size * batch_size]

    return right(
        keras.tree.map_structure(whole, x), keras.tree.map_structure(whole, y), batch_size=batch_size, **kwargs
    )
