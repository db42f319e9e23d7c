"""MelSpectrogram of float64 computes its filters in float32, on every backend.

Wrong: all: the error is 2e-5 where float64 allows 1e-14; their roundings differ, and so do their results.
Scan: layers.MelSpectrogram(16, 8, 12, num_mel_bins=5, sampling_rate=160, power_to_db=False*
"""

import keras
import numpy as np
from keras import ops

keras.config.set_floatx("float64")  # JAX: set JAX_ENABLE_X64=1
layer = keras.layers.MelSpectrogram(16, 8, 12, num_mel_bins=5, sampling_rate=160, power_to_db=False, mag_exp=1.0)
x = np.random.default_rng(0).standard_normal((1, 64))
real, imaginary = ops.stft(ops.convert_to_tensor(x), 12, 8, 16, center=True)
spectrum = np.hypot(ops.convert_to_numpy(real), ops.convert_to_numpy(imaginary))


def mel(hertz):
    """Return a frequency on the mel scale."""
    return 1127 * np.log(1 + hertz / 700)


bins, edges = mel(np.linspace(0, 80, 9))[1:, None], np.linspace(mel(20.0), mel(80.0), 7)
rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
filters = np.maximum(0, np.minimum(rising, falling))
expected = np.swapaxes(spectrum[..., 1:] @ filters, 1, 2)
result = ops.convert_to_numpy(layer(x))
print(keras.backend.backend(), "off by", np.abs(result - expected).max(), "where the largest is", expected.max())
# Expected: some 1e-15, against triangles on the mel scale in NumPy's float64.
