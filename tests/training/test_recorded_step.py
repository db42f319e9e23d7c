"""What is replayed on PyTorch gives Keras's own bits, and what cannot be replayed is not."""

import pytest


def run(make_function, batches):
    """Return how many calls ran the function itself, the results when it is recorded, and when it is not.

    Args:
        make_function: Returns a new function of a batch, with a state of its own.
        batches: Nested lists of numbers.
    """
    import torch

    from training.recorded_step import record

    calls, function, plain = [], make_function(), make_function()

    def counted(batch):
        calls.append(0)
        return function(batch)

    recorded = record(counted)
    tensors = [torch.tensor(batch) for batch in batches]
    results = [recorded(batch).tolist() for batch in tensors]
    return len(calls), results, [plain(batch).tolist() for batch in tensors]


def make_running_sum():
    """A state that each call updates in place."""
    import torch

    total = torch.zeros(2)

    def add(batch):
        total.add_(batch * 2)
        return total + torch.tensor(1.0)

    return add


def make_arithmetic():
    """Nothing but arithmetic."""
    return lambda batch: batch * 2 + 1


def make_branch():
    """Python decides by a tensor's value."""

    def branch(batch):
        return batch * 2 if batch.sum() > 10 else batch

    return branch


def make_numpy():
    """A value goes through NumPy and comes back; it is the same in the first calls."""
    import torch

    def through_numpy(batch):
        return torch.from_numpy(batch.numpy() // 4 * 4).clone()

    return through_numpy


def make_noise():
    """Each call takes new random numbers."""
    import torch

    torch.manual_seed(1)
    return lambda batch: batch + torch.rand(2)


def make_counter():
    """Each call has a number, kept in Python."""
    calls = []

    def count(batch):
        calls.append(0)
        return batch * len(calls)

    return count


def make_constant_counter():
    """The same, and the number becomes a tensor."""
    import torch

    calls = []

    def count(batch):
        calls.append(0)
        return batch * torch.tensor(float(len(calls)))

    return count


def make_written_constant():
    """A fresh constant is written to: replayed, it would keep what the call before wrote."""
    import torch

    def accumulate(batch):
        total = torch.tensor([0.0, 0.0])
        total.add_(batch)
        return total.clone()

    return accumulate


BATCHES = [[1.0, 2.0], [3.0, 1.0], [2.0, 2.0], [1.0, 1.0], [9.0, 9.0], [5.0, 8.0], [4.0, 4.0], [3.0, 9.0]]


def test_a_function_of_tensors_is_replayed(workers):
    """Two calls that agree are enough; all later ones are replayed, the state goes on, constants stay."""
    own_calls, recorded, plain = workers["torch"].run(run, make_running_sum, BATCHES)

    assert own_calls == 2
    assert recorded == plain
    assert len({tuple(result) for result in recorded}) == len(BATCHES)


def test_each_shape_is_recorded_for_itself(workers):
    """A batch of another shape is another recording; the first one stays."""
    batches = [*BATCHES[:4], *([[value, value]] for value in BATCHES[:4]), *BATCHES]

    own_calls, recorded, plain = workers["torch"].run(run, make_arithmetic, batches)

    assert own_calls == 4
    assert recorded == plain


@pytest.mark.parametrize(
    "make_function",
    [make_branch, make_numpy, make_noise, make_counter, make_constant_counter, make_written_constant],
)
def test_what_depends_on_more_than_tensors_stays_as_it_is(workers, make_function):
    """Values taken into Python, random numbers and counters are seen, and every call runs the function itself."""
    own_calls, recorded, plain = workers["torch"].run(run, make_function, BATCHES)

    assert own_calls == len(BATCHES)
    if make_function is not make_noise:
        assert recorded == plain


def train_steps(replay, dropout=False, steps=12):
    """Return how often Keras's own step ran in so many steps of a small network, the logs, and the state they end with.

    Every fourth batch is smaller, and the learning rate changes on the way.
    """
    import keras
    import numpy as np
    import torch
    from keras import layers

    from training.callbacks import LastLoss
    from training.optimizers import TorchAdam
    from training.recorded_step import record

    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 1))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", activation="relu")(image))
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    x = layers.Dropout(0.5)(x) if dropout else x
    model = keras.Model(image, layers.Dense(10, kernel_regularizer="l2")(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(TorchAdam(0.01, epsilon=1e-8), loss, metrics=["accuracy", LastLoss(loss)])
    model.make_train_function()
    calls, keras_own = [], model.train_function

    def counted(data):
        calls.append(0)
        return keras_own(data)

    step = record(counted) if replay else counted
    generator = np.random.default_rng(0)
    logs = []
    for number in range(steps):
        count = 3 if number % 4 == 3 else 5
        images = torch.tensor(generator.random((count, 8, 8, 1), dtype="float32"))
        labels = torch.tensor(generator.integers(0, 10, count, dtype="int32"))
        if number == 8:
            model.optimizer.learning_rate = 0.02
            model.reset_metrics()
        logs.append({name: float(value) for name, value in step([(images, labels)]).items()})
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return len(calls), logs, [keras.ops.convert_to_numpy(variable).tobytes() for variable in variables]


def test_replayed_steps_give_keras_own_bits(workers):
    """Weights, statistics, optimiser, metrics and logs are Keras's own bit for bit, at every step."""
    own_calls, logs, state = workers["torch"].run(train_steps, True)
    all_calls, keras_logs, keras_state = workers["torch"].run(train_steps, False)

    # Three calls of the large batch (the first one also builds the metrics), two of the small one.
    assert (own_calls, all_calls) == (5, 12)
    assert logs == keras_logs
    assert state == keras_state


def test_a_dropout_is_never_replayed(workers):
    """A replayed dropout would drop the same values for ever; Keras's own steps go on."""
    own_calls, logs, state = workers["torch"].run(train_steps, True, dropout=True)
    _, keras_logs, keras_state = workers["torch"].run(train_steps, False, dropout=True)

    assert own_calls == 12
    assert logs == keras_logs
    assert state == keras_state


def test_other_steps_give_other_bits(workers):
    """The comparisons above can fail."""
    _, _, state = workers["torch"].run(train_steps, True)
    _, _, longer = workers["torch"].run(train_steps, True, steps=13)

    assert state != longer


def replay_a_network(batch_size):
    """Return whether steps of so many examples are replayed."""
    import keras

    from training.acceleration import replay_steps

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return replay_steps(model, batch_size)


def test_steps_of_many_examples_are_not_recorded(workers):
    """They would keep gigabytes and be no faster."""
    assert [workers["torch"].run(replay_a_network, size) for size in (50, 54_000)] == [True, False]
