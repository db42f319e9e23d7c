"""Networks in mixed precision, with LoRA adapters and with quantised weights.

They are built in the backends' processes only: importing this module imports keras. Weights that Keras computes when it
quantises come from weights that NumPy draws here, as two backends' initialisers never agree.
"""

import keras
import numpy as np
from keras import layers

from benchmarks.real_models.text import TokenAndPositionEmbedding, TransformerBlock


def draw_weights(model: keras.Model, seed: int = 11) -> None:
    """Assign the same numbers on every backend to all trainable weights of a model."""
    generator = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(0.3 * generator.standard_normal(weight.shape).astype("float32"))


def _perceptron(name: str) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((16,), name="features"),
            layers.Dense(24, activation="relu", name="dense1"),
            layers.Dense(16, activation="gelu", name="dense2"),
            layers.Dense(4, name="logits"),
        ],
        name=name,
    )


def _small_transformer(name: str) -> keras.Model:
    tokens = keras.Input((10,), dtype="int32", name="tokens")
    x = TokenAndPositionEmbedding(10, 40, 16, name="embedding")(tokens)
    x = TransformerBlock(16, 2, 24, causal=True, rate=0.0, name="block")(x)
    return keras.Model(tokens, layers.Dense(40, name="logits")(x), name=name)


def lora_dense(rank: int = 3) -> keras.Model:
    """A perceptron whose Dense layers are frozen but for LoRA adapters."""
    model = _perceptron("lora_dense")
    for name in ("dense1", "dense2"):
        model.get_layer(name).enable_lora(rank)
    return model


def lora_transformer(rank: int = 2) -> keras.Model:
    """A transformer with LoRA adapters on its embeddings and on attention's query and value."""
    model = _small_transformer("lora_transformer")
    model.get_layer("embedding").token.enable_lora(rank)
    attention = model.get_layer("block").attention
    attention.query_dense.enable_lora(rank)
    attention.value_dense.enable_lora(rank)
    return model


def lora_convolution(rank: int = 2) -> keras.Model:
    """A convolutional network with LoRA adapters on a convolution."""
    image = keras.Input((10, 10, 3), name="image")
    convolution = layers.Conv2D(8, 3, activation="relu", name="conv")
    x = layers.GlobalAveragePooling2D(name="pool")(convolution(image))
    model = keras.Model(image, layers.Dense(4, name="logits")(x), name="lora_convolution")
    convolution.enable_lora(rank)
    return model


def quantized_dense(mode: str = "int8") -> keras.Model:
    """A perceptron quantised to `int8` or `int4`."""
    model = _perceptron(f"quantized_dense_{mode}")
    draw_weights(model)
    model.quantize(mode)
    return model


def quantized_transformer(mode: str = "int8") -> keras.Model:
    """A transformer whose embeddings and projections are quantised."""
    model = _small_transformer(f"quantized_transformer_{mode}")
    draw_weights(model)
    model.quantize(mode)
    return model


def lora_on_int8(rank: int = 2) -> keras.Model:
    """LoRA adapters on top of an int8 perceptron, as fine-tuning of a quantised network has it."""
    model = _perceptron("lora_on_int8")
    draw_weights(model)
    model.quantize("int8")
    model.get_layer("dense1").enable_lora(rank)
    return model


def mixed_by_layer(policy: str = "mixed_bfloat16") -> keras.Model:
    """A convolutional network whose body has a mixed policy and whose last layer is float32."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, activation="relu", dtype=policy, name="conv1")(image)
    x = layers.BatchNormalization(dtype=policy, name="bn")(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", dtype=policy, name="conv2")(x)
    x = layers.GlobalAveragePooling2D(dtype=policy, name="pool")(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", dtype="float32", name="classes")(x), name="mixed")


def mixed_lstm(policy: str = "mixed_float16") -> keras.Model:
    """An LSTM with a mixed policy before a float32 output."""
    series = keras.Input((8, 4), name="series")
    x = layers.LSTM(8, dtype=policy, name="lstm")(series)
    return keras.Model(series, layers.Dense(1, dtype="float32", name="output")(x), name="mixed_lstm")


def mixed_transformer(policy: str = "mixed_bfloat16") -> keras.Model:
    """An attention layer under a mixed policy between float32 ones."""
    x = series = keras.Input((8, 8), name="series")
    y = layers.MultiHeadAttention(2, 4, dtype=policy, name="attention")(x, x)
    x = layers.LayerNormalization(dtype="float32", name="norm")(layers.Add(dtype="float32", name="add")([x, y]))
    x = layers.Dense(12, activation="gelu", dtype=policy, name="dense")(x)
    return keras.Model(series, layers.Dense(2, dtype="float32", name="output")(x), name="mixed_transformer")
