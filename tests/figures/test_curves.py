"""The curves show what was logged, be it one line or fifty epochs."""

import numpy as np
import pytest

from figures.curves import training_curves


def log_of(epochs: int, steps_per_epoch: int, every: int) -> list[dict]:
    """Return the log of a training that goes well."""
    return [
        {
            "step": step,
            "epoch": (step - 1) // steps_per_epoch,
            "train_loss": 2 / step,
            "test_accuracy": 1 - 1 / (step + 1),
        }
        for step in range(every, epochs * steps_per_epoch + 1, every)
    ]


def history_of(epochs: int, **extra) -> list[dict]:
    """Return one row per epoch."""
    return [{"epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 0.5, **extra} for epoch in range(epochs)]


def curves(figure, panel: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the points of each curve of a panel (0 loss, 1 accuracy) by its label, without the last value."""
    return {line.get_label().split(" (last")[0]: line.get_data() for line in figure.axes[panel].lines}


def test_the_curves_are_the_logged_numbers():
    """Loss as it is, accuracy in per cent, both at the steps they were logged at."""
    log = log_of(epochs=1, steps_per_epoch=1200, every=50)

    figure = training_curves(log, history_of(1))

    steps, losses = curves(figure, 0)["training loss of the logged step"]
    np.testing.assert_array_equal(steps, range(50, 1201, 50))
    np.testing.assert_allclose(losses, [2 / step for step in steps])
    np.testing.assert_allclose(
        curves(figure, 1)["test accuracy at the logged step"][1], [100 - 100 / (step + 1) for step in steps]
    )


def test_a_changed_line_changes_the_curve():
    """The twin: the curve is not plotted from anything else."""
    log = log_of(epochs=1, steps_per_epoch=1200, every=50)
    changed = [*log[:-1], log[-1] | {"train_loss": 9.0}]

    before, after = (
        curves(training_curves(lines), 0)["training loss of the logged step"][1] for lines in (log, changed)
    )

    np.testing.assert_array_equal(before[:-1], after[:-1])
    assert before[-1] != after[-1] == 9.0


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_single_line_is_a_visible_point(step):
    """A --smoke run logs once: a line without length would show nothing."""
    figure = training_curves([{"step": step, "epoch": 0, "train_loss": 2.3, "test_accuracy": 0.1}], history_of(1))

    for axes in figure.axes[:2]:
        for line in axes.lines:
            (x,), (y,) = line.get_data()
            assert line.get_marker() not in ("", "None")
            assert axes.get_xlim()[0] < x < axes.get_xlim()[1]
            assert axes.get_ylim()[0] < y < axes.get_ylim()[1]


def test_an_epochs_means_stand_at_its_end():
    """The end of an epoch is found from the log; given, it is taken as it is."""
    log = log_of(epochs=3, steps_per_epoch=1080, every=20)

    found = curves(training_curves(log, history_of(3)), 0)["training loss, mean of the epoch"][0]
    given = curves(training_curves(log, history_of(3), steps_per_epoch=1100), 0)["training loss, mean of the epoch"][0]

    assert found.tolist() == [1080, 2160, 3240]
    assert given.tolist() == [1100, 2200, 3300]


def test_validation_is_plotted_where_there_is_one():
    """Its curves appear with their own values, and not without them."""
    without = training_curves([], history_of(5))
    with_it = training_curves([], history_of(5, val_loss=0.7, val_accuracy="0.25"))

    assert "validation loss" not in curves(without, 0)
    assert curves(with_it, 0)["validation loss"][1].tolist() == [0.7] * 5
    assert curves(with_it, 1)["validation accuracy"][1].tolist() == [25.0] * 5


def test_without_a_log_the_axis_counts_epochs():
    """A history alone is enough."""
    figure = training_curves([], history_of(50))

    assert curves(figure, 0)["training loss, mean of the epoch"][0].tolist() == list(range(1, 51))
    assert figure.axes[1].get_xlabel() == "epoch"
    assert training_curves(log_of(1, 10, 5)).axes[1].get_xlabel() == "training step (batches)"


def test_a_loss_that_is_not_finite_leaves_a_gap_and_is_counted():
    """A run that diverged can still be looked at, and its figure says what is missing."""
    log = log_of(epochs=1, steps_per_epoch=100, every=10)
    broken = [*log[:8], log[8] | {"train_loss": float("nan")}, log[9] | {"train_loss": float("inf")}]

    figure = training_curves(broken)

    assert figure.axes[0].get_title("left") == "Loss during training (2 values not finite, left out)"
    assert figure.axes[1].get_title("left") == "Accuracy during training"
    assert training_curves(log).axes[0].get_title("left") == "Loss during training"


def test_a_steep_fall_gets_a_logarithmic_scale_with_plain_numbers():
    """Half of the curve would else lie on the axis; its ticks are read as they are, not as formulas."""
    steep, flat = log_of(1, 1200, 50), log_of(1, 100, 10)

    axes = training_curves(steep).axes[0]

    assert axes.get_yscale() == "log"
    assert {"0.01", "0.02"} <= {label.get_text() for label in axes.get_yticklabels()}
    assert training_curves(flat).axes[0].get_yscale() == "linear"


LINE = {"step": 5, "epoch": 0, "train_loss": 1.0, "test_accuracy": 0.5}


@pytest.mark.parametrize(
    ("log", "history", "message"),
    [
        ([], [], "neither"),
        ([{"step": 5, "epoch": 0, "train_loss": 1.0}], [], "test_accuracy"),
        ([LINE | {"train_loss": None}], [], "train_loss"),
        ([LINE | {"train_loss": "high"}], [], "high"),
        ([LINE, LINE], [], "do not rise"),
        ([LINE], [{"epoch": 0, "loss": 1.0}], "accuracy"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(log, history, message):
    """Curves of something else than was meant are never plotted."""
    with pytest.raises(ValueError, match=message):
        training_curves(log, history)
