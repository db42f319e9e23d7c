"""What makes a backend faster changes none of its mathematics."""

import numpy as np
import pytest

from training.acceleration import steps_per_execution


def pool_and_gradient(size, height, width, channels, overlapping=False):
    """Return value and gradient of JAX's max-pool, ours and Keras's own, on data full of ties and zeros."""
    import jax
    import keras
    from keras.src.backend.jax import nn

    from training.acceleration import use_sliced_max_pool

    use_sliced_max_pool()
    generator = np.random.default_rng(0)
    images = generator.integers(0, 3, (4, height, width, channels)).astype("float32")
    strides = 1 if overlapping else size

    def pooled(pool):
        def loss(x):
            value = pool(x, size, strides, "valid", "channels_last")
            return (value * (1 + keras.ops.arange(value.size).reshape(value.shape))).sum(), value

        gradient, value = jax.grad(loss, has_aux=True)(images)
        return np.asarray(value), np.asarray(gradient)

    keras_own = nn.max_pool.__closure__[[*nn.max_pool.__code__.co_freevars].index("original")].cell_contents
    return pooled(nn.max_pool), pooled(keras_own)


@pytest.mark.parametrize(
    ("size", "height", "width"), [(2, 8, 8), (2, 7, 9), ((2, 3), 9, 10), (3, 9, 9), (1, 4, 4), (4, 8, 8)]
)
def test_the_sliced_max_pool_is_keras_own(workers, size, height, width):
    """Values and gradients are equal to the last bit, ties, odd sizes and cut edges included."""
    (value, gradient), (expected_value, expected_gradient) = workers["jax"].run(
        pool_and_gradient, size, height, width, 3
    )

    np.testing.assert_array_equal(value, expected_value)
    np.testing.assert_array_equal(gradient, expected_gradient)
    assert np.any(gradient == 0) == (size != 1)  # a window of one has no losers


def test_overlapping_pools_stay_keras_own(workers):
    """A window that overlaps the next one is none of ours."""
    (value, gradient), (expected_value, expected_gradient) = workers["jax"].run(pool_and_gradient, 2, 6, 6, 2, True)

    np.testing.assert_array_equal(value, expected_value)
    np.testing.assert_array_equal(gradient, expected_gradient)


def nan_pool():
    """Return JAX's sliced max-pool of a window that holds a NaN, in each of its places."""
    import keras

    from training.acceleration import use_sliced_max_pool

    use_sliced_max_pool()
    windows = np.ones((4, 2, 2, 1), "float32")
    for place in range(4):
        windows[place].reshape(-1)[place] = np.nan
    return np.asarray(keras.ops.max_pool(windows, 2)).ravel()


def test_a_nan_survives_the_sliced_max_pool(workers):
    """A NaN anywhere in a window is the window's maximum, as in XLA's own reduction."""
    assert np.isnan(workers["jax"].run(nan_pool)).all()


def torch_layers():
    """Return outputs and gradients of convolution and pools on PyTorch, with and without Keras's copies."""
    import keras
    import torch
    from keras.src.backend.torch import nn

    from training.acceleration import use_channels_last_memory

    use_channels_last_memory()
    ours = nn._transpose_spatial_inputs
    keras_own = ours.__closure__[[*ours.__code__.co_freevars].index("original")].cell_contents
    generator = np.random.default_rng(0)
    images, kernel = generator.normal(size=(3, 9, 8, 5)), generator.normal(size=(3, 3, 5, 4))
    results = []
    for transpose in (ours, keras_own):
        nn._transpose_spatial_inputs = transpose
        x, w = (torch.tensor(value, requires_grad=True) for value in (images, kernel))
        y = keras.ops.conv(x, w, padding="same")
        y = keras.ops.average_pool(keras.ops.max_pool(y, 2), 2)
        (y**2).sum().backward()
        results.append([value.detach().numpy() for value in (y, x.grad, w.grad)])
    nn._transpose_spatial_inputs = ours
    return results


def test_pytorchs_channels_last_memory_changes_no_value(workers):
    """In float64, convolution and pools and their gradients are the same to 1e-13, whatever the memory layout."""
    ours, keras_own = workers["torch"].run(torch_layers)

    for value, expected in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)


def direct_and_own_batches():
    """Return the batches that `fit` gets on PyTorch, ours and Keras's own."""
    import keras
    from keras.src.trainers.data_adapters.data_adapter_utils import get_torch_dataloader
    from keras.src.trainers.data_adapters.tf_dataset_adapter import TFDatasetAdapter

    from data.pipeline import training_batches
    from tests.training.runs import make_dataset
    from training.acceleration import use_direct_batches

    use_direct_batches()
    dataset = training_batches(make_dataset().train, 20, seed=1, epoch=0)

    def read(batches):
        # All are kept until the end: a batch must not change when the next one comes.
        return [[keras.ops.convert_to_numpy(part) for part in batch] for batch in list(batches)]

    return read(TFDatasetAdapter(dataset).get_torch_dataloader()), read(get_torch_dataloader(dataset))


def test_direct_batches_are_keras_own(workers):
    """Values, types and order of all batches are the same, the last, partial one included."""
    direct, keras_own = workers["torch"].run(direct_and_own_batches)

    assert [len(labels) for _, labels in direct] == [20] * 6 + [10]
    for batch, expected in zip(direct, keras_own, strict=True):
        for part, expected_part in zip(batch, expected, strict=True):
            assert part.dtype == expected_part.dtype
            np.testing.assert_array_equal(part, expected_part)


def adam_steps(**arguments):
    """Return a variable after ten steps of Adam, by `TorchAdam` and by PyTorch's own optimiser with `arguments`."""
    import keras
    import torch

    from training.optimizers import TorchAdam

    generator = np.random.default_rng(0)
    start = generator.normal(size=(7, 3)).astype("float32")
    variable, parameter = keras.Variable(start), torch.nn.Parameter(torch.tensor(start))
    ours, theirs = TorchAdam(2**-7, epsilon=1e-8), torch.optim.Adam([parameter], lr=2**-7, **arguments)
    for _ in range(10):
        # Gradients so small that the place of epsilon matters.
        parameter.grad = torch.tensor(generator.normal(size=(7, 3)).astype("float32") * 1e-7)
        ours.apply([parameter.grad], [variable])
        theirs.step()
    return keras.ops.convert_to_numpy(variable), parameter.detach().numpy()


def test_adam_on_pytorch_is_pytorchs(workers):
    """The fused update is, to the last bit, what PyTorch's own fused optimiser computes."""
    ours, theirs = workers["torch"].run(adam_steps, fused=True)

    np.testing.assert_array_equal(ours, theirs)


def test_another_epsilon_would_be_noticed(workers):
    """The comparison above can fail."""
    ours, theirs = workers["torch"].run(adam_steps, fused=True, eps=1e-7)

    assert not np.array_equal(ours, theirs)


@pytest.mark.parametrize(("log_every", "expected"), [(50, 50), (500, 50), (7, 7), (53, 1), (120, 40), (1, 1)])
def test_tensorflow_runs_whole_divisors_of_the_log_interval(log_every, expected):
    """Every log line falls on the end of an execution."""
    assert steps_per_execution("tensorflow", log_every) == expected
    assert steps_per_execution("torch", log_every) == 1
