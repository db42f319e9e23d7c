"""Eight hidden units that tell Iris setosa from the other irises.

49 parameters: 40 + 9.

Origin: a tutorial of small networks in three frameworks, its first Keras part (its text is not public).

Deviations: the original does not say how it divides the 150 flowers, nor whether it scales them; see `data/iris.py`.
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="iris",
    batch_size=10,
    epochs=50,
    optimizer="adam",
    learning_rate=0.001,
    loss="binary_crossentropy",
    log="keras",
    log_every=0,
)


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 standardised measurements `(batch, 4)` to the probability of Setosa, `(batch, 1)`.
    """
    import keras
    from keras import layers

    flower = keras.Input((4,), name="flower")
    x = layers.Dense(8, activation="relu", name="hidden")(flower)
    output = layers.Dense(1, activation="sigmoid", name="output")(x)
    return keras.Model(flower, output, name="iris_mlp")
