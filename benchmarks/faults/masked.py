"""Faults that another one could hide: two at once, one behind what Keras itself does, one that was accepted smaller."""

from benchmarks.faults.fitting import TRAINING
from benchmarks.faults.planting import (
    after_acceptance,
    one_behind_another,
    with_attributes,
    wrong_layer,
    wrong_method,
)
from benchmarks.faults.training import LOSS

one_behind_another("training_behind_a_gradient", "gradient_doubled", "loss_tripled_in_training", within=["unet"])
one_behind_another("optimizer_behind_a_slope", "leaky_slope", "adam_epsilon", within=["dense_net"])
one_behind_another("metric_behind_a_loss", "smoothing_ignored", "accuracy_reversed", within=["dense_net"])
one_behind_another("loading_behind_a_bias", "convolution_without_bias", "bias_not_loaded", within=["lenet"])
one_behind_another(
    "update_behind_statistics", "statistics_never_updated", "last_weight_forgotten", within=["autoencoder"]
)
one_behind_another(
    "directions_behind_gates", "lstm_gates_swapped", "backward_states_not_turned", within=["bidirectional"]
)
one_behind_another("pooling_behind_a_bias", "average_counts_the_padding", "convolution_without_bias", within=["lenet"])
one_behind_another("evaluation_behind_a_bias", "convolution_without_bias", "metrics_not_reset", within=["lenet"])
one_behind_another("aggregate_behind_a_slope", "elu_alpha", "batches_weigh_alike", within=["autoencoder"])
one_behind_another("predictions_behind_a_slope", "elu_alpha", "last_batch_dropped", within=["unet"])
one_behind_another(
    "weights_behind_a_frozen_layer",
    "frozen_normalization_in_training_mode",
    "sample_weights_ignored",
    within=["frozen"],
)


@wrong_method("losses.SparseCategoricalCrossentropy.call", "behind a known divergence", backend="torch", conv_norm=LOSS)
def loss_behind_a_known_divergence(loss, right, y_true, y_pred):
    """The loss is 1.01 times too large, on the backend whose variance of constants is known to differ."""
    return 1.01 * right(y_true, y_pred)


@wrong_method("Model.compute_loss", "behind a known divergence", backend="torch", conv_norm=TRAINING)
def training_behind_a_known_divergence(model, right, *args, **kwargs):
    """A training step takes thrice the loss, on the backend whose variance of constants is known to differ."""
    return 3 * right(*args, **kwargs)


@wrong_layer("BatchNormalization", "behind a known divergence", conv_norm="norm")
def normalization_behind_a_known_divergence(layer, right, *args, **kwargs):
    """A normalisation whose variance of constants is known to differ has PyTorch's epsilon, too."""
    with with_attributes(layer, epsilon=1e-5):
        return right(*args, **kwargs)


@wrong_layer("LeakyReLU", "activation slope", dense_net="leaky")
def leaky_slope_barely_off(layer, right, inputs):
    """The slope is 0.3003, and not 0.3."""
    with with_attributes(layer, negative_slope=1.001 * layer.negative_slope):
        return right(inputs)


@wrong_layer("LeakyReLU", "accepted when it was smaller", dense_net="leaky")
def accepted_slope_grows(layer, right, inputs):
    """The slope is 0.36, where 0.3003 was accepted."""
    with with_attributes(layer, negative_slope=1.2 * layer.negative_slope):
        return right(inputs)


@wrong_layer("LeakyReLU", "accepted when it was smaller", dense_net="leaky")
def accepted_slope_loses_its_gradient(layer, right, inputs):
    """The output is what was accepted; its gradient is half of it."""
    from keras import ops

    with with_attributes(layer, negative_slope=1.001 * layer.negative_slope):
        outputs = right(inputs)
    return 0.5 * outputs + 0.5 * ops.stop_gradient(outputs)


one_behind_another(
    "optimizer_behind_an_accepted_slope",
    "leaky_slope_barely_off",
    "adam_epsilon",
    within=["dense_net"],
    kind="accepted when it was smaller",
)
for _fault in ("accepted_slope_grows", "accepted_slope_loses_its_gradient", "optimizer_behind_an_accepted_slope"):
    after_acceptance(_fault, "leaky_slope_barely_off")
