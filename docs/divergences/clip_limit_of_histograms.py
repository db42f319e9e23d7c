"""ContrastLimitedAdaptiveHistogramEqualization leaves the contrast of small images as it is, on PyTorch.

Wrong: PyTorch: its histograms hold int64, and the limit of their height is cut to 0 for tiles of less than 64 pixels.
Scan: layers.ContrastLimitedAdaptiveHistogramEqualization(*
"""

import keras
import numpy as np
from keras import ops

image = np.float32([10, 20, 30, 40, 10, 20, 30, 40]).reshape(1, 2, 4, 1)
layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(1, 1))  # of clip_limit 4
print(keras.backend.backend(), ops.convert_to_numpy(layer(image)).ravel().round(3))

histogram = np.bincount(image.astype(int).ravel(), minlength=256)
clipped = np.minimum(histogram, 4 * image.size / 256)
summed = np.cumsum(clipped + (histogram - clipped).sum() / 256)
equalized = 255 * (summed - summed[0]) / (image.size - summed[0])
print("expected:", equalized[image.astype(int).ravel()].round(3))
