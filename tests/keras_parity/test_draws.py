"""What a check feeds a model: reproducible, within the specification, and as its names say."""

from collections import namedtuple

import numpy as np
import pytest

from keras_parity.draws import draw_inputs, draws_around
from keras_parity.protocol.results import InputSpec
from keras_parity.targets import draw_certainties, draw_targets

Pair = namedtuple("Pair", "first second")
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


def test_a_mark_alone_may_be_on_or_off():
    """A choice that is an input of one boolean is no mask, of which a row must mark something."""
    spec = InputSpec("choice", (None, 1), "bool", mask=True)

    drawn = np.concatenate([draw.inputs[0] for draw in draw_inputs([spec], seed=1, batch_size=4) if draw.ordinary])

    assert set(drawn.ravel()) == {True, False}


def test_a_padding_is_marked_by_whole_steps_at_the_ends_of_rows():
    """On ordinary data and ties; exactly by the value that is looked for, in float64, too."""
    for draw in draw_inputs([InputSpec("x", (None, 6, 3), "float32", marker=-0.1)], seed=1, batch_size=4):
        padded = (draw.inputs[0] == -0.1).all(axis=-1)
        assert padded[-1].any() == (draw.ordinary or draw.name == "ties"), draw.name
        assert not padded[:, :3].any()
        assert (np.sort(padded, axis=1) == padded).all()


def test_draws_around_examples_keep_their_structure_and_their_range():
    """The examples come first; real numbers are drawn anew, what is whole or words comes in rows of the examples."""
    reals = np.random.default_rng(0).uniform(-2, 5, (6, 3)).astype("float32")
    marks = np.tril(np.ones((6, 6), bool))
    given = {"pair": Pair(reals, marks), "words": np.array([["a", "b"]] * 6), "threshold": np.float32(0.5)}

    first, *others = draws_around(given, seed=1, batch_size=4)

    assert first.inputs is given
    assert (first.name, [draw.name for draw in others if draw.ordinary]) == ("given", ["ordinary 1"])
    assert {"blank", "constant", "ties", "large", "batch of one"} <= {draw.name for draw in others}
    for draw in others:
        pair = draw.inputs["pair"]
        assert isinstance(pair, Pair), draw.name
        assert draw.around
        assert len(pair.first) == len(pair.second) == (1 if draw.name == "batch of one" else 4)
        assert reals.min() <= pair.first.min() <= pair.first.max() <= reals.max(), draw.name
        assert pair.second.dtype == bool
        assert pair.second.any(axis=-1).all(), draw.name  # a row of a mask without any mark has no meaning
        assert draw.inputs["threshold"] == 0.5
    assert {tuple(row) for row in others[0].inputs["pair"].second.tolist()} <= {tuple(row) for row in marks.tolist()}


def test_columns_of_other_sizes_are_drawn_in_their_own_ranges():
    """An age, an income and a share do not change places; a fixed batch keeps its size on every draw."""
    given = np.array([[20.0, 5e4, 0.1], [40.0, 9e4, 0.3], [60.0, 1e5, 0.2]])

    for draw in draws_around(given, seed=1, batch_size=None):
        assert draw.inputs.shape == (3, 3)
        assert (draw.inputs >= given.min(axis=0)).all(), draw.name
        assert (draw.inputs <= given.max(axis=0)).all(), draw.name


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float16"])
def test_whole_numbers_around_examples_keep_their_range_and_dtype(dtype):
    """From the least to the greatest that is given, of any type; those of floats stay whole."""
    given = np.array([[7, 3], [4, 8], [5, 5]], dtype)

    for draw in draws_around(given, seed=1, batch_size=4):
        assert 3 <= draw.inputs.min() <= draw.inputs.max() <= 8, draw.name
        assert (draw.inputs == np.round(draw.inputs)).all()
        assert draw.inputs.dtype.kind == given.dtype.kind


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ((np.ones((5, 2)), np.ones((8, 2), "int32")), {}),  # nodes and edges: their numbers belong together
        (np.ones((5, 2), "complex64"), {}),
        (np.ones((5, 2)), {"edge": False}),
    ],
)
def test_what_cannot_be_drawn_around_or_need_not_is_the_only_draw(given, options):
    """The examples are checked as they are."""
    assert [draw.name for draw in draws_around(given, 1, 4, **options)] == ["given"]
