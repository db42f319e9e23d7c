"""How does a training go, several times an epoch?"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures.style import BLUE, GREEN, ORANGE, house_style, new_figure


@house_style
def progress_curves(log: Sequence[Mapping], steps_per_epoch: int, epochs: int | None = None) -> Figure:
    """Plot training loss, training accuracy and test accuracy against the epoch, a point per row of the log.

    Args:
        log: Rows with `step` (counted over all epochs), `mean_loss` and `train_accuracy` (of the epoch so far) and
            `test_accuracy`; at least one.
        steps_per_epoch: Steps of an epoch.
        epochs: Epochs that the training will have, which fixes the axis while it goes on; None ends it with the log.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no row, or one lacks a value.
    """
    if not log:
        raise ValueError("there is no row to plot")
    try:
        columns = {
            key: np.array([float(row[key]) for row in log])
            for key in ("step", "mean_loss", "train_accuracy", "test_accuracy")
        }
    except KeyError as error:
        raise ValueError(f"a row of the log has no {error}") from None
    x = columns["step"] / steps_per_epoch
    figure = new_figure(6.5, 4.2)
    axes = figure.subplots()
    curves = (
        ("mean_loss", "training loss", BLUE, "-"),
        ("train_accuracy", "training accuracy", ORANGE, "--"),
        ("test_accuracy", "test accuracy", GREEN, "-."),
    )
    for key, name, colour, line in curves:
        values = columns[key]
        marker = "o" if len(x) < 15 else ""
        axes.plot(x, values, line, color=colour, marker=marker, markersize=4, label=f"{name} (now {values[-1]:.3f})")
    last = max(x[-1], epochs or 0)
    axes.set(xlabel="epoch", ylabel="loss (nats), accuracy (share)", xlim=(0, 1.02 * last))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=last >= 3, steps=[1, 2, 5, 10]))
    axes.set_title(f"After epoch {x[-1]:.1f}".replace(".0", ""))
    axes.grid(True)
    axes.legend(fontsize=9)
    return figure
