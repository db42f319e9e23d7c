"""ops.argpartition compares floats as whole numbers on TensorFlow and PyTorch, and is wrong for a batch on TensorFlow.

Wrong: TensorFlow and PyTorch: both cast the numbers to int32 before they compare them. TensorFlow also mixes
up the rows of a batch, and raises an error for a batch of one row.
"""

import keras
import numpy as np
from keras import ops


def count_wrong(x, kth):
    """Return in how many rows a smaller number lies behind the k-th, or a larger one before it."""
    indices = ops.convert_to_numpy(ops.argpartition(x, kth))
    rows = np.take_along_axis(x, indices, axis=-1)
    pivot = rows[:, kth : kth + 1]
    return int(((rows[:, :kth] > pivot).any(-1) | (rows[:, kth:] < pivot).any(-1)).sum())


rng = np.random.default_rng(0)
floats = rng.normal(size=(800, 9)).astype(np.float32)
integers = np.array([rng.permutation(9) for _ in range(800)], np.int32)
print(keras.backend.backend(), "wrong rows of 800: of floats", count_wrong(floats, 3), end="")
print(", of integers", count_wrong(integers, 3))
try:
    count_wrong(integers[:1], 3)
except Exception as error:
    print("one row:", type(error).__name__)
# Expected: 0 and 0, as of numpy.argpartition.
