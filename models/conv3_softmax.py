"""Three small convolutions and a softmax that is taken twice, with the kernels and feature maps to look at.

2,154 parameters: 40 + 296 + 1,168 + 650.

Origin: a tutorial of small networks in three frameworks, its PyTorch part (its text is not public).

It looks inside its network: at the kernels and at the feature maps.

Two quirks of the original are kept. Its cross-entropy takes a softmax of its own, of outputs that have been through one
already: so the loss of one image lies between 0.79 and 2.37 and the gradients are small. And the loss is summed over
the batch and not averaged: so printed losses are some 50 times those of the other systems, and never below 50 × ln(1 +
9/e) = 73.1. On the TensorFlow backend Keras's own loss would undo the first quirk, as it goes back to the logits behind
a softmax; the recipe's loss does not.

Deviations: the original's batch size is not known; 50 is taken.
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe
from models._initializers import torch_init

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="mnist",
    batch_size=50,
    epochs=10,
    optimizer="torch_adam",
    learning_rate=0.001,
    loss="summed_crossentropy_of_softmax",
    log_every=500,
    log_examples=50,  # one test batch
)


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 probabilities `(batch, 10)`.
    """
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.ZeroPadding2D(2, name="pad1")(image)  # two rows all around, one more than "same": (32, 32, 1)
    x = layers.Conv2D(4, 3, activation="relu", name="conv1", **torch_init(3 * 3 * 1))(x)  # (30, 30, 4)
    x = layers.MaxPooling2D(2, name="pool1")(x)  # (15, 15, 4)
    x = layers.Conv2D(8, 3, activation="relu", name="conv2", **torch_init(3 * 3 * 4))(x)  # (13, 13, 8)
    x = layers.MaxPooling2D(2, name="pool2")(x)  # (6, 6, 8)
    x = layers.Conv2D(16, 3, activation="relu", name="conv3", **torch_init(3 * 3 * 8))(x)  # (4, 4, 16)
    x = layers.MaxPooling2D(2, name="pool3")(x)  # (2, 2, 16)
    x = layers.Flatten(name="flatten")(x)  # (64,)
    output = layers.Dense(10, activation="softmax", name="output", **torch_init(64))(x)
    return keras.Model(image, output, name="conv3_softmax")
