"""Every backend sees the same batches in the same order, and no example is lost."""

import numpy as np
import pytest

from data.pipeline import epoch_order, scale
from data.split import Split
from foundation.errors import UserError


def make_split(count=47):
    """Return a split whose every image is known by its first pixels."""
    images = np.zeros((count, 28, 28, 1), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 1, 0] = np.arange(count) % 256, np.arange(count) // 256
    return Split(images, np.arange(count, dtype=np.int64) % 10)


def seen_by_fit(seed, epochs=2, batch_size=10):
    """Return the number of each example that `fit` trained on, in order, an epoch a row, with its label.

    The model's loss layer records what reaches the computation itself: a variable takes each batch's numbers, in place.
    """
    import keras
    from keras import ops

    from data.pipeline import training_batches

    class Recorder(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="seen")
            self.seen = self.add_variable((100, 2), "zeros", name="seen")
            self.count = self.add_variable((), "zeros", dtype="int32", name="count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            rows = ops.stack([y_pred[:, 0], ops.cast(ops.reshape(y_true, (-1,)), "float32")], axis=1)
            self.seen.assign(ops.slice_update(self.seen.value, (self.count.value, 0), rows))
            self.count.assign_add(ops.shape(rows)[0])

        def result(self):
            return self.count.value

    image = keras.Input((28, 28, 1))
    number = keras.layers.Lambda(lambda x: x[:, 0, 0, :] * 255 + x[:, 0, 1, :] * 255 * 256, output_shape=(1,))(image)
    model = keras.Model(image, number + 0 * keras.layers.Dense(1)(number))
    recorder = Recorder()
    model.compile("sgd", "mse", metrics=[recorder])
    split, epochs_seen = make_split(), []
    for epoch in range(epochs):
        model.fit(training_batches(split, batch_size, seed, epoch), verbose=0)
        count = int(ops.convert_to_numpy(recorder.count))
        seen = ops.convert_to_numpy(recorder.seen)[:count]
        epochs_seen.append(np.round(seen).astype(int).tolist())
    return epochs_seen


def read_batches(first_step=0, shuffle=True, batch_size=10):
    """Return the pipeline's batches as arrays."""
    from data.pipeline import training_batches

    dataset = training_batches(make_split(), batch_size, 3, 1, shuffle, first_step)
    return [(x.numpy(), y.numpy()) for x, y in dataset], int(dataset.cardinality())


def read_all_pixels():
    """Return every pixel value as the pipeline scales it, and the order of `batches`."""
    from data.pipeline import batches

    split = Split(np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1), np.arange(256))
    pairs = [(x.numpy(), y.numpy()) for x, y in batches(split, 50)]
    return np.concatenate([x for x, _ in pairs]).ravel(), np.concatenate([y for _, y in pairs])


def test_every_backend_trains_on_the_same_batches_in_the_same_order(workers):
    """For one seed, `fit` itself sees the same examples in the same order on all three, epoch by epoch."""
    seen = workers.run_everywhere(seen_by_fit, 1)

    expected = [[[int(i), int(i) % 10] for i in epoch_order(47, 1, epoch)] for epoch in range(2)]
    assert seen == {"tensorflow": expected, "jax": expected, "torch": expected}


def test_another_seed_or_epoch_has_another_order(workers):
    """The comparison above can fail."""
    first, second = workers["jax"].run(seen_by_fit, 1), workers["jax"].run(seen_by_fit, 2)

    assert first[0] != first[1]
    assert first != second
    assert sorted(first[0]) == sorted(second[1])


def test_an_epoch_can_begin_at_any_step(workers):
    """Left-out batches are left out, and the others are the same bits."""
    whole, cardinality = workers["jax"].run(read_batches)
    rest, _ = workers["jax"].run(read_batches, first_step=2)

    assert cardinality == len(whole) == 5
    assert len(rest) == 3
    for (x, y), (expected_x, expected_y) in zip(rest, whole[2:], strict=True):
        np.testing.assert_array_equal(x, expected_x)
        np.testing.assert_array_equal(y, expected_y)


def test_no_example_is_lost_or_repeated(workers):
    """The last partial batch is trained on too."""
    pairs, _ = workers["jax"].run(read_batches)

    assert [len(y) for _, y in pairs] == [10, 10, 10, 10, 7]
    numbers = np.concatenate([x[:, 0, 0, 0] for x, _ in pairs]) * 255
    assert sorted(numbers.round().astype(int)) == list(range(47))


def test_without_shuffle_the_order_is_the_splits(workers):
    """`--set shuffle=false` trains in the original order."""
    pairs, _ = workers["jax"].run(read_batches, shuffle=False)

    assert np.concatenate([y for _, y in pairs]).tolist() == [i % 10 for i in range(47)]


def test_pixels_are_scaled_as_numpy_scales_them(workers):
    """Each of the 256 values is the same float32 from the pipeline and from `scale`, in all orders of batches."""
    pixels, labels = workers["tensorflow"].run(read_all_pixels)

    np.testing.assert_array_equal(pixels, scale(np.arange(256, dtype=np.uint8)))
    assert labels.tolist() == list(range(256))
    assert scale(np.array([255], np.uint8)) == 1


def test_the_order_is_pinned():
    """A resumed run and a published number depend on this order; a change of it must be seen."""
    assert epoch_order(10, 1, 0).tolist() == [6, 2, 1, 0, 8, 4, 3, 9, 7, 5]
    assert sorted(epoch_order(1000, 7, 3)) == list(range(1000))


def test_a_held_out_part_is_the_last_one():
    """As Keras's `validation_split`: the last examples, none in both parts, none lost."""
    split = make_split(10)

    kept, held_out = split.hold_out(0.2)

    assert np.concatenate([kept.labels, held_out.labels]).tolist() == split.labels.tolist()
    assert len(held_out) == 2


@pytest.mark.parametrize("count", [0, 11, -1])
def test_more_examples_than_there_are_cannot_be_taken(count):
    """A limit past the split's end is the user's mistake, and said so."""
    with pytest.raises(UserError, match="there are 10"):
        make_split(10).first(count)


@pytest.mark.parametrize("fraction", [0.95, 0.0, 1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_a_validation_split_that_empties_one_side_is_refused(fraction):
    """Neither training nor validation may be left without examples."""
    with pytest.raises(UserError, match="leaves one side empty"):
        make_split(10).hold_out(fraction)
