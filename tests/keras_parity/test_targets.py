"""Targets fit what a loss takes, the same in every process, and others are tried for a loss that nobody knows."""

import numpy as np
import pytest

from keras_parity.targets import draw_targets, kind_of_targets, target_alternatives, weigh_classes

LOGITS = np.random.default_rng(0).standard_normal((30, 4))


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("sparse_categorical_crossentropy", "classes"),
        ("SparseCategoricalCrossentropy", "classes"),
        ("keras.losses.CategoricalFocalCrossentropy", "one-hot"),
        ("categorical_hinge", "one-hot"),
        ("MeanSquaredLogarithmicError", "positive"),
        ("mean_squared_error", "real"),
        (None, "real"),
        ("module:my_loss", None),
    ],
)
def test_a_loss_is_known_however_it_is_written(loss, kind):
    """By its function's name or its class's; the longer name wins where one begins another."""
    assert kind_of_targets(loss) == kind


def test_probabilities_sum_to_one_and_one_hot_rows_have_a_single_one():
    """Both exact in float32."""
    [shares] = draw_targets("kl_divergence", [LOGITS], seed=1, step=0)
    [rows] = draw_targets("categorical_crossentropy", [LOGITS], seed=1, step=0)

    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-6)
    assert shares.min() > 0
    np.testing.assert_array_equal(np.sort(rows, axis=-1), np.tile([0, 0, 0, 1], (30, 1)))
    assert (shares.astype(np.float32) == shares).all()


def test_labels_of_ctc_have_no_blank_and_fit_into_the_times():
    """The blank is 0; two equal neighbours need one between them."""
    [labels] = draw_targets("ctc", [np.zeros((20, 4, 3))], seed=1, step=0)

    assert labels.shape == (20, 2)
    assert set(np.unique(labels)) == {1, 2}


def test_each_step_and_each_output_has_its_own_and_the_seed_decides():
    """The same call gives the same."""
    first, other = draw_targets("mse", [LOGITS, LOGITS], seed=1, step=0)
    [again, _] = draw_targets("mse", [LOGITS, LOGITS], seed=1, step=0)
    [later, _] = draw_targets("mse", [LOGITS, LOGITS], seed=1, step=1)

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, later)


def test_an_unknown_loss_gets_one_kind_after_the_other():
    """A known one gets its own and no other."""
    assert len(list(target_alternatives("mse", [LOGITS], seed=1, step=0))) == 1

    tried = list(target_alternatives("module:my_loss", [LOGITS], seed=1, step=0))
    shapes = {targets[0].shape for targets in tried}
    assert {(30, 4), (30,), (30, 1)} <= shapes


@pytest.mark.parametrize(
    ("targets", "weights"),
    [
        ([np.array([0, 1, 2])], [1, 5, 1]),
        ([np.array([[1], [1], [0]])], [5, 5, 1]),
        ([np.eye(3)[[1, 0]]], [5, 1]),
        ([np.zeros((2, 3, 1))], None),
        ([np.zeros(2), np.zeros(2)], None),
    ],
)
def test_an_example_weighs_what_its_class_does(targets, weights):
    """1 where that says nothing; nothing where Keras takes no such weights."""
    found = weigh_classes(targets, {1: 5.0})

    assert (None if found is None else found.tolist()) == weights
