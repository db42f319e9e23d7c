"""How did loss and accuracy go during training?"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from figures.style import BLUE, GREEN, ORANGE, house_style, new_figure

_MARKED = 60  # points; more of them on one curve would merge into a band


@house_style
def training_curves(
    log: Sequence[Mapping], history: Sequence[Mapping] = (), steps_per_epoch: int | None = None
) -> Figure:
    """Plot loss and accuracy against the training step.

    A value that is not finite leaves a gap, and the panel's title counts the gaps.

    Args:
        log: One mapping per logged line, in order: `step` (from the start of training, rising), `epoch` (from 0),
            `train_loss` (of that step), `test_accuracy` (in [0, 1]). May be empty if there is a history: the
            horizontal axis then counts epochs.
        history: One mapping per epoch: `epoch` (from 0), `loss` and `accuracy` (means over the epoch), and `val_loss`,
            `val_accuracy` where there is a validation set; other keys are left out. Each is plotted at its epoch's end.
            Numbers may be strings, as a CSV reader returns them.
        steps_per_epoch: Where the epochs end. Left out, it is the smallest number that the log allows, which is exact
            where the last step of an epoch is logged.

    Returns:
        The figure: the loss above (on a logarithmic scale where it falls by more than 20 times), the accuracy below.

    Raises:
        ValueError: If both are empty, a key is missing, an entry is no number, or the steps do not rise.
    """
    if not log and not history:
        raise ValueError("there is neither a logged line nor an epoch to plot")
    steps, epochs = _column(log, "step"), _column(log, "epoch")
    if (np.diff(steps) <= 0).any():
        raise ValueError("the steps of the log do not rise: they must count from the start of training")
    if steps_per_epoch is None:
        steps_per_epoch = max((math.ceil(s / (e + 1)) for s, e in zip(steps, epochs, strict=True)), default=1) or 1
    ends = (_column(history, "epoch") + 1) * steps_per_epoch

    figure = new_figure(8, 6.5)
    above, below = figure.subplots(2, 1, sharex=True)
    plotted = _Curves(above, scale=1)
    plotted.add("training loss of the logged step", steps, _column(log, "train_loss"), BLUE, "o", "-")
    plotted.add("training loss, mean of the epoch", ends, _column(history, "loss"), ORANGE, "s", "--")
    plotted.add("validation loss", ends, _column(history, "val_loss", optional=True), GREEN, "^", ":")
    plotted.finish("Loss during training")
    above.set_ylabel("loss")
    if plotted.values.size and plotted.values.min() > 0 and plotted.values.max() > 20 * plotted.values.min():
        above.set_yscale("log")
        above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        above.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # 0.02, not 2 x 10^-2
        above.yaxis.set_minor_formatter(NullFormatter())
        above.set_ylabel("loss (logarithmic scale)")

    plotted = _Curves(below, scale=100)
    plotted.add("test accuracy at the logged step", steps, _column(log, "test_accuracy"), BLUE, "o", "-")
    plotted.add("training accuracy, mean of the epoch", ends, _column(history, "accuracy"), ORANGE, "s", "--")
    plotted.add("validation accuracy", ends, _column(history, "val_accuracy", optional=True), GREEN, "^", ":")
    plotted.finish("Accuracy during training")
    below.set_ylabel("accuracy (%)")
    below.set_xlabel("training step (batches)" if log else "epoch")
    below.xaxis.set_major_locator(_whole_numbers())
    last = max(1, *steps, *ends)
    below.set_xlim(-0.02 * last, 1.03 * last)
    if log and len(history) > 1:
        top = above.secondary_xaxis("top", functions=(lambda x: x / steps_per_epoch, lambda x: x * steps_per_epoch))
        top.xaxis.set_major_locator(_whole_numbers())
        top.set_xlabel("epochs completed")
    return figure


class _Curves:
    """The curves of one panel.

    Args:
        axes: Where they are plotted.
        scale: What each value is multiplied by, 100 for per cent.
    """

    def __init__(self, axes: Axes, scale: float):
        self._axes, self._scale = axes, scale
        self.values = np.empty(0)  # all finite ones
        self._missing = 0

    def add(self, label: str, x: np.ndarray, y: np.ndarray, colour: str, marker: str, line: str) -> None:
        """Plot one curve, unless it is empty; marks and dashes tell the curves apart without their colours."""
        if not y.size:
            return
        y = np.where(np.isfinite(y), self._scale * y, np.nan)
        last = f"{y[-1]:.1f} %" if self._scale == 100 else f"{y[-1]:.3g}"
        many = len(y) > _MARKED
        self._axes.plot(
            x, y, line, color=colour, label=f"{label} (last: {last})", marker="" if many else marker, markersize=4,
            linewidth=1 if many else 1.6, zorder=2 if many else 3,
        )  # fmt: skip
        self.values = np.concatenate([self.values, y[np.isfinite(y)]])
        self._missing += np.isnan(y).sum()

    def finish(self, title: str) -> None:
        """Add grid, legend and title."""
        if self._missing:
            title += f" ({self._missing} values not finite, left out)"
        self._axes.set_title(title)
        self._axes.grid(True)
        self._axes.set_axisbelow(True)
        self._axes.legend(fontsize=9)


def _whole_numbers() -> MaxNLocator:
    """Return a rule that puts ticks at round whole numbers."""
    return MaxNLocator(integer=True, steps=[1, 2, 5, 10])


def _column(rows: Sequence[Mapping], key: str, optional: bool = False) -> np.ndarray:
    """Return one column as float64 `(rows,)`; `(0,)` if it is optional and no row has it."""
    if optional and not any(key in row for row in rows):
        return np.empty(0)
    try:
        return np.array([float(row[key]) for row in rows], dtype=np.float64)
    except KeyError:
        raise ValueError(f"a row of the log or the history has no {key!r}") from None
    except TypeError as error:
        raise ValueError(f"an entry of {key!r} is no number: {error}") from None
