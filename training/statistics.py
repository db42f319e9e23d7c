"""Statistics of BatchNorm that are those of the trained weights."""

import keras
import numpy as np

from data.pipeline import scale
from data.split import Split


def settle_statistics(model: keras.Model, split: Split, batch_size: int) -> None:
    """Replace the moving statistics of a model's BatchNorm layers by the means over the batches of a split.

    A moving mean of momentum m lags some 1 / (1 - m) steps behind the weights, which matters where these were large.
    Source: Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021, section 3.

    Args:
        model: The trained model.
        split: The examples to take them from.
        batch_size: As in training.
    """
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    variables = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    momenta = [layer.momentum for layer in layers]
    sums = [np.zeros(variable.shape) for variable in variables]
    starts = range(0, len(split), batch_size)
    try:
        for layer in layers:
            layer.momentum = 0.0  # what is kept is then the last batch's own
        for start in starts:
            model(scale(split.inputs[start : start + batch_size]), training=True)
            for total, variable in zip(sums, variables, strict=True):
                total += keras.ops.convert_to_numpy(variable.value)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    for total, variable in zip(sums, variables, strict=True):
        variable.assign(total / len(starts))
