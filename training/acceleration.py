"""The same mathematics, faster: what each backend gains from settings that a model never sees.

Measured with `python -m benchmarks.speed` on two CPU cores; `docs/speed.md` has the numbers, and what was tried without
success. Nothing here changes a model, its saved file or the user's data, and a tie in a max-pool still sends its
gradient to the first of the tied values. `tests/training/test_acceleration.py` holds each against Keras's own version.
"""

import ctypes
import functools
import sys

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3

# Examples per step up to which PyTorch's steps are replayed. Ours.
MOST_REPLAYED = 2048


def accelerate(backend: str) -> None:
    """Apply what helps `backend` to this process; safe to call twice.

    Args:
        backend: The backend that keras runs on.
    """
    keep_freed_memory()
    if backend == "torch":
        use_channels_last_memory()
        use_direct_batches()
    if backend == "jax":
        use_sliced_max_pool()


def steps_per_execution(backend: str, log_every: int) -> int:
    """Return how many training steps one call into the backend should run.

    TensorFlow runs a whole interval between two log lines inside one graph. Keras forbids more than one on PyTorch, and
    on JAX it is a Python loop that saves little and delays Ctrl-C.

    Args:
        backend: The backend that keras runs on.
        log_every: Steps between two log lines; the result divides it.
    """
    if backend != "tensorflow":
        return 1
    return max(steps for steps in range(1, min(log_every, 50) + 1) if log_every % steps == 0)


def jit_compile(backend: str, batch_size: int) -> bool | str:
    """Return what `Model.compile` should be told of XLA: whether a step is compiled into one piece, or "auto".

    On a CPU Keras leaves TensorFlow's graphs as they are, which is right for batches: XLA is slower at convolutions. At
    one image a step the many small operations' own cost weighs more, and one piece gives 3 to 4 times the steps per
    second of Keras's plain `fit` (`python -m benchmarks.batch_one`).

    Args:
        backend: The backend that keras runs on.
        batch_size: Examples per step.
    """
    return True if backend == "tensorflow" and batch_size == 1 else "auto"


def keep_freed_memory() -> bool:
    """Tell glibc's allocator to reuse large blocks and not to hand them back to the kernel; return whether it agreed.

    PyTorch allocates each activation anew. Above its threshold glibc maps and unmaps every one of them, and the page
    faults (about 850 a step for mnist_cnn at batch 50) cost more than the arithmetic on them.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl
        return False
    # 32 MiB is the largest threshold that glibc accepts on 64-bit machines.
    settings = ((_M_MMAP_THRESHOLD, 32 << 20), (_M_TRIM_THRESHOLD, (1 << 31) - 1), (_M_TOP_PAD, 64 << 20))
    return all(mallopt(setting, value) == 1 for setting, value in settings)


def use_channels_last_memory() -> None:
    """Let PyTorch's 2-D convolutions and pools read Keras's channels-last tensors where they lie.

    Keras permutes `(batch, height, width, channels)` to PyTorch's axis order and then copies it to make it contiguous,
    at each call. The permuted view is exactly PyTorch's channels_last memory format, which its kernels take as it is.
    """
    from keras.src.backend.torch import nn

    original = nn._transpose_spatial_inputs
    if original.__module__ == __name__:
        return

    def transpose_spatial_inputs(inputs):
        return inputs.permute(0, 3, 1, 2) if inputs.ndim == 4 else original(inputs)

    nn._transpose_spatial_inputs = transpose_spatial_inputs


def use_direct_batches() -> None:
    """Hand tf.data's batches to PyTorch where they lie.

    Keras copies each one twice and sends it through a PyTorch DataLoader: 0.4 to 0.6 ms of a step, and now about half.
    """
    import tensorflow as tf
    import torch
    from keras.src import tree
    from keras.src.backend.torch.core import get_device
    from keras.src.trainers.data_adapters.tf_dataset_adapter import TFDatasetAdapter

    def convert(tensor):
        return torch.from_dlpack(tf.experimental.dlpack.to_dlpack(tensor)).to(get_device())

    def get_torch_dataloader(adapter):
        return (tree.map_structure(convert, batch, none_is_leaf=False) for batch in adapter.get_tf_dataset())

    TFDatasetAdapter.get_torch_dataloader = get_torch_dataloader


def replay_steps(model, batch_size: int) -> bool:
    """Let PyTorch replay `model`'s training steps, as far as that is safe: `training/recorded_step.py` says how.

    A step of mnist_cnn takes one core 5.8 ms where Keras's own takes 8.6. Many images a step are all arithmetic, which
    replaying makes no faster, and a recording keeps what a step computes: 16 GiB for apparel_cnn's 54,000.

    Args:
        model: A compiled `keras.Model`; compiling it again undoes this.
        batch_size: Examples per step.

    Returns:
        Whether its steps are replayed.
    """
    if batch_size > MOST_REPLAYED:
        return False
    from training.recorded_step import record

    model.make_train_function()
    model.train_function = record(model.train_function)
    return True


def use_sliced_max_pool() -> None:
    """Compute JAX's non-overlapping 2-D max-pools from strided slices.

    XLA differentiates its window reduction into a select-and-scatter that takes one core about 4 ms for 50 images of
    28×28×16 here; comparing the window's slices one by one gives the same values and gradients in a fifth of that.
    """
    from keras.src.backend import standardize_data_format
    from keras.src.backend.jax import nn
    from keras.src.utils.argument_validation import standardize_tuple

    original = nn.max_pool
    if original.__module__ == __name__:
        return
    import jax.numpy as jnp

    def larger(first, second):
        # As XLA's reduction: the first of two equal values wins, and a NaN is kept.
        return jnp.where((first >= second) | jnp.isnan(first), first, second)

    def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
        if inputs.ndim != 4 or padding != "valid" or standardize_data_format(data_format) != "channels_last":
            return original(inputs, pool_size, strides, padding, data_format)
        rows, columns = standardize_tuple(pool_size, 2, "pool_size")
        overlap = strides is not None and standardize_tuple(strides, 2, "strides") != (rows, columns)
        if overlap or rows * columns > 9:
            return original(inputs, pool_size, strides, padding, data_format)
        height, width = inputs.shape[1] // rows * rows, inputs.shape[2] // columns * columns
        parts = (inputs[:, i:height:rows, j:width:columns] for i in range(rows) for j in range(columns))
        return functools.reduce(larger, parts)

    nn.max_pool = max_pool
