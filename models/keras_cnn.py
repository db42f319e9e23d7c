"""One convolution, one pool and a softmax: the smallest convolutional network that Keras's tutorials show.

63,050 parameters: 320 + 62,730.

Origin: a tutorial of small networks in three frameworks, its Keras part (its text is not public).

Deviations: the one-hot targets are made inside the loss, from whole-number labels. On TensorFlow Keras computes the
loss from the logits behind the softmax, on JAX and PyTorch from probabilities clipped to [1e-7, 1 − 1e-7]: past that,
the first still has a gradient and the others have none. That is Keras's doing and left as it is.
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="mnist",
    batch_size=128,
    epochs=5,
    optimizer="rmsprop",
    learning_rate=0.001,
    loss="categorical_crossentropy",
    validation_split=0.2,
    log="keras",
    log_every=0,
)


def build() -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 probabilities `(batch, 10)`.
    """
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv")(image)  # (28, 28, 32)
    x = layers.MaxPooling2D(2, name="pool")(x)  # (14, 14, 32)
    x = layers.Flatten(name="flatten")(x)  # (6272,)
    output = layers.Dense(10, activation="softmax", name="output")(x)
    return keras.Model(image, output, name="keras_cnn")
