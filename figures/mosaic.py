"""Many small maps as one picture, with gaps between them: the frame of kernels and feature maps."""

import numpy as np


def mosaic(maps: np.ndarray, gap: int = 1) -> np.ndarray:
    """Return maps laid out in rows and columns.

    Args:
        maps: Numbers `(rows, columns, height, width)`; NaN stays blank.
        gap: Pixels between two maps.

    Returns:
        float64 `(rows * (height + gap) - gap, columns * (width + gap) - gap)`, NaN in the gaps.
    """
    rows, columns, height, width = maps.shape
    whole = np.full((rows, height + gap, columns, width + gap), np.nan)
    whole[:, :height, :, :width] = maps.transpose(0, 2, 1, 3)
    return whole.reshape(rows * (height + gap), columns * (width + gap))[: -gap or None, : -gap or None]
