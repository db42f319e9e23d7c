"""The two-convolution MNIST network of the early PyTorch tutorials: the headline system.

28,938 parameters: 416 + 12,832 + 15,690. One epoch reaches 0.98; README.md has the table of times and accuracies.

Origin: a PyTorch tutorial on one convolutional network, for MNIST, with a t-SNE map (its text is not public).

Deviations: the original logs after steps 1, 51, 101 …; here a line follows every 50th step, so that the last line shows
the finished epoch. Initial weights follow the original's distribution (PyTorch's default for Conv2d and Linear: weight
and bias uniform in ±1/√fan_in) but not its random numbers.
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe
from models._initializers import torch_init

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="mnist",
    batch_size=50,
    epochs=1,
    optimizer="torch_adam",
    learning_rate=0.001,
    loss="sparse_categorical_crossentropy_from_logits",
    tsne_layer="flatten",
)


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 logits `(batch, 10)`.
    """
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(16, 5, padding="same", activation="relu", name="conv1", **torch_init(5 * 5 * 1))(image)
    x = layers.MaxPooling2D(2, name="pool1")(x)  # (14, 14, 16)
    x = layers.Conv2D(32, 5, padding="same", activation="relu", name="conv2", **torch_init(5 * 5 * 16))(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)  # (7, 7, 32)
    x = layers.Flatten(name="flatten")(x)  # (1568,)
    logits = layers.Dense(10, name="logits", **torch_init(1568))(x)
    return keras.Model(image, logits, name="mnist_cnn")
