"""Which classes does a system take for which?"""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from figures.checks import checked_labels, checked_names
from figures.style import GREY, house_style, ink_on, new_figure, shorten, text_width, title_over

_WIDEST = 1.3  # inches: a name, which else is cut


def count_confusions(truths: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Count how often each class was predicted for each true class.

    Args:
        truths: Integers `(n,)` in 0..classes-1, n at least 1.
        predictions: Integers `(n,)` in the same range.
        classes: Number of classes.

    Returns:
        int64 `(classes, classes)`: row = truth, column = prediction.

    Raises:
        ValueError: If an argument is not as described.
    """
    truths = checked_labels(truths, classes, name="truths")
    predictions = checked_labels(predictions, classes, name="predictions", length=len(truths))
    return np.bincount(truths * classes + predictions, minlength=classes**2).reshape(classes, classes)


@house_style
def confusion_matrix(truths: np.ndarray, predictions: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Plot how often each class was predicted for each true class, and the accuracy of each class.

    Only errors are coloured, by their share of the true class: the counts on the diagonal are so much larger that a
    common scale would leave the errors white.

    Args:
        truths: Integers `(n,)`, the true classes, n at least 1.
        predictions: Integers `(n,)`, the predicted classes.
        class_names: One name per class, 2 to 30 of them; long ones are cut.

    Returns:
        The figure: a row per true class, a column per predicted class, the accuracy of each row on the right ("-" for
        a class of which there is no example).

    Raises:
        ValueError: If an argument is not as described.
    """
    class_names = checked_names(class_names)
    classes = len(class_names)
    if not 2 <= classes <= 30:
        raise ValueError(f"the matrix is plotted for 2 to 30 classes, not {classes}")
    counts = count_confusions(truths, predictions, classes)
    examples = counts.sum(axis=1)
    right = counts.diagonal()
    shares = 100 * counts / np.maximum(examples, 1)[:, None]  # per cent of the row
    errors = np.where(np.eye(classes, dtype=bool), np.nan, shares)

    names = [shorten(name, _WIDEST, size=10) for name in class_names]
    longest = max(text_width(name, 10) for name in names)
    size = max(3.8, 0.55 * classes)
    slanted = longest > 0.45  # they would touch, side by side
    figure = new_figure(size + 2.6 + longest, size + 1.3 + (0.7 * longest if slanted else 0))
    axes = figure.subplots()
    colours = matplotlib.colormaps["YlOrBr"].with_extremes(bad="#E4E9EE")  # the diagonal, a neutral grey
    # Below 1 % the scale is not stretched further: single errors must not look like a catastrophe.
    mesh = axes.imshow(errors, cmap=colours, vmin=0, vmax=max(1.0, np.nanmax(errors)))
    for row, column in np.ndindex(counts.shape):
        count, on_diagonal = counts[row, column], row == column
        ink = ink_on(mesh.to_rgba(errors[row, column]))
        axes.text(
            column, row, f"{count:,}", ha="center", va="center", fontsize=9 if count < 10_000 else 7.5,
            fontweight="bold" if on_diagonal else "normal",
            color=GREY if count == 0 else ink,
        )  # fmt: skip

    slant: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(range(classes), names, **slant)
    axes.set_yticks(range(classes), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    accuracy = axes.secondary_yaxis("right")
    accuracy.set_yticks(
        range(classes), [f"{100 * r / n:.1f} %" if n else "-" for r, n in zip(right, examples, strict=True)]
    )
    accuracy.tick_params(length=0)
    accuracy.spines[:].set_visible(False)
    accuracy.set_ylabel("accuracy of the class")
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("errors, as a share of the true class (%)")
    bar.outline.set_visible(False)
    title_over(
        figure,
        f"Confusion matrix: {right.sum():,} of {examples.sum():,} right ({100 * right.sum() / examples.sum():.2f} %)",
    )
    return figure
