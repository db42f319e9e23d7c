"""Networks for images and videos, in the style of the Keras examples.

They are built in the backends' processes only: importing this module imports keras.
"""

import keras
from keras import layers, ops

register = keras.saving.register_keras_serializable("real_models")


def digits_cnn() -> keras.Model:
    """The small convolutional network of the MNIST example."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits_cnn",
    )


def _residual_block(x, filters: int, strides: int, name: str):
    shortcut = x
    if strides > 1 or x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=strides, use_bias=False, name=f"{name}_shortcut")(x)
        shortcut = layers.BatchNormalization(name=f"{name}_shortcut_bn")(shortcut)
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, name=f"{name}_conv1")(x)
    x = layers.BatchNormalization(name=f"{name}_bn1")(x)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv2")(x)
    x = layers.BatchNormalization(name=f"{name}_bn2")(x)
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, shortcut]))


def cifar_resnet(blocks: int = 1) -> keras.Model:
    """A residual network of three stages for 32×32 images."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(image)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    for stage, filters in enumerate((8, 16, 32), start=1):
        for block in range(blocks):
            strides = 2 if stage > 1 and block == 0 else 1
            x = _residual_block(x, filters, strides, f"stage{stage}_block{block + 1}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="cifar_resnet")


def batchnorm_on_8x8(width: int = 8) -> keras.Model:
    """A convolution, a BatchNormalization, and a Dense layer on the flattened maps of 8×8 images."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(width, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, name="logits"),
        ],
        name="batchnorm_on_8x8",
    )


def batchnorm_heavy() -> keras.Model:
    """Six BatchNormalizations in a row of 1×1 and 3×3 convolutions on 8×8 images."""
    x = image = keras.Input((8, 8, 3), name="image")
    for i in range(6):
        x = layers.Conv2D(6 + 2 * i, 1 if i % 2 else 3, padding="same", name=f"conv{i + 1}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"bn{i + 1}")(x)
        x = layers.Activation("relu", name=f"relu{i + 1}")(x)
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(4, activation="softmax", name="classes")(x), name="batchnorm_heavy")


def unet() -> keras.Model:
    """A U-Net with two levels, transposed convolutions and skip connections."""
    image = keras.Input((32, 32, 3), name="image")
    skips, x = [], image
    for level, filters in enumerate((8, 16), start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"down{level}_conv1")(x)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"down{level}_conv2")(x)
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="bottom")(x)
    for level, filters in ((2, 16), (1, 8)):
        x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same", name=f"up{level}_transpose")(x)
        x = layers.Concatenate(name=f"up{level}_join")([x, skips[level - 1]])
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"up{level}_conv")(x)
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(x), name="unet")


def xception_unet() -> keras.Model:
    """The segmentation network of the Oxford pets example: separable convolutions and upsampled residuals."""
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same")(image)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    previous = x
    for filters in (12, 16):
        for _ in range(2):
            x = layers.Activation("relu")(x)
            x = layers.SeparableConv2D(filters, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        previous = layers.Conv2D(filters, 1, strides=2, padding="same")(previous)
        x = previous = layers.add([x, previous])
    for filters in (16, 12, 8):
        for _ in range(2):
            x = layers.Activation("relu")(x)
            x = layers.Conv2DTranspose(filters, 3, padding="same")(x)
            x = layers.BatchNormalization()(x)
        x = layers.UpSampling2D(2)(x)
        previous = layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(previous))
        x = previous = layers.add([x, previous])
    return keras.Model(image, layers.Conv2D(3, 3, padding="same")(x), name="xception_unet")


@register
class Patches(layers.Layer):
    """Cuts images into square patches of `size` pixels: `(batch, patches, size * size * channels)`."""

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, images):
        """Return the patches."""
        patches = ops.image.extract_patches(images, size=self.size)
        return ops.reshape(patches, (-1, patches.shape[1] * patches.shape[2], patches.shape[3]))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "size": self.size}


@register
class PatchEncoder(layers.Layer):
    """Projects patches and adds a learned embedding of each one's position."""

    def __init__(self, patches: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.patches, self.width = patches, width
        self.projection = layers.Dense(width)
        self.position = layers.Embedding(patches, width)

    def call(self, patches):
        """Return the encoded patches."""
        positions = ops.expand_dims(ops.arange(0, self.patches), axis=0)
        return self.projection(patches) + self.position(positions)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "patches": self.patches, "width": self.width}


def vision_transformer() -> keras.Model:
    """A ViT over 16 patches with two pre-normalised blocks."""
    image = keras.Input((16, 16, 3), name="image")
    x = PatchEncoder(16, 16, name="encoder")(Patches(4, name="patches")(image))
    for block in ("block1", "block2"):
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{block}_norm1")(x)
        y = layers.MultiHeadAttention(2, 8, dropout=0.1, name=f"{block}_attention")(y, y)
        x = layers.Add(name=f"{block}_add1")([x, y])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{block}_norm2")(x)
        y = layers.Dense(32, activation="gelu", name=f"{block}_mlp1")(y)
        y = layers.Dense(16, name=f"{block}_mlp2")(layers.Dropout(0.1, name=f"{block}_dropout")(y))
        x = layers.Add(name=f"{block}_add2")([x, y])
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="vision_transformer")


def compact_convolutional_transformer() -> keras.Model:
    """A convolutional tokeniser, transformer blocks with stochastic depth, and sequence pooling."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.ZeroPadding2D(1)(image)
    x = layers.Conv2D(16, 3, use_bias=False, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.Reshape((-1, 16))(x)
    for rate in (0.0, 0.1):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        y = layers.MultiHeadAttention(2, 8)(y, y)
        x = layers.Add()([StochasticDepth(rate)(y), x])
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        y = layers.Dense(16, activation=keras.activations.gelu)(y)
        x = layers.Add()([StochasticDepth(rate)(y), x])
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(x))
    pooled = layers.Flatten()(layers.Dot(axes=1)([weights, x]))
    return keras.Model(image, layers.Dense(10)(pooled), name="compact_convolutional_transformer")


@register
class StochasticDepth(layers.Layer):
    """Drops a whole residual branch of an example with probability `rate`."""

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.generator = keras.random.SeedGenerator(1337)

    def call(self, x, training=False):
        """Return the branch, or zeros."""
        if not training or not self.rate:
            return x
        keep = 1 - self.rate
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        return x / keep * ops.floor(keep + keras.random.uniform(shape, seed=self.generator))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "rate": self.rate}


@register
class MixerBlock(layers.Layer):
    """Mixes along the patches, then along the channels, of `(batch, patches, width)`."""

    def __init__(self, patches: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.patches, self.width = patches, width
        self.tokens = keras.Sequential([layers.Dense(patches, activation="gelu"), layers.Dense(patches)])
        self.channels = keras.Sequential([layers.Dense(width, activation="gelu"), layers.Dense(width)])
        self.norm = layers.LayerNormalization(epsilon=1e-6)

    def call(self, x):
        """Return what is mixed."""
        mixed = ops.transpose(self.tokens(ops.transpose(self.norm(x), (0, 2, 1))), (0, 2, 1))
        x = x + mixed
        return x + self.channels(self.norm(x))  # the same normalisation twice, as in the example

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "patches": self.patches, "width": self.width}


def mlp_mixer() -> keras.Model:
    """An MLP-Mixer over 16 patches."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Dense(12, name="project")(Patches(4, name="patches")(image))
    for block in ("block1", "block2"):
        x = MixerBlock(16, 12, name=block)(x)
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(layers.Dropout(0.2)(x)), name="mlp_mixer")


def gmlp() -> keras.Model:
    """A gated MLP: a spatial gating unit along the patches."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Dense(12, name="project")(Patches(4, name="patches")(image))
    for i in ("1", "2"):
        y = layers.Dense(24, activation="gelu", name=f"expand{i}")(layers.LayerNormalization(name=f"norm{i}")(x))
        u, v = ops.split(y, 2, axis=-1)
        v = layers.LayerNormalization(name=f"gate_norm{i}")(v)
        v = layers.Permute((2, 1))(v)
        v = layers.Permute((2, 1))(layers.Dense(16, bias_initializer="ones", name=f"spatial{i}")(v))
        x = layers.Add(name=f"add{i}")([x, layers.Dense(12, name=f"contract{i}")(u * v)])
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="gmlp")


def conv_mixer() -> keras.Model:
    """A ConvMixer: depthwise convolutions with residuals, then pointwise ones, with GELU and BatchNormalization."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(12, 2, strides=2)(layers.Rescaling(1 / 255)(image))
    x = layers.BatchNormalization()(layers.Activation("gelu")(x))
    for _ in range(2):
        y = layers.DepthwiseConv2D(5, padding="same")(x)
        y = layers.BatchNormalization()(layers.Activation("gelu")(y))
        x = layers.Conv2D(12, 1)(layers.Add()([y, x]))
        x = layers.BatchNormalization()(layers.Activation("gelu")(x))
    x = layers.GlobalAvgPool2D()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x), name="conv_mixer")


@register
class LayerScale(layers.Layer):
    """Multiplies each channel by a learned number that begins small."""

    def __init__(self, initial: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, shape):
        """Create the scale."""
        self.gamma = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(self.initial), name="gamma"
        )

    def call(self, x):
        """Return the scaled channels."""
        return x * self.gamma

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "initial": self.initial}


def convnext_blocks() -> keras.Model:
    """Two ConvNeXt blocks: 7×7 depthwise, LayerNormalization, GELU, layer scale and stochastic depth."""
    image = keras.Input((24, 24, 3), name="image")
    x = layers.Conv2D(12, 4, strides=4, name="patchify")(image)
    x = layers.LayerNormalization(epsilon=1e-6, name="stem_norm")(x)
    for block in ("block1", "block2"):
        y = layers.DepthwiseConv2D(7, padding="same", name=f"{block}_depthwise")(x)
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{block}_norm")(y)
        y = layers.Dense(48, activation="gelu", name=f"{block}_expand")(y)
        y = LayerScale(0.1, name=f"{block}_scale")(layers.Dense(12, name=f"{block}_contract")(y))
        x = layers.Add(name=f"{block}_add")([x, StochasticDepth(0.1, name=f"{block}_depth")(y)])
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="convnext_blocks")


def squeeze_and_excite() -> keras.Model:
    """Convolutions whose channels are gated by a squeeze-and-excitation block."""
    x = image = keras.Input((16, 16, 3), name="image")
    for i, filters in enumerate((8, 12), start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="swish", name=f"conv{i}")(x)
        gate = layers.GlobalAveragePooling2D(keepdims=True, name=f"squeeze{i}")(x)
        gate = layers.Conv2D(filters // 4, 1, activation="relu", name=f"reduce{i}")(gate)
        gate = layers.Conv2D(filters, 1, activation="hard_sigmoid", name=f"excite{i}")(gate)
        x = layers.AveragePooling2D(2, name=f"pool{i}")(layers.Multiply(name=f"gate{i}")([x, gate]))
    return keras.Model(image, layers.Dense(5, name="logits")(layers.Flatten()(x)), name="squeeze_and_excite")


def cbam() -> keras.Model:
    """A convolutional block attention module: channel attention by a shared MLP, then spatial attention."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(12, 3, padding="same", activation="relu", name="conv")(image)
    shared = keras.Sequential([layers.Dense(3, activation="relu"), layers.Dense(12)], name="shared")
    average = shared(layers.GlobalAveragePooling2D(keepdims=True, name="average")(x))
    largest = shared(layers.GlobalMaxPooling2D(keepdims=True, name="largest")(x))
    x = x * ops.sigmoid(average + largest)
    maps = ops.concatenate([ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)], axis=-1)
    x = x * layers.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False, name="spatial")(maps)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(5, activation="softmax", name="classes")(x), name="cbam")


def siamese() -> keras.Model:
    """Two images, one embedding network, and the distance between them with a contrastive head."""
    tower_input = keras.Input((16, 16, 1), name="picture")
    x = layers.BatchNormalization(name="norm")(tower_input)
    x = layers.Conv2D(4, 5, activation="tanh", name="conv1")(x)
    x = layers.AveragePooling2D(2, name="pool1")(x)
    x = layers.Conv2D(8, 3, activation="tanh", name="conv2")(x)
    x = layers.Dense(10, activation="tanh", name="embed")(layers.Flatten(name="flatten")(x))
    tower = keras.Model(tower_input, x, name="tower")
    left, right = keras.Input((16, 16, 1), name="left"), keras.Input((16, 16, 1), name="right")
    difference = ops.sum(ops.square(tower(left) - tower(right)), axis=1, keepdims=True)
    distance = ops.sqrt(ops.maximum(difference, keras.config.epsilon()))
    output = layers.Dense(1, activation="sigmoid", name="same")(layers.BatchNormalization(name="distance")(distance))
    return keras.Model([left, right], output, name="siamese")


@keras.saving.register_keras_serializable("real_models")
class TripletModel(keras.Model):
    """Learns an embedding from anchor, positive and negative images by a train_step of its own."""

    def __init__(self, width: int = 8, margin: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.width, self.margin = width, margin
        self.embedding = keras.Sequential(
            [
                layers.Conv2D(6, 3, strides=2, activation="relu"),
                layers.Flatten(),
                layers.Dense(width),
                layers.UnitNormalization(),
            ]
        )
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def call(self, inputs):
        """Return the squared distances from the anchor to the positive and to the negative."""
        anchor, positive, negative = (self.embedding(image) for image in inputs)
        near = ops.sum(ops.square(anchor - positive), -1)
        far = ops.sum(ops.square(anchor - negative), -1)
        return near, far

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the triplet loss, which needs no targets."""
        near, far = y_pred
        return ops.mean(ops.maximum(near - far + self.margin, 0.0))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "width": self.width, "margin": self.margin}


def triplet_network() -> keras.Model:
    """A compiled metric-learning network whose loss is `compute_loss`."""
    model = TripletModel(name="triplet_network")
    model([ops.zeros((1, 12, 12, 1))] * 3)
    model.compile(optimizer=keras.optimizers.SGD(0.05))
    return model


def super_resolution(factor: int = 2) -> keras.Model:
    """A sub-pixel network: its last channels become pixels."""
    image = keras.Input((None, None, 1), name="image")
    x = layers.Conv2D(8, 5, padding="same", activation="relu", kernel_initializer="orthogonal")(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", kernel_initializer="orthogonal")(x)
    x = layers.Conv2D(factor * factor, 3, padding="same", kernel_initializer="orthogonal")(x)
    return keras.Model(image, DepthToSpace(factor, name="pixels")(x), name="super_resolution")


@register
class DepthToSpace(layers.Layer):
    """Turns `(batch, h, w, factor² c)` into `(batch, factor h, factor w, c)`."""

    def __init__(self, factor: int, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        """Return the pixels in their places."""
        batch, height, width, channels = ops.shape(x)
        depth = channels // self.factor**2
        x = ops.reshape(x, (batch, height, width, self.factor, self.factor, depth))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch, height * self.factor, width * self.factor, depth))

    def compute_output_shape(self, shape):
        """Return the output's shape, unknown where the input's is."""
        grow = [None if size is None else size * self.factor for size in shape[1:3]]
        return (shape[0], *grow, shape[3] // self.factor**2)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "factor": self.factor}


def dilated_segmentation() -> keras.Model:
    """A DeepLab-like network: dilated convolutions at several rates, joined with an image-wide branch."""
    image = keras.Input((24, 24, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.ReLU()(layers.BatchNormalization(name="stem_bn")(x))
    wide = layers.AveragePooling2D(12, name="wide_pool")(x)
    wide = layers.UpSampling2D(12, interpolation="bilinear", name="wide_up")(layers.Conv2D(6, 1, name="wide")(wide))
    branches = [wide, layers.Conv2D(6, 1, name="rate1")(x)]
    for rate in (2, 3, 5):
        branches.append(layers.Conv2D(6, 3, dilation_rate=rate, padding="same", name=f"rate{rate}")(x))
    x = layers.Conv2D(8, 1, activation="relu", name="project")(layers.Concatenate(name="join")(branches))
    x = layers.UpSampling2D(2, interpolation="bilinear", name="up")(x)
    return keras.Model(image, layers.Conv2D(4, 1, name="logits")(x), name="dilated_segmentation")


def video_3d() -> keras.Model:
    """Three-dimensional convolutions over the slices of a scan."""
    scan = keras.Input((12, 12, 8, 1), name="scan")
    x = scan
    for i, filters in enumerate((4, 8), start=1):
        x = layers.Conv3D(filters, 3, padding="same", activation="relu", name=f"conv{i}")(x)
        x = layers.MaxPooling3D(2, name=f"pool{i}")(x)
        x = layers.BatchNormalization(name=f"bn{i}")(x)
    x = layers.GlobalAveragePooling3D(name="average")(x)
    x = layers.Dropout(0.3)(layers.Dense(8, activation="relu", name="hidden")(x))
    return keras.Model(scan, layers.Dense(1, activation="sigmoid", name="viral")(x), name="video_3d")


def factored_video() -> keras.Model:
    """(2+1)D convolutions: space, then time, with LayerNormalization."""
    video = keras.Input((6, 12, 12, 3), name="video")
    x = layers.Conv3D(6, (1, 5, 5), strides=(1, 2, 2), padding="same", name="space")(video)
    x = layers.Conv3D(6, (3, 1, 1), padding="same", name="time")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="bn")(x))
    y = layers.Conv3D(6, (1, 3, 3), padding="same", name="block_space")(x)
    y = layers.Conv3D(6, (3, 1, 1), padding="same", name="block_time")(y)
    y = layers.LayerNormalization(name="block_norm")(y)
    x = layers.add([x, y])
    return keras.Model(video, layers.Dense(4, name="logits")(layers.GlobalAveragePooling3D()(x)), name="factored_video")


def next_frame() -> keras.Model:
    """Convolutional LSTMs that predict the next frame of a film."""
    film = keras.Input((4, 10, 10, 1), name="film")
    x = layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True, activation="relu", name="lstm1")(film)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.ConvLSTM2D(4, 1, padding="same", return_sequences=True, activation="relu", name="lstm2")(x)
    x = layers.Conv3D(1, 3, activation="sigmoid", padding="same", name="frames")(x)
    return keras.Model(film, x, name="next_frame")


def cnn_lstm() -> keras.Model:
    """A convolutional network at each frame of a film, then a GRU over the frames."""
    frame = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(8),
        ],
        name="frame",
    )
    film = keras.Input((5, 12, 12, 3), name="film")
    x = layers.TimeDistributed(frame, name="frames")(film)
    x = layers.GRU(8, return_sequences=True, name="gru1")(x)
    x = layers.GRU(4, name="gru2")(x)
    return keras.Model(film, layers.Dense(3, activation="softmax", name="classes")(x), name="cnn_lstm")


def detector() -> keras.Model:
    """A one-stage detector: a feature pyramid of two levels with class and box heads, a dictionary of outputs."""
    image = keras.Input((32, 32, 3), name="image")
    c3 = layers.Conv2D(8, 3, strides=4, padding="same", activation="relu", name="c3")(image)
    c4 = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="c4")(c3)
    p4 = layers.Conv2D(8, 1, name="lateral4")(c4)
    p3 = layers.Conv2D(8, 1, name="lateral3")(c3) + layers.UpSampling2D(2, name="up")(p4)
    outputs = {}
    for name, size in (("classes", 3), ("boxes", 4)):
        hidden = layers.Conv2D(8, 3, padding="same", activation="relu", name=f"{name}_hidden")
        head = layers.Conv2D(2 * size, 3, padding="same", name=f"{name}_head")  # both shared by the levels
        flat = [layers.Reshape((-1, size))(head(hidden(level))) for level in (p3, p4)]
        outputs[name] = layers.Concatenate(axis=1, name=name)(flat)
    return keras.Model(image, outputs, name="detector")


def keypoints() -> keras.Model:
    """Key points of an animal: separable convolutions whose output is one vector of coordinates."""
    image = keras.Input((24, 24, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(image)
    x = layers.SeparableConv2D(12, 5, strides=2, activation="relu")(layers.Dropout(0.3)(x))
    x = layers.SeparableConv2D(8, 3, activation="sigmoid")(x)
    return keras.Model(image, layers.Reshape((1, 1, 18))(layers.Conv2D(18, 2)(x)), name="keypoints")


def ocr_with_ctc(characters: int = 12) -> keras.Model:
    """Reads a captcha: convolutions, two bidirectional LSTMs, a softmax that has one class for the CTC blank."""
    image = keras.Input((40, 16, 1), name="image")
    x = layers.Conv2D(8, 3, activation="relu", padding="same", kernel_initializer="he_normal", name="conv1")(image)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(8, 3, activation="relu", padding="same", kernel_initializer="he_normal", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Reshape((10, 32), name="columns")(x)
    x = layers.Dense(16, activation="relu", name="dense1")(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True), name="lstm1")(x)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True), name="lstm2")(x)
    return keras.Model(image, layers.Dense(characters + 1, name="logits")(x), name="ocr_with_ctc")


def augmented_cnn() -> keras.Model:
    """A classifier with random augmentations in front, as the examples put them into the model."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ],
        name="augmented_cnn",
    )


@register
class Involution(layers.Layer):
    """A convolution whose kernels are computed from each pixel and shared by all channels."""

    def __init__(self, kernel_size: int = 3, reduction: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size, self.reduction = kernel_size, reduction

    def build(self, shape):
        """Create the layers that compute the kernels."""
        _, self.height, self.width, self.channels = shape
        self.generate = keras.Sequential(
            [
                layers.Conv2D(self.channels // self.reduction, 1),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Conv2D(self.kernel_size**2, 1),
            ]
        )
        self.generate.build(shape)

    def call(self, x):
        """Return the weighted sums over each pixel's neighbours."""
        size = self.kernel_size**2
        kernel = ops.reshape(self.generate(x), (-1, self.height, self.width, size, 1))
        patches = ops.image.extract_patches(x, size=self.kernel_size, strides=1, padding="same")
        patches = ops.reshape(patches, (-1, self.height, self.width, size, self.channels))
        return ops.sum(kernel * patches, axis=3)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "kernel_size": self.kernel_size, "reduction": self.reduction}


def involution_net() -> keras.Model:
    """Two involutions with poolings."""
    image = keras.Input((16, 16, 4), name="image")
    x = layers.MaxPooling2D(2)(layers.ReLU()(Involution(name="involution1")(image)))
    x = layers.ReLU()(Involution(name="involution2")(x))
    return keras.Model(image, layers.Dense(6)(layers.Flatten()(x)), name="involution_net")


def point_net(points: int = 16) -> keras.Model:
    """A PointNet: a learned 3×3 transform of the points, kept near orthogonal by a regulariser."""
    cloud = keras.Input((points, 3), name="cloud")
    x = _point_dense(layers.Conv1D(8, 1, name="transform_conv")(cloud), "transform_bn")
    x = layers.GlobalMaxPooling1D(name="transform_pool")(x)
    matrix = layers.Dense(
        9,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant([1.0, 0, 0, 0, 1, 0, 0, 0, 1]),
        activity_regularizer=OrthogonalRegularizer(3),
        name="transform",
    )(x)
    x = layers.Dot(axes=(2, 1), name="transformed")([cloud, layers.Reshape((3, 3))(matrix)])
    x = _point_dense(layers.Conv1D(12, 1, name="conv")(x), "bn")
    x = layers.GlobalMaxPooling1D(name="pool")(x)
    x = layers.Dropout(0.3)(layers.Dense(8, activation="relu", name="hidden")(x))
    return keras.Model(cloud, layers.Dense(4, activation="softmax", name="classes")(x), name="point_net")


def _point_dense(x, name: str):
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.0, name=name)(x))


@register
class OrthogonalRegularizer(keras.regularizers.Regularizer):
    """Penalises a matrix whose rows are not orthonormal."""

    def __init__(self, size: int, strength: float = 0.001):
        self.size, self.strength = size, strength

    def __call__(self, x):
        """Return the penalty."""
        x = ops.reshape(x, (-1, self.size, self.size))
        product = ops.matmul(x, ops.transpose(x, (0, 2, 1)))
        return ops.sum(self.strength * ops.square(product - ops.eye(self.size, dtype=product.dtype)))

    def get_config(self):
        """Return the configuration."""
        return {"size": self.size, "strength": self.strength}


def radiance_field() -> keras.Model:
    """A NeRF: positions encoded as sines and cosines, a skip connection, colours and densities."""
    rays = keras.Input((10, 3), name="rays")
    encoded = [rays]
    for i in range(4):
        encoded += [ops.sin(2.0**i * rays), ops.cos(2.0**i * rays)]
    encoded = x = layers.Concatenate(name="encoded")(encoded)
    for i in range(4):
        x = layers.Dense(16, activation="relu", name=f"dense{i + 1}")(x)
        if i == 2:
            x = layers.concatenate([x, encoded], axis=-1)
    return keras.Model(rays, layers.Dense(4, name="colour_and_density")(x), name="radiance_field")


def window_attention() -> keras.Model:
    """A Swin-like block: attention in windows, which the second time are shifted by rolling the image."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Dense(8, name="embed")(image)
    for name, shift in (("block1", 0), ("block2", 2)):
        y = layers.LayerNormalization(name=f"{name}_norm1")(x)
        y = ops.roll(y, (-shift, -shift), axis=(1, 2)) if shift else y
        windows = ops.reshape(y, (-1, 2, 4, 2, 4, 8))
        windows = ops.reshape(ops.transpose(windows, (0, 1, 3, 2, 4, 5)), (-1, 16, 8))
        windows = layers.MultiHeadAttention(2, 4, name=f"{name}_attention")(windows, windows)
        y = ops.transpose(ops.reshape(windows, (-1, 2, 2, 4, 4, 8)), (0, 1, 3, 2, 4, 5))
        y = ops.reshape(y, (-1, 8, 8, 8))
        y = ops.roll(y, (shift, shift), axis=(1, 2)) if shift else y
        x = x + y
        y = layers.LayerNormalization(name=f"{name}_norm2")(x)
        x = x + layers.Dense(8, name=f"{name}_mlp2")(layers.Dense(16, activation="gelu", name=f"{name}_mlp1")(y))
    return keras.Model(
        image, layers.Dense(5, name="logits")(layers.GlobalAveragePooling2D()(x)), name="window_attention"
    )


def grouped_convolutions() -> keras.Model:
    """Grouped convolutions with GroupNormalization and parametric ReLUs."""
    image = keras.Input((14, 14, 4), name="image")
    x = layers.Conv2D(8, 3, groups=2, padding="same", name="grouped1")(image)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu1")(layers.GroupNormalization(4, name="norm1")(x))
    x = layers.Conv2D(12, 3, strides=2, groups=4, name="grouped2")(x)
    x = layers.ELU(name="elu")(layers.GroupNormalization(-1, name="instance_norm")(x))
    x = layers.SpatialDropout2D(0.2, name="dropout")(x)
    return keras.Model(
        image, layers.Dense(6, name="logits")(layers.GlobalAveragePooling2D()(x)), name="grouped_convolutions"
    )


def spatial_transformer() -> keras.Model:
    """A network that turns its image by a learned angle, sampled bilinearly from a grid."""
    image = keras.Input((10, 10, 1), name="image")
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="locate")(image)
    angle = layers.Dense(1, activation="tanh", name="angle")(layers.Flatten()(x))
    turned = Turn(name="turn")([image, angle])
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(turned)
    return keras.Model(
        image, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D()(x)), name="spatial_transformer"
    )


@register
class Turn(layers.Layer):
    """Turns `(batch, h, w, 1)` images by one angle each, by bilinear interpolation, with zeros beyond the border."""

    def call(self, inputs):
        """Return the turned images."""
        image, angle = inputs
        height, width = image.shape[1:3]
        rows = ops.cast(ops.arange(height), angle.dtype) - (height - 1) / 2
        columns = ops.cast(ops.arange(width), angle.dtype) - (width - 1) / 2
        rows, columns = ops.meshgrid(rows, columns, indexing="ij")
        rows, columns = ops.reshape(rows, (1, -1)), ops.reshape(columns, (1, -1))
        row = ops.cos(angle) * rows - ops.sin(angle) * columns + (height - 1) / 2
        column = ops.sin(angle) * rows + ops.cos(angle) * columns + (width - 1) / 2
        flat = ops.reshape(image, (-1, height * width))
        total = 0.0
        for down in (0, 1):
            for right in (0, 1):
                r, c = ops.floor(row) + down, ops.floor(column) + right
                weight = (1 - ops.abs(row - r)) * (1 - ops.abs(column - c))
                inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
                index = ops.cast(ops.clip(r, 0, height - 1) * width + ops.clip(c, 0, width - 1), "int32")
                value = ops.take_along_axis(flat, index, axis=1)
                total = total + ops.where(inside, weight * value, 0.0)
        return ops.reshape(total, (-1, height, width, 1))

    def compute_output_shape(self, shapes):
        """Return the image's shape."""
        return shapes[0]


def pixel_classes(classes: int = 3) -> keras.Model:
    """A small U-Net that ends in a softmax over the classes of each pixel, as the segmentation examples have it."""
    image = keras.Input((16, 16, 3), name="image")
    x = skip = layers.Conv2D(6, 3, padding="same", activation="relu", name="down")(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="bottom")(layers.MaxPooling2D(2, name="pool")(x))
    x = layers.Concatenate(name="join")([layers.UpSampling2D(2, name="up")(x), skip])
    return keras.Model(image, layers.Conv2D(classes, 1, activation="softmax", name="classes")(x), name="pixel_classes")
