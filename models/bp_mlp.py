"""An ordinary network of two dense layers, trained on one image at a time: the baseline of `strided_cnn`.

159,410 parameters: 157,000 + 400 + 2,010.

Source: the same PyTorch tutorial (001_0a5c6ff1eff4feb4).

Deviations: loss and optimiser are not in the source; see `strided_cnn`.
"""

import keras
from keras import layers

from models._initializers import torch_init
from models.strided_cnn import RECIPE as STRIDED_CNN

RECIPE = STRIDED_CNN


def build() -> keras.Model:
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 sigmoids `(batch, 10)`.
    """
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (784,)
    x = layers.Dense(200, name="hidden", **torch_init(784))(x)
    x = layers.LeakyReLU(0.02, name="leaky")(x)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    output = layers.Dense(10, activation="sigmoid", name="output", **torch_init(200))(x)
    return keras.Model(image, output, name="bp_mlp")
