"""The confusion matrix prints what was counted, and shows the errors."""

import numpy as np
import pytest

from figures.confusion import confusion_matrix, count_confusions

NAMES = ("cat", "dog", "cow")
TRUTHS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 2, 2])
COUNTS = [["3", "1", "0"], ["0", "1", "1"], ["0", "0", "1"]]


def printed_counts(figure) -> list[list[str]]:
    """Return what the cells of the matrix say, row by row from the top."""
    cells = {(round(y), round(x)): text.get_text() for text in figure.axes[0].texts for x, y in [text.get_position()]}
    size = round(len(cells) ** 0.5)
    return [[cells[row, column] for column in range(size)] for row in range(size)]


def printed_accuracies(figure) -> list[str]:
    """Return the labels of the axis on the right, from the top."""
    (right,) = figure.axes[0].child_axes
    return [label.get_text() for label in right.get_yticklabels()]


def test_printed_counts_equal_those_made_by_hand():
    """Each cell holds the number of examples of the row's class that were predicted as the column's."""
    figure = confusion_matrix(TRUTHS, PREDICTIONS, NAMES)

    assert printed_counts(figure) == COUNTS
    assert printed_accuracies(figure) == ["75.0 %", "50.0 %", "100.0 %"]
    assert figure.get_suptitle() == "Confusion matrix: 5 of 7 right (71.43 %)"


def test_rows_are_truths_and_columns_predictions():
    """The twin: with the two arguments exchanged the matrix is another one, the transposed."""
    figure = confusion_matrix(PREDICTIONS, TRUTHS, NAMES)

    assert printed_counts(figure) != COUNTS
    assert printed_counts(figure) == [list(row) for row in zip(*COUNTS, strict=True)]


def test_one_changed_prediction_moves_one_count():
    """A single example more or less is visible."""
    changed = PREDICTIONS.copy()
    changed[6] = 0

    assert printed_counts(confusion_matrix(TRUTHS, changed, NAMES)) == [*COUNTS[:2], ["1", "0", "0"]]


def test_every_example_is_counted_once():
    """The counts add up to the number of examples, also against a plain loop."""
    rng = np.random.default_rng(0)
    truths, predictions = rng.integers(0, 10, (2, 1000))
    by_loop = np.zeros((10, 10), int)
    for truth, prediction in zip(truths, predictions, strict=True):
        by_loop[truth, prediction] += 1

    counts = count_confusions(truths, predictions, 10)

    np.testing.assert_array_equal(counts, by_loop)
    assert counts.sum() == 1000


def test_a_class_without_examples_has_no_accuracy():
    """No examples is not 0 %, nor a division by zero."""
    figure = confusion_matrix(TRUTHS, PREDICTIONS, (*NAMES, "hen"))

    assert printed_accuracies(figure)[-1] == "-"


def test_few_errors_are_not_drowned_by_the_diagonal():
    """The most frequent error has the strongest colour, though a thousand right answers stand beside it."""
    truths = np.repeat([0, 1], 1000)
    predictions = truths.copy()
    predictions[:20] = 1  # 2 % of class 0

    figure = confusion_matrix(truths, predictions, ("no", "yes"))

    (mesh,) = figure.axes[0].images
    strength = mesh.norm(mesh.get_array())
    assert strength[0, 1] == 1.0
    assert strength[1, 0] == 0.0
    assert strength.mask.tolist() == [[True, False], [False, True]]


@pytest.mark.parametrize(
    ("truths", "predictions", "names", "message"),
    [
        ([], [], NAMES, "truths must be integers"),
        ([0, 1], [0], NAMES, "1 predictions where 2"),
        ([0, 3], [0, 0], NAMES, "0 to 3; there are 3 classes"),
        ([0, -1], [0, 0], NAMES, "from -1"),
        ([0.0, 1.0], [0, 0], NAMES, "float64"),
        ([[0], [1]], [0, 0], NAMES, "truths must be"),
        ([0], [0], ("one",), "2 to 30 classes"),
        ([0], [0], "abc", "class_names"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(truths, predictions, names, message):
    """A matrix of something else than was meant is never plotted."""
    with pytest.raises(ValueError, match=message):
        confusion_matrix(np.array(truths), np.array(predictions), names)
