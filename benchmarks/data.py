"""What the native loops train on: MNIST as plain arrays, its pixels already scaled."""

from dataclasses import dataclass

import numpy as np

import data
from data.pipeline import scale

BATCH_SIZE = 50


@dataclass(frozen=True)
class Data:
    """Arrays for a hand-written loop.

    Attributes:
        images: float32 `(n, 28, 28, 1)` in [0, 1].
        labels: int64 `(n,)`.
        test_images: float32 `(2000, 28, 28, 1)`, the log's.
        test_labels: int64 `(2000,)`.
    """

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def read_data(examples: int) -> Data:
    """Return MNIST's first `examples` training images, and the first 2,000 test images."""
    dataset = data.read("mnist")
    train, test = dataset.train.first(examples), dataset.test.first(2000)
    return Data(scale(train.inputs), train.labels, scale(test.inputs), test.labels)
