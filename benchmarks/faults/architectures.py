"""Small but real architectures, a builder each; every layer has a name, which a verdict then prints.

Twenty are here; `users_models.py` holds those with training of their own, state, narrow dtypes, loops and choices. They
are built in the backends' processes only: importing this module imports keras. `cases.py` says how each is trained.
"""

import keras
from keras import layers, ops

from benchmarks.faults.users_models import (  # noqa: F401  known here as the others are
    conv_norm,
    frozen,
    kinks,
    mixed,
    own_step,
    photos,
    quantised,
    running,
    search,
    tabular,
    variational,
    weighted_heads,
)


def dense_net() -> keras.Model:
    """A multi-layer perceptron; its bias-free stem lets a blank input reach the ReLU as an exact zero."""
    features = keras.Input((12,), name="features")
    x = layers.Dense(16, use_bias=False, name="stem")(features)
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.Dense(16, activation="tanh", name="hidden")(x)
    x = layers.Dropout(0.3, name="dropout")(x)
    x = layers.Dense(12, name="narrow")(x)
    x = layers.LeakyReLU(name="leaky")(x)
    x = layers.Dense(10, name="logits")(x)
    return keras.Model(features, layers.Softmax(name="probabilities")(x), name="dense_net")


def lenet() -> keras.Model:
    """A LeNet whose odd image makes both poolings pad."""
    image = keras.Input((13, 13, 1), name="image")
    x = layers.Conv2D(4, 5, padding="same", activation="tanh", name="c1")(image)  # (13, 13, 4)
    x = layers.AveragePooling2D(2, padding="same", name="s2")(x)  # (7, 7, 4)
    x = layers.Conv2D(6, 3, activation="relu", name="c3")(x)  # (5, 5, 6)
    x = layers.MaxPooling2D(2, padding="same", name="s4")(x)  # (3, 3, 6)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(12, activation="sigmoid", name="f5")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="lenet")


def resnet() -> keras.Model:
    """A strided stem with a max-pool of signed values, a plain and a strided residual block."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False, name="stem")(image)  # (6, 6, 6)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)  # (3, 3, 6)
    for block, filters, strides in (("block1", 6, 1), ("block2", 8, 2)):
        shortcut = x
        if strides > 1:
            shortcut = layers.Conv2D(filters, 1, strides=strides, name=f"{block}_shortcut")(x)
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, name=f"{block}_conv1")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{block}_bn1")(x)
        x = layers.ReLU(name=f"{block}_relu1")(x)
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{block}_conv2")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{block}_bn2")(x)
        x = layers.Add(name=f"{block}_add")([x, shortcut])
        x = layers.ReLU(name=f"{block}_relu2")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="classes")(x), name="resnet")


def mobilenet() -> keras.Model:
    """Depthwise and separable convolutions with ReLU6 and a hard swish."""
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="stem")(image)  # (6, 6, 4)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.ReLU(max_value=6.0, name="stem_relu6")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise")(x)  # (6, 6, 8)
    x = layers.BatchNormalization(name="depthwise_bn")(x)
    x = layers.ReLU(max_value=6.0, name="depthwise_relu6")(x)
    x = layers.Conv2D(6, 1, name="project")(x)
    x = layers.ZeroPadding2D(1, name="pad")(x)  # (8, 8, 6)
    x = layers.SeparableConv2D(8, 3, strides=2, name="separable")(x)  # (3, 3, 8)
    x = layers.Activation("hard_silu", name="hard_swish")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="classes")(x), name="mobilenet")


def unet() -> keras.Model:
    """Two levels down and up, with skips, a transposed convolution and a bilinear upsampling."""
    image = keras.Input((8, 8, 2), name="image")
    level1 = layers.Conv2D(4, 3, padding="same", activation="relu", name="down1")(image)
    x = layers.MaxPooling2D(2, name="pool1")(level1)  # (4, 4, 4)
    level2 = layers.Conv2D(6, 3, padding="same", dilation_rate=2, activation="relu", name="down2")(x)
    x = layers.AveragePooling2D(2, name="pool2")(level2)  # (2, 2, 6)
    x = layers.Conv2D(6, 3, padding="same", activation="elu", name="bottom")(x)
    x = layers.Conv2DTranspose(5, 3, strides=2, padding="same", name="up2")(x)  # (4, 4, 5)
    x = layers.Concatenate(name="skip2")([x, level2])
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="join2")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="up1")(x)  # (8, 8, 4)
    x = layers.Concatenate(name="skip1")([x, level1])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x), name="unet")


def lstm() -> keras.Model:
    """Two stacked LSTMs over a series."""
    series = keras.Input((7, 5), name="series")
    x = layers.LSTM(6, return_sequences=True, name="lstm1")(series)
    x = layers.LSTM(4, name="lstm2")(x)
    return keras.Model(series, layers.Dense(3, name="forecast")(x), name="lstm")


def gru() -> keras.Model:
    """Two GRUs, one of each kind of reset, over tokens of which 0 is masked."""
    tokens = keras.Input((8,), dtype="int32", name="tokens")
    x = layers.Embedding(20, 6, mask_zero=True, name="embedding")(tokens)
    x = layers.GRU(6, return_sequences=True, name="gru1")(x)
    x = layers.GRU(5, reset_after=False, name="gru2")(x)
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid", name="score")(x), name="gru")


def bidirectional() -> keras.Model:
    """A bidirectional LSTM that keeps the series, and a bidirectional GRU whose directions are summed."""
    series = keras.Input((6, 4), name="series")
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="bi_lstm")(series)
    x = layers.Bidirectional(layers.GRU(3), merge_mode="sum", name="bi_gru")(x)
    return keras.Model(series, layers.Dense(2, name="output")(x), name="bidirectional")


@keras.saving.register_keras_serializable(package="benchmarks")
class PositionEmbedding(layers.Layer):
    """Adds a learned vector for each position to `(batch, length, width)`."""

    def build(self, input_shape):
        """Create the table."""
        self.table = self.add_weight(shape=tuple(input_shape[1:]), initializer="random_normal", name="table")

    def call(self, inputs):
        """Return the inputs with their positions added."""
        return inputs + self.table


def transformer() -> keras.Model:
    """A transformer block with post-normalisation over embedded tokens."""
    tokens = keras.Input((8,), dtype="int32", name="tokens")
    x = layers.Embedding(30, 12, name="embedding")(tokens)
    x = PositionEmbedding(name="positions")(x)
    y = layers.MultiHeadAttention(2, key_dim=6, name="attention")(x, x)
    y = layers.Dropout(0.2, name="dropout")(y)
    x = layers.LayerNormalization(name="norm1")(layers.Add(name="add1")([x, y]))
    y = layers.Dense(24, activation="gelu", name="expand")(x)
    y = layers.Dense(12, name="contract")(y)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm2")(layers.Add(name="add2")([x, y]))
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(tokens, layers.Dense(5, name="logits")(x), name="transformer")


def text_cnn() -> keras.Model:
    """Causal, dilated and strided 1-D convolutions over embedded tokens, pooled in two ways."""
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = layers.Embedding(40, 6, name="embedding")(tokens)
    x = layers.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu", name="causal")(x)
    x = layers.Conv1D(6, 3, strides=2, padding="same", name="strided")(x)  # (6, 6)
    x = layers.Concatenate(name="pooled")(
        [layers.GlobalMaxPooling1D(name="maximum")(x), layers.GlobalAveragePooling1D(name="mean")(x)]
    )
    x = layers.Dense(8, activation="softplus", name="hidden")(x)
    return keras.Model(tokens, layers.Dense(4, activation="sigmoid", name="labels")(x), name="text_cnn")


def autoencoder() -> keras.Model:
    """An encoder and a decoder, each a model of its own."""
    data = keras.Input((20,), name="data")
    x = layers.Dense(12, activation="elu", name="squeeze")(data)
    encoder = keras.Model(data, layers.Dense(4, name="code")(x), name="encoder")
    code = keras.Input((4,), name="code_input")
    x = layers.Dense(12, activation="selu", name="grow")(code)
    x = layers.BatchNormalization(name="grow_bn")(x)
    decoder = keras.Model(code, layers.Dense(20, activation="tanh", name="restore")(x), name="decoder")
    image = keras.Input((20,), name="image")
    return keras.Model(image, decoder(encoder(image)), name="autoencoder")


def two_headed() -> keras.Model:
    """A dictionary of an image and numbers in, a dictionary of classes and a value out."""
    image = keras.Input((8, 8, 1), name="image")
    numbers = keras.Input((5,), name="numbers")
    x = layers.Conv2D(4, 3, activation="relu", name="see")(image)
    x = layers.GlobalMaxPooling2D(name="seen")(x)
    y = layers.Dense(6, activation="softsign", name="read")(numbers)
    x = layers.Concatenate(name="both")([x, y])
    outputs = {
        "label": layers.Dense(4, activation="softmax", name="label")(x),
        "value": layers.Dense(1, name="value")(x),
    }
    return keras.Model({"image": image, "numbers": numbers}, outputs, name="two_headed")


@keras.saving.register_keras_serializable(package="benchmarks")
class Mixer(keras.Model):
    """A subclassed model: it mixes along the positions, then along the features."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.LayerNormalization(name="norm")
        self.positions = layers.Dense(6, activation="gelu", name="positions")
        self.features = layers.Dense(8, activation="relu", name="features")
        self.readout = layers.Dense(3, name="readout")

    def build(self, input_shape):
        """Build the layers for inputs `(batch, 6, 8)`."""
        batch, positions, features = input_shape
        self.norm.build(input_shape)
        self.positions.build((batch, features, positions))
        self.features.build(input_shape)
        self.readout.build((batch, features))

    def call(self, inputs):
        """Return `(batch, 3)`."""
        x = ops.transpose(self.norm(inputs), (0, 2, 1))
        x = inputs + ops.transpose(self.positions(x), (0, 2, 1))
        return self.readout(ops.mean(self.features(x), axis=1))


def subclassed() -> keras.Model:
    """A `Mixer`, built for six positions of eight features."""
    model = Mixer(name="mixer")
    model.build((None, 6, 8))
    return model


def sequential() -> keras.Model:
    """A Sequential with the layers that draw at random."""
    return keras.Sequential(
        [
            keras.Input((9, 9, 2), name="image"),
            layers.Conv2D(4, 3, strides=2, activation="elu", name="conv1"),  # (4, 4, 4)
            layers.SpatialDropout2D(0.3, name="spatial_dropout"),
            layers.Conv2D(6, 2, padding="same", activation="swish", name="conv2"),
            layers.AveragePooling2D(2, name="pool"),
            layers.Flatten(name="flatten"),
            layers.GaussianNoise(0.1, name="noise"),
            layers.Dense(6, name="logits"),
        ],
        name="sequential",
    )


def ops_net() -> keras.Model:
    """Bare `keras.ops` functions between two layers: an arg-max, a soft-max, a norm, a sum of integers."""
    x = keras.Input((6,), name="x")
    counts = keras.Input((6,), dtype="int32", name="counts")
    hidden = layers.Dense(6, activation="relu", use_bias=False, name="hidden")(x)
    winner = ops.one_hot(ops.argmax(hidden, axis=-1), 6)
    weights = ops.softmax(hidden, axis=-1)
    unit = ops.divide(hidden, ops.sqrt(ops.add(ops.sum(ops.square(hidden), axis=-1, keepdims=True), 1e-3)))
    total = ops.cast(ops.sum(ops.multiply(counts, 50), axis=-1, keepdims=True), "float32")
    joined = ops.concatenate([ops.multiply(winner, x), weights, unit, ops.log1p(ops.square(total))], axis=-1)
    return keras.Model([x, counts], layers.Dense(3, name="output")(joined), name="ops_net")


def group_norm_net() -> keras.Model:
    """Group, RMS and layer normalisation between convolutions, with SiLU and a learned slope."""
    image = keras.Input((6, 6, 4), name="image")
    x = layers.Conv2D(8, 3, padding="same", name="conv1")(image)
    x = layers.GroupNormalization(4, name="group_norm")(x)
    x = layers.Activation("silu", name="silu")(x)
    x = layers.Conv2D(8, 2, strides=2, padding="same", name="conv2")(x)  # (3, 3, 8)
    x = layers.RMSNormalization(name="rms_norm")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, layers.Dense(3, name="output")(x), name="group_norm_net")


def siamese() -> keras.Model:
    """Two inputs through the same layers, compared."""
    left, right = keras.Input((10,), name="left"), keras.Input((10,), name="right")
    unit = layers.UnitNormalization(name="unit")
    shared = layers.Dense(6, activation="tanh", name="shared")
    a, b = shared(unit(left)), shared(unit(right))
    difference = layers.Subtract(name="difference")([a, b])
    similarity = layers.Dot(axes=1, name="similarity")([a, b])
    x = layers.Concatenate(name="compared")([difference, similarity])
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid", name="same")(x), name="siamese")


def channels_first() -> keras.Model:
    """A convolutional net in the `channels_first` layout."""
    image = keras.Input((3, 10, 10), name="image")
    x = layers.Conv2D(6, 3, padding="same", data_format="channels_first", name="conv1")(image)
    x = layers.BatchNormalization(axis=1, name="bn")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", data_format="channels_first", name="pool1")(x)  # (6, 5, 5)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", data_format="channels_first", name="conv2")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_first", name="pool2")(x)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(x), name="channels_first")


def video() -> keras.Model:
    """3-D convolutions and average pooling; TensorFlow gives every tie of a 3-D maximum the whole gradient."""
    clip = keras.Input((4, 6, 6, 2), name="clip")
    x = layers.Conv3D(4, 3, padding="same", activation="relu", name="conv1")(clip)
    x = layers.AveragePooling3D(2, name="pool1")(x)  # (2, 3, 3, 4)
    x = layers.Conv3D(4, 2, padding="same", name="conv2")(x)
    x = layers.AveragePooling3D((1, 2, 2), padding="same", name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(clip, layers.Dense(2, name="output")(x), name="video")


def time_net() -> keras.Model:
    """A time-distributed layer, a masked simple RNN and an attention over its states."""
    series = keras.Input((6, 5), name="series")
    x = layers.Masking(name="masking")(series)
    x = layers.TimeDistributed(layers.Dense(6, activation="relu", name="each"), name="distributed")(x)
    x = layers.SimpleRNN(5, return_sequences=True, name="rnn")(x)
    x = layers.Attention(use_scale=True, name="attention")([x, x])
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(series, layers.Dense(2, name="output")(x), name="time_net")
