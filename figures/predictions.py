"""What does a system say of single images?"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from figures.checks import checked_images, checked_labels, checked_names, checked_outputs
from figures.grid import image_grid
from figures.style import BLUE, GREY, house_style, new_figure, plot_image, shorten, title_over


@house_style
def first_predictions(
    images: np.ndarray, truths: np.ndarray, outputs: np.ndarray, class_names: Sequence[str], count: int = 10
) -> Figure:
    """Plot the first test images, each with its predicted and its true class.

    An error is marked by a cross and a dashed frame, not by colour alone.

    Args:
        images: uint8 `(n, height, width, 1)`, n at least 1; those past `count` are not plotted.
        truths: Integers `(n,)`, the true classes.
        outputs: Numbers `(n, classes)`, logits or probabilities: the largest of a row is the prediction, the first
            of equals.
        class_names: One name per class.
        count: The most images to plot, at least 1.

    Returns:
        The figure.

    Raises:
        ValueError: If an argument is not as described, or an output is not finite.
    """
    images, class_names = checked_images(images), checked_names(class_names)
    truths = checked_labels(truths, len(class_names), name="truths", length=len(images))
    predictions = checked_outputs(outputs, class_names, len(images)).argmax(axis=1)
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    images, truths, predictions = images[:count], truths[:count], predictions[:count]
    wrong = predictions != truths
    captions = [
        f"{'✗' if is_wrong else '✓'} predicted {class_names[prediction]}\ntruth {class_names[truth]}"
        for prediction, truth, is_wrong in zip(predictions, truths, wrong, strict=True)
    ]
    right = int((~wrong).sum())
    title = f"The first {len(images)} test images: {right} predicted right"
    return image_grid(images, captions, title + (", errors marked ✗" if wrong.any() else ""), columns=5, wrong=wrong)


@house_style
def worst_classified(
    images: np.ndarray, truths: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], count: int = 15
) -> Figure:
    """Plot the images whose true class got the lowest probability, the lowest first.

    Args:
        images: uint8 `(n, height, width, 1)`, n at least 1.
        truths: Integers `(n,)`, the true classes.
        probabilities: Numbers `(n, classes)` in [0, 1]; rows need not sum to 1 (sigmoids).
        class_names: One name per class.
        count: The most images to plot, at least 1; all if there are fewer. Of equal ones the first is first.

    Returns:
        The figure. Each caption has the image's position in `images`, its true class, the predicted one (marked by
        a cross where it differs) and the probability of the true class.

    Raises:
        ValueError: If an argument is not as described.
    """
    images, class_names = checked_images(images), checked_names(class_names)
    truths = checked_labels(truths, len(class_names), name="truths", length=len(images))
    probabilities = checked_outputs(probabilities, class_names, len(images), probabilities=True)
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    of_truth = probabilities[np.arange(len(truths)), truths]
    worst = np.argsort(of_truth, kind="stable")[:count]
    predictions = probabilities[worst].argmax(axis=1)
    wrong = predictions != truths[worst]
    captions = [
        f"image {i}\n{'✗' if is_wrong else '✓'} predicted {class_names[prediction]}\n"
        f"truth {class_names[truths[i]]}\nprobability {of_truth[i]:.2g}"
        for i, prediction, is_wrong in zip(worst, predictions, wrong, strict=True)
    ]
    title = (
        f"Lowest probability of the true class: {len(worst):,} of {len(images):,} images, "
        f"{int(wrong.sum()):,} classified wrong"
    )
    return image_grid(images[worst], captions, title, columns=5, wrong=wrong)


@house_style
def output_bars(image: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Plot one image beside a bar for each of its outputs.

    Args:
        image: uint8 `(height, width, 1)`.
        probabilities: Numbers `(classes,)` in [0, 1]; they need not sum to 1 (sigmoids).
        class_names: One name per class.

    Returns:
        The figure; its title names the largest output, the first of equals.

    Raises:
        ValueError: If an argument is not as described.
    """
    class_names = checked_names(class_names)
    (image,) = checked_images(np.asarray(image)[None])
    (probabilities,) = checked_outputs(np.asarray(probabilities)[None], class_names, 1, probabilities=True)
    largest = int(probabilities.argmax())
    names = [shorten(name, 1.7, size=10) for name in class_names]
    figure = new_figure(7.5, max(3.0, 1.0 + 0.3 * len(names)))
    picture, bars = figure.subplots(1, 2, width_ratios=[2, 3])
    plot_image(picture, image)
    picture.set_xlabel(f"{image.shape[1]} by {image.shape[0]} pixels")
    positions = np.arange(len(names))
    bars.barh(positions, 100 * probabilities, color=[BLUE if i == largest else GREY for i in positions])
    for i in positions:
        weight = "bold" if i == largest else "normal"
        bars.annotate(
            _percent(probabilities[i]), (100 * probabilities[i], i), (4, 0), textcoords="offset points",
            va="center", fontsize=9, fontweight=weight,
        )  # fmt: skip
    bars.set_yticks(positions, names)
    bars.get_yticklabels()[largest].set_fontweight("bold")
    bars.tick_params(axis="y", length=0)
    bars.invert_yaxis()  # class 0 on top, as one reads
    bars.set(xlim=(0, 118), xticks=range(0, 101, 20), xlabel="output, as a probability (%)", ylabel="class")
    title_over(figure, f"Largest output: {names[largest]}, {_percent(probabilities[largest])}")
    return figure


def _percent(probability: float) -> str:
    """Return a probability in per cent with three digits, never rounded to a certainty that it is not."""
    if probability < 5e-5 and probability > 0:
        return "< 0.01 %"
    if probability > 0.9999 and probability < 1:
        return "> 99.99 %"
    return f"{100 * probability:.2f} %"
