"""The sample images stand under their own labels."""

import numpy as np
import pytest

from figures.samples import sample_images

NAMES = ("zero", "one", "two")


def images_of(n: int) -> np.ndarray:
    """Return n images, uint8 `(n, 4, 4, 1)`, the i-th all of grey level i."""
    return np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)


def captions(figure) -> list[tuple[int, str]]:
    """Return the grey level and the caption of each plotted image."""
    return [(int(axes.images[0].get_array()[0, 0]), axes.get_title()) for axes in figure.axes if axes.images]


def test_each_image_stands_under_its_label():
    """Image i carries the name of label i; with the labels turned round, another one."""
    labels = np.array([2, 0, 1])

    assert captions(sample_images(images_of(3), labels, NAMES)) == [(0, "two"), (1, "zero"), (2, "one")]
    assert captions(sample_images(images_of(3), labels[::-1], NAMES)) == [(0, "one"), (1, "zero"), (2, "two")]


def test_more_images_than_the_grid_holds_are_counted_in_the_title():
    """The rest is not plotted, and nobody takes the part for the whole."""
    figure = sample_images(images_of(200), np.zeros(200, int), NAMES, count=7)

    assert [grey for grey, _ in captions(figure)] == list(range(7))
    assert figure.get_suptitle() == "7 of 200 training images, with their labels"
    assert sample_images(images_of(7), np.zeros(7, int), NAMES).get_suptitle().startswith("7 training images")


def test_one_image_has_its_label_as_title():
    """`mnist_cnn` plots one training image."""
    assert captions(sample_images(images_of(1), np.array([1]), NAMES)) == [(0, "label: one")]


@pytest.mark.parametrize(
    ("images", "labels", "count", "message"),
    [
        (images_of(0), np.zeros(0, int), 5, "no image"),
        (images_of(2), np.zeros(3, int), 5, "3 labels where 2"),
        (images_of(2), np.full(2, 3), 5, "3 classes"),
        (images_of(2), np.zeros(2), 5, "float64"),
        (images_of(2), np.zeros(2, int), 0, "count"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(images, labels, count, message):
    """A grid of something else than was meant is never plotted."""
    with pytest.raises(ValueError, match=message):
        sample_images(images, labels, NAMES, count=count)
