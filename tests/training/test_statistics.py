"""Settled statistics are the means over batches, whatever stood there before."""

import numpy as np
import pytest

IMAGES = np.random.default_rng(1).integers(0, 256, (6, 4, 4, 1)).astype(np.uint8)


def settle(batch_size, before):
    """Return a small network's settled mean and variance, and the momentum that it is left with."""
    import keras

    from data.split import Split
    from training.statistics import settle_statistics

    image = keras.Input((4, 4, 1))
    norm = keras.layers.BatchNormalization(momentum=0.9, name="norm")
    model = keras.Model(image, norm(image))
    norm.moving_mean.assign([before])
    settle_statistics(model, Split(IMAGES, np.zeros(6, np.int64)), batch_size)
    return [float(v.value[0]) for v in (norm.moving_mean, norm.moving_variance)], norm.momentum


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_the_statistics_are_the_means_over_the_batches(worker, batch_size):
    """Mean and variance of each batch by NumPy, the last batch the smaller one; the momentum is what it was."""
    batches = [IMAGES[start : start + batch_size] / 255 for start in range(0, 6, batch_size)]

    found, momentum = worker.run(settle, batch_size, 0.0)

    expected = [np.mean([batch.mean() for batch in batches]), np.mean([batch.var() for batch in batches])]
    assert found == pytest.approx(expected, rel=1e-5)
    assert momentum == 0.9


def test_what_stood_there_before_is_forgotten(workers):
    """A moving mean would remember it."""
    assert workers["jax"].run(settle, 2, 5.0) == workers["jax"].run(settle, 2, 0.0)
