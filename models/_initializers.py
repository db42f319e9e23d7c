"""The initial weights of PyTorch's layers, which most of the originals start from."""

import math
from typing import Any


def torch_init(fan_in: int) -> dict[str, Any]:
    """Return both initialisers of PyTorch's Conv2d and Linear, as arguments of a Keras layer: uniform in ±1/√fan_in.

    Args:
        fan_in: The inputs that one output sums: kernel height × width × channels, or the features of a dense layer.
    """
    import keras

    return {"kernel_initializer": keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")} | torch_bias(fan_in)


def torch_bias(fan_in: int) -> dict[str, Any]:
    """Return the bias initialiser of PyTorch's Conv2d and Linear, as an argument of a Keras layer."""
    import keras

    limit = 1 / math.sqrt(fan_in)
    return {"bias_initializer": keras.initializers.RandomUniform(-limit, limit)}
