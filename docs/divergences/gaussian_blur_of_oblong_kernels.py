"""ops.image.gaussian_blur with an oblong or even kernel gives three results, and another shape on PyTorch.

Wrong: all three: none gives the outer product of both Gaussians, the first along the height; (3, 3) is right.
Scan: ops.image.gaussian_blur(x, kernel_size=(5, 3)*
Scan: ops.image.gaussian_blur(x, kernel_size=(4, 2)*
"""

import keras
import numpy as np
from keras import ops


def weights(size, sigma):
    """Return Gaussian weights, normalised."""
    at = np.arange(size) - (size - 1) / 2
    values = np.exp(-(at**2) / (2 * sigma**2))
    return values / values.sum()


x = np.zeros((1, 7, 7, 1), "float32")
x[0, 3, 3] = 1
result = ops.convert_to_numpy(ops.image.gaussian_blur(ops.convert_to_tensor(x), kernel_size=(5, 3), sigma=(0.5, 2.0)))
print(keras.backend.backend(), result.shape, "column", result[0, :, 3, 0].round(4), "row", result[0, 3, :, 0].round(4))
expected = np.outer(weights(5, 0.5), weights(3, 2.0))
print("expected: (1, 7, 7, 1) column", expected[:, 1].round(4), "row", expected[2].round(4))
