"""The families of keras.applications, untrained and at a small image size.

They are built in the backends' processes only: importing this module imports keras.
"""

import keras
from keras import layers


def application(family: str, size: int = 32, classes: int = 10, top: bool = True, **config) -> keras.Model:
    """A network of keras.applications with random weights.

    Args:
        family: Its name there, as `ResNet50`.
        size: Height and width of the images.
        classes: Outputs of its head.
        top: Whether it has its own head; without, its feature maps are averaged.
        **config: What else the family takes.
    """
    build = getattr(keras.applications, family)
    if top:
        return build(weights=None, input_shape=(size, size, 3), classes=classes, **config)
    return build(weights=None, input_shape=(size, size, 3), include_top=False, pooling="avg", **config)


def transfer_learning(family: str = "MobileNetV2", size: int = 32, **config) -> keras.Model:
    """A frozen feature extractor run in inference mode, and a head to train, as in the guide on transfer learning."""
    base = application(family, size, top=False, **config)
    base.trainable = False
    image = keras.Input((size, size, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="rescale")(image)
    x = base(x, training=False)
    x = layers.Dropout(0.2, name="dropout")(x)
    return keras.Model(image, layers.Dense(1, name="logit")(x), name="transfer_learning")


def fine_tuning(family: str = "MobileNet", size: int = 32, trained: int = 12, **config) -> keras.Model:
    """A feature extractor of which the last layers are trained."""
    base = application(family, size, top=False, **config)
    for layer in base.layers[:-trained]:
        layer.trainable = False
    image = keras.Input((size, size, 3), name="image")
    x = base(image)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="classes")(x), name="fine_tuning")
