"""Two networks' outputs for the same images stand side by side."""

import numpy as np
import pytest

from figures.side_by_side import outputs_side_by_side

IMAGES = np.zeros((2, 4, 4, 1), np.uint8)
TRUTHS = np.array([0, 2])
NAMES = ("0", "1", "2")
SURE = np.array([[0.9, 0.1, 0.0], [0.1, 0.0, 1.0]])


def bars(figure):
    """Return the heights of the bars of each chart, with its title, row by row."""
    return [
        (axes.get_title("left"), [bar.get_height() for bar in axes.patches]) for axes in figure.axes if axes.patches
    ]


def test_each_network_has_a_chart_for_each_image():
    """Row by row the images, column by column the networks; the title has the truth's output and the next one."""
    figure = outputs_side_by_side(IMAGES, TRUTHS, {"cnn": SURE, "mlp": SURE / 2}, NAMES)

    assert bars(figure) == [
        ("cnn: truth 0.900, next 0.100", [0.9, 0.1, 0.0]),
        ("mlp: truth 0.450, next 0.050", [0.45, 0.05, 0.0]),
        ("cnn: truth 1.000, next 0.100", [0.1, 0.0, 1.0]),
        ("mlp: truth 0.500, next 0.050", [0.05, 0.0, 0.5]),
    ]
    assert [axes.get_title() for axes in figure.axes if axes.images] == ["truth: 0", "truth: 2"]


def test_sigmoids_need_not_sum_to_one():
    """Three outputs of 1 are three full bars."""
    assert bars(outputs_side_by_side(IMAGES, TRUTHS, {"cnn": np.ones((2, 3))}, NAMES))[0][1] == [1, 1, 1]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [({}, "no network"), ({"cnn": SURE[:1]}, "images by classes"), ({"cnn": SURE * 9}, r"\[0, 1\]")],
)
def test_arguments_that_make_no_sense_are_refused(outputs, message):
    """Bars of something else than was meant are never plotted."""
    with pytest.raises(ValueError, match=message):
        outputs_side_by_side(IMAGES, TRUTHS, outputs, NAMES)
