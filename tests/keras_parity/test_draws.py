"""What a check feeds a model: reproducible, within the specification, and as its names say."""

import numpy as np
import pytest

from keras_parity.draws import draw_inputs
from keras_parity.protocol.results import InputSpec
from keras_parity.targets import draw_certainties, draw_targets

IMAGE = InputSpec("image", (None, 5, 5, 1), "float32")
TOKENS = InputSpec("tokens", (None, 6), "int32", tokens=7)


def test_the_same_seed_draws_the_same():
    """And another one other numbers, in whatever order inputs are asked for."""
    first, again, other = (draw_inputs([IMAGE, TOKENS], seed, 4) for seed in (1, 1, 2))

    assert [draw.name for draw in first] == [draw.name for draw in again]
    for left, right in zip(first, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(left.inputs, right.inputs, strict=True))
    assert not np.array_equal(first[0].inputs[0], other[0].inputs[0])


def test_tokens_lie_within_the_vocabulary_on_every_draw():
    """From 0, the padding, to the last one."""
    draws = draw_inputs([TOKENS], 1, 4)

    tokens = np.concatenate([draw.inputs[0].ravel() for draw in draws])
    assert (tokens.min(), tokens.max()) == (0, 6)
    assert all(draw.inputs[0].dtype == np.int32 for draw in draws)


def test_edge_draws_are_marked_and_can_be_left_out():
    """A difference on an edge draw alone is told apart by this mark."""
    draws = {draw.name: draw for draw in draw_inputs([IMAGE], 1, 4, special=True)}

    assert [name for name, draw in draws.items() if draw.ordinary] == ["ordinary 1", "ordinary 2"]
    assert len(draws["batch of one"].inputs[0]) == 1
    assert not draws["blank"].inputs[0].any()
    assert np.isnan(draws["NaN"].inputs[0]).any()
    assert [draw.name for draw in draw_inputs([IMAGE], 1, 4, edge=False)] == ["ordinary 1", "ordinary 2"]


def test_certain_predictions_are_zeros_and_ones():
    """Where each row sums to 1 it has a single 1; an output that is no probability stays."""
    classes = np.full((50, 5), 0.2)
    labels = np.full((50, 3), 0.9)
    values = np.full((50, 2), -1.5)

    one_of, several, other = draw_certainties([classes, labels, values], seed=1)

    assert np.array_equal(np.unique(one_of), [0, 1])
    assert np.array_equal(one_of.sum(axis=1), np.ones(50))
    assert np.array_equal(np.unique(several), [0, 1])
    assert len(np.unique(several.sum(axis=1))) > 1
    assert other is values
    assert draw_certainties([values], seed=1) is None


@pytest.mark.parametrize(
    ("loss", "allowed"),
    [
        ("sparse_categorical_crossentropy", {0, 1, 2}),
        ("categorical_crossentropy", {0.0, 1.0}),
        ("binary_crossentropy", {0.0, 1.0}),
        ("squared_hinge", {-1.0, 1.0}),
    ],
)
def test_targets_fit_the_loss(loss, allowed):
    """A class's number, one of several, or a sign, and more than one of them."""
    [targets] = draw_targets(loss, [np.zeros((40, 3))], seed=1, step=0)

    assert set(np.unique(targets).tolist()) == allowed


def test_a_mask_marks_something_in_each_row():
    """A row without any mark has no meaning: implementations of attention make of it what they like."""
    spec = InputSpec("mask", (None, 6), "int32", tokens=2, padded=True, mask=True)

    for draw in draw_inputs([spec], seed=1, batch_size=4):
        (values,) = draw.inputs
        assert values[:, 0].all(), draw.name
        assert set(np.unique(values)) <= {0, 1}
