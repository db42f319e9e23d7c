"""Weights are drawn so that no fault hides behind a zero or a one, and matched between models by path."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.protocol.results import WeightSpec
from keras_parity.weights import draw_weights, match_weights

KERNEL = WeightSpec("dense/kernel", (64, 32), "float32", True)
BIAS = WeightSpec("dense/bias", (32,), "float32", True)


def draw(weight: WeightSpec, start: np.ndarray | None = None) -> np.ndarray:
    """Return the value that a weight is drawn, from what an initialiser gave."""
    start = np.zeros(weight.shape) if start is None else start
    return draw_weights([weight], [start], seed=1)[0]


@pytest.mark.parametrize(
    ("weight", "mean", "spread"),
    [
        (KERNEL, 0, 1 / 8),  # one over the root of 64 inputs
        (WeightSpec("conv/depthwise_kernel", (3, 3, 64, 4), "float32", True), 0, 1 / 3),
        (BIAS, 0, 0.1),
        (WeightSpec("bn/gamma", (4000,), "float32", True), 1, 0.1),
        (WeightSpec("e/embeddings", (100, 40), "float32", True), 0, 0.5),
        (WeightSpec("bn/moving_variance", (4000,), "float32", False), 1, 1 / np.sqrt(12)),
    ],
    ids=lambda value: value.path if isinstance(value, WeightSpec) else "",
)
def test_a_weight_is_spread_as_its_role_asks(weight, mean, spread):
    """Biases are not zero, scales are not one, variances are positive."""
    values = draw(weight)

    assert values.shape == weight.shape
    assert values.mean() == pytest.approx(mean, abs=0.1)
    assert values.std() == pytest.approx(spread, rel=0.3)


def test_what_the_user_has_set_is_kept():
    """Whole numbers, what `adapt` has learned, and what is neither trained nor a moving statistic."""
    start = np.full(32, 7.0)

    assert (draw(replace(BIAS, adapted=True), start) == 7).all()
    assert (draw(WeightSpec("layer/threshold", (32,), "float32", False), start) == 7).all()
    assert (draw(replace(BIAS, dtype="int32"), start.astype("int32")) == 7).all()


def test_values_are_exact_in_the_weights_dtype():
    """Both precisions start from the same numbers."""
    values = draw(replace(KERNEL, dtype="float16"))

    np.testing.assert_array_equal(values, values.astype(np.float16).astype(np.float64))


def test_weights_in_another_order_are_matched_by_path():
    """The orders say where each one lies in the first model."""
    matched = match_weights({"jax": [KERNEL, BIAS], "torch": [BIAS, KERNEL]})

    assert matched.orders == {"jax": [0, 1], "torch": [1, 0]}
    assert (matched.odd, matched.notes) == ([], [])


def test_names_that_count_on_are_matched_in_order_with_a_note():
    """A second model in one process is called `dense_1`."""
    renamed = [replace(weight, path=weight.path.replace("dense", "dense_1")) for weight in (KERNEL, BIAS)]

    matched = match_weights({"jax": [KERNEL, BIAS], "torch": renamed})

    assert matched.orders["torch"] == [0, 1]
    assert matched.odd == []
    assert "dense_1/kernel for dense/kernel" in matched.notes[0]


def test_the_model_with_other_weights_is_odd():
    """Two against one; where there are but two, nobody is."""
    other = [replace(KERNEL, shape=(64, 33)), BIAS]

    [odd] = match_weights({"tensorflow": [KERNEL, BIAS], "jax": other, "torch": [KERNEL, BIAS]}).odd
    [undecided] = match_weights({"tensorflow": [KERNEL, BIAS], "jax": other}).odd

    assert odd.execution == "jax"
    assert "on jax alone: dense/kernel (64, 33) float32" in odd.detail
    assert undecided.execution is None


def test_another_width_of_whole_numbers_is_no_difference_but_a_note():
    """A counter is 32 bits wide on one backend."""
    counter = WeightSpec("layer/count", (), "int64", False)

    matched = match_weights({"jax": [replace(counter, dtype="int32")], "torch": [counter]})

    assert matched.odd == []
    assert matched.notes == ["layer/count is int32 on jax, int64 on torch"]
