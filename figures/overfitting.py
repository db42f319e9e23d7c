"""Which of several networks learns its training images by heart?"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures.style import BLUE, VERMILION, house_style, new_figure, title_over


@house_style
def overfitting(logs: Mapping[str, Sequence[Mapping]], steps_per_epoch: int) -> Figure:
    """Plot training and test accuracy of each network, side by side on one scale, with the gap between them.

    Args:
        logs: By network name, log rows with `step`, `train_accuracy` and `test_accuracy`; the row that ends an epoch
            stands for it.
        steps_per_epoch: Steps of an epoch, the same for all.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no network, or a log has no row at the end of an epoch, or one lacks a value.
    """
    if not logs:
        raise ValueError("there is no network to plot")
    figure = new_figure(1 + 3.7 * len(logs), 4.0)
    panels = figure.subplots(1, len(logs), sharey=True, squeeze=False)[0]
    for axes, (name, log) in zip(panels, logs.items(), strict=True):
        rows = [row for row in log if row["step"] % steps_per_epoch == 0]
        if not rows:
            raise ValueError(f"the log of {name!r} has no row at the end of an epoch of {steps_per_epoch} steps")
        try:
            training, test = (100 * np.array([row[key] for row in rows]) for key in ("train_accuracy", "test_accuracy"))
        except KeyError as error:
            raise ValueError(f"a row of the log of {name!r} has no {error}") from None
        epochs = np.array([row["step"] // steps_per_epoch for row in rows])
        axes.plot(epochs, training, "-", color=BLUE, marker="s", markersize=4, label="training images")
        axes.plot(epochs, test, "--", color=VERMILION, marker="o", markersize=4, label="test images")
        axes.fill_between(epochs, training, test, color=VERMILION, alpha=0.12, linewidth=0)
        gap = training[-1] - test[-1]
        axes.set_title(f"{name}: {training[-1]:.1f} % and {test[-1]:.1f} %, gap {gap:+.1f}")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.grid(True)
        axes.legend(fontsize=9, loc="lower right")
    panels[0].set_ylabel("accuracy (%)")
    title_over(figure, "Over-fitting: accuracy on training images (mean of the epoch) and on test images")
    return figure
