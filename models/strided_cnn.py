"""A network that halves its maps by strides and not by pools, trained on one image at a time.

3,760 parameters: 260 + 40 + 910 + 40 + 2,510; 40 of them are the statistics that BatchNorm keeps.

Origin: a PyTorch tutorial that puts a convolutional network in the place of an ordinary one (its text is not public).

`bp_mlp` is the network that it replaces.

Deviations: the original names neither loss nor optimiser; its predecessor's are taken, binary cross-entropy on the ten
sigmoid outputs against one-hot targets, and Adam. PyTorch's BatchNorm keeps the unbiased estimate of the variance for
later, Keras's the biased one: for one image the first layer averages 12 × 12 values and the second 5 × 5, so that the
variances that Keras keeps are 144/143 and 25/24 times too small by PyTorch's measure. What a training step does is the
same; what the trained network says differs by that much (tests/models/test_originals.py measures it). The learning rate
falls to a tenth after each epoch: with a constant one the last few of 180,000 images decide how well it ends, with 0.89
to 0.96 of the test images in four runs; falling to three tenths it still ended between 0.947 and 0.975.
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe
from models._initializers import torch_init

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="mnist",
    batch_size=1,
    epochs=3,
    optimizer="torch_adam",
    learning_rate=0.001,
    loss="torch_binary_crossentropy",
    learning_rate_decay=0.1,
    log="epochs",
    log_every=100,
    log_examples=200,
)


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 sigmoids `(batch, 10)`.
    """
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(10, 5, strides=2, name="conv1", **torch_init(5 * 5 * 1))(image)  # (12, 12, 10)
    x = layers.LeakyReLU(0.02, name="leaky1")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm1")(x)
    x = layers.Conv2D(10, 3, strides=2, name="conv2", **torch_init(3 * 3 * 10))(x)  # (5, 5, 10)
    x = layers.LeakyReLU(0.02, name="leaky2")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="norm2")(x)
    x = layers.Flatten(name="flatten")(x)  # (250,)
    output = layers.Dense(10, activation="sigmoid", name="output", **torch_init(250))(x)
    return keras.Model(image, output, name="strided_cnn")
