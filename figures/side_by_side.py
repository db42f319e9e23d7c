"""Which of two networks is the surer of itself?"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from figures.checks import checked_images, checked_labels, checked_names, checked_outputs
from figures.style import BLUE, GREY, house_style, new_figure, plot_image, shorten, title_over


@house_style
def outputs_side_by_side(
    images: np.ndarray, truths: np.ndarray, outputs: Mapping[str, np.ndarray], class_names: Sequence[str]
) -> Figure:
    """Plot, for each image, a bar chart of every network's outputs, side by side.

    Args:
        images: uint8 `(n, height, width, 1)`, n at least 1 and at most a handful.
        truths: Integers `(n,)`, the true classes; their bars are blue.
        outputs: By network name, numbers `(n, classes)` in [0, 1]; rows need not sum to 1 (sigmoids).
        class_names: One name per class.

    Returns:
        The figure.

    Raises:
        ValueError: If an argument is not as described.
    """
    images, class_names = checked_images(images), checked_names(class_names)
    truths = checked_labels(truths, len(class_names), name="truths", length=len(images))
    if not outputs:
        raise ValueError("there is no network to plot")
    checked = {
        name: checked_outputs(values, class_names, len(images), probabilities=True) for name, values in outputs.items()
    }
    names = [shorten(name, 1.1, size=9) for name in class_names]
    long = max(map(len, names)) > 2
    figure = new_figure(1.9 + 3.1 * len(checked), len(images) * (2.5 if long else 2.0) + 0.5)
    grid = figure.subplots(len(images), 1 + len(checked), squeeze=False, width_ratios=[1.4, *[3] * len(checked)])
    positions = np.arange(len(names))
    for row, (image, truth) in enumerate(zip(images, truths, strict=True)):
        plot_image(grid[row, 0], image)
        grid[row, 0].set_title(f"truth: {shorten(class_names[truth], 1.1, size=10)}", loc="center", fontsize=10)
        for axes, (network, values) in zip(grid[row, 1:], checked.items(), strict=True):
            axes.bar(positions, values[row], color=[BLUE if i == truth else GREY for i in positions])
            axes.set_xticks(positions, names, rotation=90 if long else 0, fontsize=9)
            axes.tick_params(axis="x", length=0)
            axes.set(ylim=(0, 1.05), yticks=(0, 0.5, 1))
            axes.grid(True, axis="y")
            axes.set_axisbelow(True)
            others = np.delete(values[row], truth).max() if len(names) > 1 else 0.0
            title = f"{shorten(network, 1.2, size=10)}: truth {values[row][truth]:.3f}, next {others:.3f}"
            axes.set_title(title, fontsize=10)
        grid[row, 1].set_ylabel("output")
    title_over(figure, f"Outputs of {' and '.join(checked)} for the same images")
    return figure
