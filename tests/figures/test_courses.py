"""The curves of the originals: several times an epoch, against validation, from image to image, and over-fitting."""

import numpy as np
import pytest

from figures.descent import descent
from figures.overfitting import overfitting
from figures.progress import progress_curves
from figures.validation import validation_curves


def log_of(epochs=2, steps_per_epoch=100, every=20):
    """Return a log, five rows an epoch."""
    return [
        {
            "step": step,
            "epoch": (step - 1) // steps_per_epoch,
            "train_loss": 9.0,
            "mean_loss": 1 / step,
            "train_accuracy": 1 - 1 / step,
            "test_accuracy": 0.9 - 1 / step,
        }
        for step in range(every, epochs * steps_per_epoch + 1, every)
    ]


def curves(axes):
    """Return the points of each curve of a panel, by its label up to a bracket."""
    return {line.get_label().split(" (")[0]: line.get_data() for line in axes.lines}


def test_there_are_five_points_an_epoch():
    """Loss and both accuracies stand at fifths of the epochs, with the logged numbers."""
    log = log_of()

    plotted = curves(progress_curves(log, 100, epochs=10).axes[0])

    assert set(plotted) == {"training loss", "training accuracy", "test accuracy"}
    np.testing.assert_allclose(plotted["training loss"][0], np.arange(1, 11) / 5)
    np.testing.assert_allclose(plotted["training loss"][1], [row["mean_loss"] for row in log])
    np.testing.assert_allclose(plotted["test accuracy"][1], [row["test_accuracy"] for row in log])
    np.testing.assert_allclose(plotted["training accuracy"][1], [row["train_accuracy"] for row in log])


def test_the_axis_stays_put_while_the_training_goes_on():
    """The figure after one epoch of ten has room for ten."""
    assert progress_curves(log_of(1), 100, epochs=10).axes[0].get_xlim()[1] == pytest.approx(10.2)
    assert progress_curves(log_of(1), 100).axes[0].get_xlim()[1] == pytest.approx(1.02)


def test_training_and_validation_are_told_apart():
    """Each curve has its own numbers, at the epochs from 1."""
    history = [{"epoch": epoch, "loss": 3 - epoch, "val_loss": str(4 - epoch)} for epoch in range(3)]

    plotted = curves(validation_curves(history).axes[0])

    assert [list(map(float, values)) for values in plotted["training loss"]] == [[1, 2, 3], [3, 2, 1]]
    assert [list(map(float, values)) for values in plotted["validation loss"]] == [[1, 2, 3], [4, 3, 2]]


def test_the_descent_is_the_mean_between_two_rows():
    """From means since the epoch's begin; it starts anew with the epoch."""
    losses = np.array([8.0, 4, 2, 1, 0.5, 0.25])  # of steps 1 to 6, three an epoch
    log = [
        {"step": i + 1, "epoch": i // 3, "mean_loss": losses[i // 3 * 3 : i + 1].mean(), "test_accuracy": i / 10}
        for i in range(6)
    ]

    above, below = descent(log, 3).axes

    np.testing.assert_allclose(above.lines[0].get_data()[1], losses)
    np.testing.assert_allclose(below.lines[0].get_data()[1], [0, 10, 20, 30, 40, 50])


def test_over_fitting_is_the_gap_at_each_epochs_end():
    """A panel per network on one scale; the title has the last gap."""
    fits = [row | {"train_accuracy": 0.8, "test_accuracy": 0.8} for row in log_of()]
    over = [row | {"train_accuracy": 0.9, "test_accuracy": 0.8} for row in log_of()]

    left, right = overfitting({"lenet": fits, "mlp": over}, 100).axes

    assert left.get_title("left") == "lenet: 80.0 % and 80.0 %, gap +0.0"
    assert right.get_title("left") == "mlp: 90.0 % and 80.0 %, gap +10.0"
    assert left.get_ylim() == right.get_ylim()
    assert right.lines[0].get_data()[0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        (lambda: progress_curves([], 100), "no row"),
        (lambda: progress_curves([{"step": 1}], 100), "mean_loss"),
        (lambda: validation_curves([]), "no row"),
        (lambda: validation_curves([{"epoch": 0, "loss": 1.0}]), "val_loss"),
        (lambda: descent([], 10), "no row"),
        (lambda: descent([{"step": 1, "epoch": 0}], 10), "mean_loss"),
        (lambda: overfitting({}, 10), "no network"),
        (lambda: overfitting({"lenet": log_of()}, 999), "'lenet' has no row at the end"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(plot, message):
    """Curves of something else than was meant are never plotted."""
    with pytest.raises(ValueError, match=message):
        plot()
