"""One hidden layer of 256 ReLUs: the plain network that over-fits where LeNet does not.

203,530 parameters: 200,960 + 2,570. The original reports an accuracy in the 80s after ten epochs.

Origin: the same PyTorch tutorial as `lenet`'s.

Deviations: none in what is computed; the random numbers of the initial weights are Keras's own.
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe
from models._initializers import torch_bias

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="fashion_mnist",
    batch_size=256,
    epochs=10,
    optimizer="sgd",
    learning_rate=0.1,
    loss="sparse_categorical_crossentropy_from_logits",
    log="summary",
    log_every=47,  # five times in an epoch of 235 steps
)


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 logits `(batch, 10)`.
    """
    import keras
    from keras import layers

    kernel = keras.initializers.RandomNormal(stddev=0.01)
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Flatten(name="flatten")(image)  # (784,)
    x = layers.Dense(256, activation="relu", name="hidden", kernel_initializer=kernel, **torch_bias(784))(x)
    kernel = keras.initializers.RandomNormal(stddev=0.01)  # a Keras initialiser gives the same numbers twice
    logits = layers.Dense(10, name="logits", kernel_initializer=kernel, **torch_bias(256))(x)
    return keras.Model(image, logits, name="mlp")
