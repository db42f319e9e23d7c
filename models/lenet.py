"""LeNet, the network of sigmoids and average pools, for clothing in place of digits.

61,706 parameters: 156 + 2,416 + 48,120 + 10,164 + 850. The original reports loss 0.475 and accuracy 0.81 to 0.82 after
ten epochs, and about 0.90 after 50.

Origin: a PyTorch tutorial on LeNet, for Fashion-MNIST (its text is not public).

`mlp` is the network that it is compared with.

Deviations: none in what is computed; the random numbers of the initial weights are Keras's own.

Variants, as `--model lenet-long`: `long` trains for 50 epochs, the last five with a learning rate halved each time (a
constant one ended at 0.886 of the test images, where 0.891 were right so); `narrow` and `max_pool` are those that the
original discusses.
"""

from typing import TYPE_CHECKING

from foundation.errors import UserError
from foundation.recipe import Recipe, Variant
from models._initializers import torch_bias

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="fashion_mnist",
    batch_size=256,
    epochs=10,
    optimizer="sgd",
    learning_rate=0.9,
    loss="sparse_categorical_crossentropy_from_logits",
    log="summary",
    log_every=47,  # five times in an epoch of 235 steps
)
VARIANTS = {
    "long": Variant(RECIPE.override(epochs=50, constant_epochs=45, learning_rate_decay=0.5)),
    "narrow": Variant(RECIPE, {"channels": (5, 15)}, parameters=58_154),
    "max_pool": Variant(RECIPE, {"pooling": "max"}),
}


def build(channels: tuple[int, int] = (6, 16), pooling: str = "average") -> "keras.Model":
    """Build LeNet, uncompiled and freshly initialised.

    Args:
        channels: Filters of the two convolutions; the original discusses 5 and 15 too.
        pooling: "average" as in the original, or "max", which it calls a little better in practice.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 logits `(batch, 10)`.

    Raises:
        UserError: If `pooling` is neither.
    """
    import keras
    from keras import layers

    pools = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
    if pooling not in pools:
        raise UserError(f"pooling is {pooling!r}; it must be average or max")
    pool = pools[pooling]
    first, second = channels
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(first, 5, padding="same", activation="sigmoid", name="c1", **torch_bias(5 * 5 * 1))(image)
    x = pool(2, name="s2")(x)  # (14, 14, 6)
    x = layers.Conv2D(second, 5, activation="sigmoid", name="c3", **torch_bias(5 * 5 * first))(x)  # (10, 10, 16)
    x = pool(2, name="s4")(x)  # (5, 5, 16)
    x = layers.Flatten(name="flatten")(x)  # (400,)
    x = layers.Dense(120, activation="sigmoid", name="f5", **torch_bias(5 * 5 * second))(x)
    x = layers.Dense(84, activation="sigmoid", name="f6", **torch_bias(120))(x)
    logits = layers.Dense(10, name="logits", **torch_bias(84))(x)
    return keras.Model(image, logits, name="lenet")
