"""An ordinary network of two dense layers, trained on one image at a time: the baseline of `strided_cnn`.

159,410 parameters: 157,000 + 400 + 2,010.

Origin: the same PyTorch tutorial as `strided_cnn`'s.

Deviations: loss and optimiser are not in the original; see `strided_cnn`.
"""

from typing import TYPE_CHECKING

from models._initializers import torch_init
from models.strided_cnn import RECIPE as STRIDED_CNN

if TYPE_CHECKING:
    import keras

RECIPE = STRIDED_CNN


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 sigmoids `(batch, 10)`.
    """
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (784,)
    x = layers.Dense(200, name="hidden", **torch_init(784))(x)
    x = layers.LeakyReLU(0.02, name="leaky")(x)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    output = layers.Dense(10, activation="sigmoid", name="output", **torch_init(200))(x)
    return keras.Model(image, output, name="bp_mlp")
