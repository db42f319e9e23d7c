"""How steeply does the loss fall when every image is a step?"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from figures.style import BLUE, GREEN, house_style, new_figure


@house_style
def descent(log: Sequence[Mapping], steps_per_epoch: int) -> Figure:
    """Plot the loss and the test accuracy against the step; the loss is the mean of all steps since the row before.

    Args:
        log: Rows with `step` (counted over all epochs), `epoch`, `mean_loss` (of the epoch so far) and
            `test_accuracy`; at least one.
        steps_per_epoch: Steps of an epoch.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no row, or one lacks a value.
    """
    if not log:
        raise ValueError("there is no row to plot")
    try:
        steps, epochs, means, accuracies = (
            np.array([float(row[key]) for row in log]) for key in ("step", "epoch", "mean_loss", "test_accuracy")
        )
    except KeyError as error:
        raise ValueError(f"a row of the log has no {error}") from None
    count = steps - epochs * steps_per_epoch  # steps of the epoch so far
    totals = means * count
    same_epoch = np.diff(epochs) == 0
    before_totals, before_count = np.zeros(len(log)), np.zeros(len(log))
    before_totals[1:], before_count[1:] = totals[:-1] * same_epoch, count[:-1] * same_epoch
    losses = (totals - before_totals) / (count - before_count)
    figure = new_figure(8, 5.6)
    above, below = figure.subplots(2, 1, sharex=True)
    marker = "o" if len(log) < 30 else ""
    above.plot(steps, losses, color=BLUE, linewidth=1, marker=marker, markersize=4)
    above.set(ylabel="loss (nats)", ylim=(0, None))
    above.set_title(f"Training loss, mean since the row before (last {losses[-1]:.4f})")
    below.plot(steps, 100 * accuracies, color=GREEN, linewidth=1, marker=marker, markersize=4)
    below.set(ylabel="accuracy (%)", xlabel="training step (images)", xlim=(0, 1.02 * steps[-1]))
    below.set_title(f"Accuracy on test images (last {100 * accuracies[-1]:.1f} %)")
    below.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for axes in (above, below):
        axes.grid(True)
        for end in range(steps_per_epoch, int(steps[-1]), steps_per_epoch):
            axes.axvline(end, color="black", linewidth=0.8, linestyle=":")
    return figure
