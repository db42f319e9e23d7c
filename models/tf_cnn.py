"""The two-convolution network of TensorFlow 1's tutorials, the one system here with dropout.

3,274,634 parameters: 832 + 51,264 + 3,212,288 (a dense layer of 1,024 on 3,136 inputs) + 10,250.

Origin: a tutorial of small networks in three frameworks, its TensorFlow 1 part (its text is not public).

Only the input stage is quoted there: flat rows of 784 pixels, divided by 255, reshaped to 28×28×1, one-hot labels,
tested on the first 3,000 test images. The layers, the optimiser and the batch of 50 are that program's usual
continuation; one epoch is our choice.

Deviations: the data pipeline divides and gives the images in their shape; the one-hot targets are made inside the loss.
The initial weights are Keras's defaults (Glorot uniform, biases 0), which were those of TensorFlow 1's layers too.
"""

import random
from typing import TYPE_CHECKING

from foundation.recipe import Recipe

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="mnist",
    batch_size=50,
    epochs=1,
    optimizer="tensorflow_adam",
    learning_rate=0.001,
    loss="categorical_crossentropy_from_logits",
    log_every=50,
    log_examples=3000,
)


def build(dropout: float = 0.5) -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Args:
        dropout: Share of the 1,024 features that a training step leaves out.

    Returns:
        A model from float32 images `(batch, 28, 28, 1)` in [0, 1] to float32 logits `(batch, 10)`.
    """
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(32, 5, padding="same", activation="relu", name="conv1")(image)
    x = layers.MaxPooling2D(2, name="pool1")(x)  # (14, 14, 32)
    x = layers.Conv2D(64, 5, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)  # (7, 7, 64)
    x = layers.Flatten(name="flatten")(x)  # (3136,)
    x = layers.Dense(1024, activation="relu", name="hidden")(x)
    # A seed of its own, taken from the run's: without one Keras leaves PyTorch's dropout to PyTorch's generator, whose
    # state is in no checkpoint, and a resumed run would have other masks.
    x = layers.Dropout(dropout, seed=random.randrange(2**31), name="dropout")(x)
    logits = layers.Dense(10, name="logits")(x)
    return keras.Model(image, logits, name="tf_cnn")
