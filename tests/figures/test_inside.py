"""Kernels and feature maps are plotted where they belong, with their own values."""

import numpy as np
import pytest

from figures.feature_maps import feature_maps
from figures.kernels import kernel_images
from figures.mosaic import mosaic

IMAGE = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)


def panels(figure):
    """Return title and plotted numbers of each picture."""
    return [
        (axes.get_title("left"), np.asarray(axes.images[0].get_array().filled(np.nan), float))
        for axes in figure.axes
        if axes.images and axes.get_title("left")
    ]


def test_a_mosaic_has_each_map_in_its_place():
    """Row and column are those of the first two axes; the gaps are NaN."""
    maps = np.arange(24.0).reshape(2, 3, 2, 2)

    whole = mosaic(maps)

    assert whole.shape == (5, 8)
    np.testing.assert_array_equal(whole[3:5, 6:8], maps[1, 2])
    np.testing.assert_array_equal(whole[0:2, 3:5], maps[0, 1])
    assert np.isnan(whole[2]).all()
    assert np.isnan(whole[:, 2]).all()
    assert np.isfinite(whole).sum() == 24


def test_each_kernel_stands_in_its_filters_column_and_channels_row():
    """Red and blue are on a scale that has nought in its middle."""
    kernel = np.zeros((3, 3, 2, 4))
    kernel[:, :, 1, 2] = 5
    kernel[0, 0, 0, 0] = -7

    ((title, plotted),) = panels(kernel_images({"conv1": kernel}))

    assert title == "conv1: 4 filters of 3 × 3, on 2 channels"
    np.testing.assert_array_equal(plotted[4:7, 8:11], np.full((3, 3), 5))
    assert plotted[0, 0] == -7
    assert np.nansum(plotted) == 45 - 7
    assert kernel_images({"conv1": kernel}).axes[0].images[0].get_clim() == (-7, 7)


def test_each_layer_has_a_panel():
    """Also where a layer has one channel, or one filter."""
    figure = kernel_images({"conv1": np.ones((5, 5, 1, 16)), "conv2": np.zeros((3, 3, 16, 1))})

    assert [title for title, _ in panels(figure)] == [
        "conv1: 16 filters of 5 × 5, on 1 channel",
        "conv2: 1 filters of 3 × 3, on 16 channels",
    ]


def test_the_stages_follow_each_other_from_the_image():
    """A panel per stage, a map per channel, each stage with its own range."""
    stages = [("conv1", np.arange(32.0).reshape(4, 4, 2)), ("pool1", np.full((2, 2, 20), 3.0))]

    figure = feature_maps(IMAGE, stages, "a bag")

    titles = [title for title, _ in panels(figure)]
    assert titles == [
        "input: 4 × 4",
        "conv1: 2 maps of 4 × 4, from 0 to 31",
        "pool1: 20 maps of 2 × 2, from 3 to 3",
    ]
    np.testing.assert_array_equal(panels(figure)[1][1][:4, :4], stages[0][1][..., 0])
    assert np.isfinite(panels(figure)[2][1]).sum() == 80
    assert "a bag" in figure.get_suptitle()


def test_another_map_is_another_picture():
    """The twin: what is plotted depends on what is given."""
    first = panels(feature_maps(IMAGE, [("conv1", np.zeros((4, 4, 1)))]))
    second = panels(feature_maps(IMAGE, [("conv1", np.ones((4, 4, 1)))]))

    assert not np.array_equal(first[1][1], second[1][1])


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        (lambda: kernel_images({}), "no kernel"),
        (lambda: kernel_images({"c": np.zeros((3, 3, 1))}), "'c'"),
        (lambda: kernel_images({"c": np.full((3, 3, 1, 1), np.nan)}), "finite"),
        (lambda: feature_maps(IMAGE, []), "no stage"),
        (lambda: feature_maps(IMAGE, [("c", np.zeros((3, 3)))]), "'c'"),
        (lambda: feature_maps(IMAGE / 255, [("c", np.zeros((3, 3, 1)))]), "uint8"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(plot, message):
    """A picture of something else than was meant is never plotted."""
    with pytest.raises(ValueError, match=message):
        plot()
