"""Counting and segments take values beyond their size on some backends and raise on others.

Wrong: nobody, by the documentation.
Scan: ops.bincount(x) on below*
Scan: ops.segment_sum(x, y, num_segments=2)*
Scan: ops.segment_max(x, y, num_segments=2)*
Scan: ops.sparse_categorical_crossentropy(x, y, from_logits=True) on*
Scan: ops.in_top_k(x, y, 2) on below 3 int32[], special*
"""

import keras
import numpy as np
from keras import ops

scores = np.float32([[1, 2, 3]])
for name, function in (
    ("segment_sum of three segments into two", lambda: ops.segment_sum(scores[0], np.int32([0, 1, 2]), num_segments=2)),
    ("bincount of two rows", lambda: ops.bincount(np.int32([[1, 2], [2, 5]]))),
    (
        "crossentropy of class 7 of 3",
        lambda: ops.sparse_categorical_crossentropy(np.int32([7]), scores, from_logits=True),
    ),
    ("in_top_k of infinities", lambda: ops.in_top_k(np.int32([1]), np.full((1, 3), np.inf, np.float32), 2)),
):
    try:
        print(keras.backend.backend(), name, ops.convert_to_numpy(function()).tolist())
    except Exception as error:
        print(keras.backend.backend(), name, type(error).__name__)
# Expected: [1, 2]; [[0, 1, 1, 0, 0, 0], [0, 0, 1, 0, 0, 1]]; an error or NaN; True, as ties are all in.
