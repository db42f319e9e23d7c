"""The figures of single predictions show the right images and mark the errors."""

import numpy as np
import pytest

from figures.predictions import first_predictions, output_bars, worst_classified

NAMES = ("0", "1", "2")


def images_of(n: int) -> np.ndarray:
    """Return n images, uint8 `(n, 4, 4, 1)`, the i-th all of grey level i."""
    return np.repeat(np.arange(n, dtype=np.uint8), 16).reshape(n, 4, 4, 1)


def cells(figure) -> list[tuple[int, list[str], object]]:
    """Return of each plotted image its grey level, the lines of its caption and the style of its frame."""
    return [
        (int(axes.images[0].get_array()[0, 0]), axes.get_title().split("\n"), axes.spines["left"].get_linestyle())
        for axes in figure.axes
        if axes.images
    ]


def one_hot(*classes: int) -> np.ndarray:
    """Return probabilities `(n, 3)`, 0.8 for the given class and 0.1 for the others."""
    return 0.1 + 0.7 * np.eye(3)[list(classes)]


def test_an_error_is_marked_by_more_than_colour():
    """A wrong prediction has a cross and a dashed frame; the right one beside it has neither."""
    (_, right, plain), (_, wrong, dashed) = cells(
        first_predictions(images_of(2), np.array([1, 2]), one_hot(1, 0), NAMES)
    )

    assert right == ["✓ predicted 1", "truth 1"]
    assert wrong == ["✗ predicted 0", "truth 2"]
    assert plain == "solid"
    assert dashed != plain


def test_the_first_ten_are_plotted_in_order_and_the_rest_is_not():
    """The figure is of the first ten, whatever comes after."""
    truths = np.zeros(30, int)

    figure = first_predictions(images_of(30), truths, one_hot(*truths), NAMES)

    assert [grey for grey, *_ in cells(figure)] == list(range(10))
    assert figure.get_suptitle() == "The first 10 test images: 10 predicted right"


def test_logits_will_do_for_a_prediction():
    """The largest output is the prediction, whether or not a softmax was taken."""
    truths, logits = np.array([0, 1]), np.array([[5.0, -3, 2], [9.0, -30, 2]])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    from_logits = cells(first_predictions(images_of(2), truths, logits, NAMES))

    assert from_logits == cells(first_predictions(images_of(2), truths, softmax, NAMES))
    assert from_logits != cells(first_predictions(images_of(2), truths, -logits, NAMES))


def test_the_worst_images_come_first_with_their_probability():
    """The order is by the probability of the true class, not of the predicted one."""
    truths = np.array([0, 0, 1, 2])
    probabilities = np.array([[0.6, 0.3, 0.1], [0.002, 0.99, 0.008], [0.5, 0.2, 0.3], [0.1, 0.1, 0.8]])

    figure = worst_classified(images_of(4), truths, probabilities, NAMES, count=3)

    assert [(grey, caption) for grey, caption, _ in cells(figure)] == [
        (1, ["image 1", "✗ predicted 1", "truth 0", "probability 0.002"]),
        (2, ["image 2", "✗ predicted 0", "truth 1", "probability 0.2"]),
        (0, ["image 0", "✓ predicted 0", "truth 0", "probability 0.6"]),
    ]


def test_another_truth_makes_another_image_the_worst():
    """The twin: the choice depends on the truths."""
    probabilities = one_hot(0, 1)

    first = cells(worst_classified(images_of(2), np.array([0, 2]), probabilities, NAMES, count=1))
    second = cells(worst_classified(images_of(2), np.array([2, 1]), probabilities, NAMES, count=1))

    assert first[0][0] == 1
    assert second[0][0] == 0


def test_fewer_images_than_asked_for_are_all_plotted():
    """Three images give three cells, and a title that says so."""
    figure = worst_classified(images_of(3), np.array([0, 1, 2]), one_hot(0, 1, 0), NAMES, count=15)

    assert [grey for grey, *_ in cells(figure)] == [2, 0, 1]  # of equals, the first is first
    assert "3 of 3 images, 1 classified wrong" in figure.get_suptitle().replace("\n", " ")


def test_a_bar_is_as_long_as_its_output():
    """Each class has its bar, in the order of the classes, from the top."""
    probabilities = np.array([0.05, 0.7, 0.25], np.float32)

    figure = output_bars(images_of(1)[0], probabilities, ("T-shirt/top", "$_{x}$", "Coat"))

    bars = figure.axes[1]
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], 100 * probabilities)
    assert [label.get_text() for label in bars.get_yticklabels()] == ["T-shirt/top", "$_{x}$", "Coat"]
    assert bars.yaxis_inverted()
    assert figure.get_suptitle() == "Largest output: $_{x}$, 70.00 %"


@pytest.mark.parametrize(
    ("probability", "text"),
    [(1.0, "100.00 %"), (0.999_999, "> 99.99 %"), (0.0, "0.00 %"), (1e-9, "< 0.01 %"), (0.123, "12.30 %")],
)
def test_a_near_certainty_is_not_rounded_to_a_certainty(probability, text):
    """100 % and 0 % are printed for exactly those alone."""
    figure = output_bars(images_of(1)[0], np.array([probability, 0.5]), ("a", "b"))

    assert figure.axes[1].texts[0].get_text() == text


GOOD = {"images": images_of(2), "truths": np.array([0, 1]), "outputs": one_hot(0, 1), "class_names": NAMES}


@pytest.mark.parametrize("plot", [first_predictions, worst_classified])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": images_of(0)}, "no image"),
        ({"images": images_of(3)}, "2 truths where 3"),
        ({"images": images_of(2) / 255}, "uint8"),
        ({"images": images_of(2)[..., 0]}, "uint8"),
        ({"truths": np.array([0, 3])}, "there are 3 classes"),
        ({"outputs": one_hot(0)}, r"outputs must be \(2, 3\)"),
        ({"outputs": one_hot(0, 1)[:, :2]}, r"outputs must be \(2, 3\)"),
        ({"outputs": one_hot(0, 1) * np.nan}, "finite"),
        ({"class_names": ("0", "1")}, r"\(2, 2\)"),
        ({"class_names": ()}, "class_names"),
        ({"count": 0}, "count"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(plot, change, message):
    """A figure of something else than was meant is never plotted."""
    arguments = GOOD | change

    with pytest.raises(ValueError, match=message):
        plot(*[arguments[name] for name in GOOD], count=arguments.get("count", 10))


@pytest.mark.parametrize("plot", [first_predictions, worst_classified])
def test_the_same_arguments_unchanged_are_taken(plot):
    """The twin: what is refused above is the change."""
    assert len(cells(plot(*GOOD.values(), count=10))) == 2


def test_logits_are_refused_where_a_probability_is_printed():
    """A logit of 7 must not be captioned as a probability."""
    with pytest.raises(ValueError, match="softmax"):
        worst_classified(images_of(1), np.array([0]), np.array([[7.0, -2, 0]]), NAMES)
    with pytest.raises(ValueError, match="softmax"):
        output_bars(images_of(1)[0], np.array([7.0, -2, 0]), NAMES)
