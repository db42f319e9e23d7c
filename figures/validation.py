"""Do training and validation go together?"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures.style import BLUE, VERMILION, house_style, new_figure


@house_style
def validation_curves(history: Sequence[Mapping]) -> Figure:
    """Plot the training loss and the validation loss of each epoch.

    Args:
        history: Rows with `epoch` (from 0), `loss` and `val_loss`; at least one.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no row, or one lacks a value.
    """
    if not history:
        raise ValueError("there is no row to plot")
    try:
        epochs, training, validation = (
            np.array([float(row[key]) for row in history]) for key in ("epoch", "loss", "val_loss")
        )
    except KeyError as error:
        raise ValueError(f"a row of the history has no {error}") from None
    figure = new_figure(6.5, 4.0)
    axes = figure.subplots()
    marker = "o" if len(history) <= 30 else ""
    for values, name, colour, line in (
        (training, "training loss", BLUE, "-"),
        (validation, "validation loss", VERMILION, "--"),
    ):
        axes.plot(
            epochs + 1, values, line, color=colour, marker=marker, markersize=4, label=f"{name} (last {values[-1]:.3f})"
        )
    axes.set(xlabel="epoch", ylabel="loss (nats)")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set_title("Training and validation loss")
    axes.grid(True)
    axes.legend(fontsize=9)
    return figure
