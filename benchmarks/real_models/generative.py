"""Generative networks, in the style of the Keras examples; those with randomness take `noise=0` to be still.

They are built in the backends' processes only: importing this module imports keras.
"""

import keras
import numpy as np
from keras import layers, ops

register = keras.saving.register_keras_serializable("real_models")


@register
class Sampling(layers.Layer):
    """Draws from the normal distribution of a mean and a logarithm of a variance."""

    def __init__(self, noise: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.noise = noise
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        """Return the sample."""
        z_mean, z_log_var = inputs
        batch, width = ops.shape(z_mean)[0], ops.shape(z_mean)[1]
        epsilon = keras.random.normal((batch, width), dtype=z_mean.dtype, seed=self.seed_generator)
        return z_mean + self.noise * ops.exp(0.5 * z_log_var) * epsilon

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "noise": self.noise}


def _encoder(noise: float) -> keras.Model:
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(6, 3, activation="relu", strides=2, padding="same", name="encode_conv")(image)
    x = layers.Dense(8, activation="relu", name="encode_dense")(layers.Flatten(name="encode_flatten")(x))
    z_mean, z_log_var = layers.Dense(2, name="z_mean")(x), layers.Dense(2, name="z_log_var")(x)
    return keras.Model(
        image, [z_mean, z_log_var, Sampling(noise, name="sampling")([z_mean, z_log_var])], name="encoder"
    )


def _decoder() -> keras.Model:
    latent = keras.Input((2,), name="latent")
    x = layers.Dense(4 * 4 * 6, activation="relu", name="decode_dense")(latent)
    x = layers.Reshape((4, 4, 6), name="decode_reshape")(x)
    x = layers.Conv2DTranspose(6, 3, activation="relu", strides=2, padding="same", name="decode_transpose")(x)
    return keras.Model(
        latent,
        layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same", name="decode_image")(x),
        name="decoder",
    )


@register
class TrainedVAE(keras.Model):
    """A variational autoencoder with a `train_step` for each backend and metrics of its own."""

    def __init__(self, noise: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.noise = noise
        self.encoder, self.decoder = _encoder(noise), _decoder()
        self.total_tracker = keras.metrics.Mean(name="loss")
        self.kl_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        """The trackers, which `fit` resets."""
        return [self.total_tracker, self.kl_tracker]

    def call(self, images):
        """Return the decoded images."""
        return self.decoder(self.encoder(images)[2])

    def losses_of(self, images):
        """Return the total loss and the divergence."""
        z_mean, z_log_var, z = self.encoder(images, training=True)
        rebuilt = self.decoder(z, training=True)
        rebuilding = ops.mean(ops.sum(keras.losses.binary_crossentropy(images, rebuilt), axis=(1, 2)))
        kl = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
        kl = ops.mean(ops.sum(kl, axis=1))
        return rebuilding + kl, kl

    def train_step(self, *arguments):
        """Take a step, as each backend asks it to be written."""
        return getattr(self, f"_{keras.backend.backend()}_step")(*arguments)

    def _tensorflow_step(self, data):
        import tensorflow as tf

        images = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            total, kl = self.losses_of(images)
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self._track(total, kl)

    def _torch_step(self, data):
        import torch

        images = data[0] if isinstance(data, tuple) else data
        self.zero_grad()
        total, kl = self.losses_of(images)
        total.backward()
        weights = list(self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply([weight.value.grad for weight in weights], weights)
        return self._track(total, kl)

    def _jax_step(self, state, data):
        import jax

        images = data[0] if isinstance(data, tuple) else data
        trainable, fixed, slots, metrics = state

        def compute(trainable, fixed):
            pairs = zip(self.trainable_variables + self.non_trainable_variables, [*trainable, *fixed], strict=True)
            with keras.StatelessScope(state_mapping=list(pairs)) as scope:
                total, kl = self.losses_of(images)
            return total, (kl, [scope.get_current_value(variable) for variable in self.non_trainable_variables])

        (total, (kl, fixed)), gradients = jax.value_and_grad(compute, has_aux=True)(trainable, fixed)
        trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        with keras.StatelessScope(state_mapping=list(zip(self.metrics_variables, metrics, strict=True))) as scope:
            logs = self._track(total, kl)
        metrics = [scope.get_current_value(variable) for variable in self.metrics_variables]
        return logs, (trainable, fixed, slots, metrics)

    def _track(self, total, kl) -> dict:
        self.total_tracker.update_state(total)
        self.kl_tracker.update_state(kl)
        return {"loss": self.total_tracker.result(), "kl_loss": self.kl_tracker.result()}

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "noise": self.noise}


def vae_with_train_step(noise: float = 1.0) -> keras.Model:
    """A compiled VAE that trains by its own `train_step`."""
    model = TrainedVAE(noise, name="vae_with_train_step")
    model(ops.zeros((1, 8, 8, 1)))
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    return model


@register
class DivergenceLoss(layers.Layer):
    """Adds the divergence from a standard normal distribution to the model's loss."""

    def call(self, inputs):
        """Return the sample unchanged."""
        z_mean, z_log_var, z = inputs
        self.add_loss(-0.5 * ops.mean(1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var)))
        return z


def vae_with_add_loss(noise: float = 1.0) -> keras.Model:
    """A functional VAE that adds its divergence as a loss."""
    image = keras.Input((8, 8, 1), name="image_in")
    z = DivergenceLoss(name="divergence")(_encoder(noise)(image))
    model = keras.Model(image, _decoder()(z), name="vae_with_add_loss")
    model.compile("sgd", loss="binary_crossentropy")
    return model


def gan_generator() -> keras.Model:
    """A DCGAN's generator: transposed convolutions, then a convolution."""
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(4 * 4 * 8),
            layers.Reshape((4, 4, 8)),
            layers.Conv2DTranspose(12, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2DTranspose(16, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(3, 5, padding="same", activation="sigmoid"),
        ],
        name="gan_generator",
    )


def gan_discriminator() -> keras.Model:
    """A DCGAN's discriminator: strided convolutions with leaky ReLUs."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(8, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Conv2D(12, 4, strides=2, padding="same"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="gan_discriminator",
    )


def cycle_generator() -> keras.Model:
    """A CycleGAN's generator: reflected borders, instance normalisation, residual blocks."""
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 7, use_bias=False, name="stem")(ReflectionPadding(3, name="pad")(image))
    x = layers.ReLU()(layers.GroupNormalization(groups=-1, name="stem_norm")(x))
    x = layers.Conv2D(12, 3, strides=2, padding="same", use_bias=False, name="down")(x)
    x = layers.ReLU()(layers.GroupNormalization(groups=-1, name="down_norm")(x))
    y = layers.Conv2D(12, 3, use_bias=False, name="residual")(ReflectionPadding(1, name="residual_pad")(x))
    x = layers.add([x, layers.GroupNormalization(groups=-1, name="residual_norm")(y)])
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", use_bias=False, name="up")(x)
    x = layers.ReLU()(layers.GroupNormalization(groups=-1, name="up_norm")(x))
    x = layers.Conv2D(3, 7, activation="tanh", name="output")(ReflectionPadding(3, name="output_pad")(x))
    return keras.Model(image, x, name="cycle_generator")


@register
class ReflectionPadding(layers.Layer):
    """Pads images by their own reflection."""

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        """Return the padded images."""
        around = [self.size, self.size]
        return ops.pad(x, [[0, 0], around, around, [0, 0]], mode="reflect")

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "size": self.size}


@register
class NormalizingFlow(keras.Model):
    """A RealNVP: coupling layers whose mask alternates; its loss is the negative log likelihood."""

    def __init__(self, couplings: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.couplings = couplings
        self.masks = np.array([[0, 1], [1, 0]] * (couplings // 2), "float32")
        self.translations = [self._network("linear") for _ in range(couplings)]
        self.scales = [self._network("tanh") for _ in range(couplings)]

    def _network(self, activation: str) -> keras.Model:
        return keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(2, activation=activation)])

    def call(self, x):
        """Return the latent point and the logarithm of the determinant, side by side."""
        total = 0.0
        for i in reversed(range(self.couplings)):
            mask = ops.cast(self.masks[i], x.dtype)
            kept = x * mask
            free = 1 - mask
            scale, translation = self.scales[i](kept) * free, self.translations[i](kept) * free
            x = free * (x * ops.exp(-scale) - ops.exp(-scale) * translation) + kept
            total = total - ops.sum(scale, axis=1, keepdims=True)
        return ops.concatenate([x, total], axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Return the negative log likelihood under a standard normal distribution."""
        likelihood = -0.5 * ops.sum(ops.square(y_pred[:, :2]), axis=1) - ops.log(2 * np.pi) + y_pred[:, 2]
        return -ops.mean(likelihood)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "couplings": self.couplings}


def normalizing_flow() -> keras.Model:
    """A compiled RealNVP over points of the plane."""
    model = NormalizingFlow(name="normalizing_flow")
    model(ops.zeros((1, 2)))
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    return model


@register
class MaskedConv2D(layers.Layer):
    """A PixelCNN's convolution: it sees no pixel after its own."""

    def __init__(self, mask_type: str, filters: int, kernel_size: int, **kwargs):
        super().__init__(**kwargs)
        self.mask_type, self.filters, self.kernel_size = mask_type, filters, kernel_size
        self.convolution = layers.Conv2D(filters, kernel_size, padding="same")

    def build(self, shape):
        """Create the kernel and its mask."""
        self.convolution.build(shape)
        mask = np.zeros(self.convolution.kernel.shape, "float32")
        middle = self.kernel_size // 2
        mask[:middle] = 1
        mask[middle, :middle] = 1
        if self.mask_type == "B":
            mask[middle, middle] = 1
        self.mask = mask

    def call(self, x):
        """Return the convolution by the masked kernel."""
        kernel = ops.convert_to_tensor(self.convolution.kernel)
        y = ops.conv(x, ops.cast(kernel * ops.cast(self.mask, kernel.dtype), x.dtype), padding="same")
        return y + ops.cast(self.convolution.bias, x.dtype)

    def get_config(self):
        """Return the configuration."""
        own = {"mask_type": self.mask_type, "filters": self.filters, "kernel_size": self.kernel_size}
        return {**super().get_config(), **own}


def pixel_cnn() -> keras.Model:
    """A small PixelCNN with a residual block."""
    image = keras.Input((12, 12, 1), name="image")
    x = layers.ReLU()(MaskedConv2D("A", 8, 7, name="masked_a")(image))
    y = layers.ReLU()(layers.Conv2D(4, 1, name="reduce")(x))
    y = layers.ReLU()(MaskedConv2D("B", 4, 3, name="masked_b")(y))
    x = layers.add([x, layers.Conv2D(8, 1, name="expand")(y)])
    return keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="pixels")(x), name="pixel_cnn")


@register
class VectorQuantizer(layers.Layer):
    """The nearest of a codebook's vectors, with straight-through gradients and a commitment loss."""

    def __init__(self, codes: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.codes, self.width = codes, width

    def build(self, shape):
        """Create the codebook."""
        self.codebook = self.add_weight(shape=(self.width, self.codes), initializer="random_uniform", name="codebook")

    def call(self, x):
        """Return the quantised vectors, of the shape of `x`."""
        flat = ops.reshape(x, (-1, self.width))
        codebook = ops.cast(self.codebook, flat.dtype)
        distances = (
            ops.sum(flat**2, axis=1, keepdims=True) + ops.sum(codebook**2, axis=0) - 2 * ops.matmul(flat, codebook)
        )
        chosen = ops.one_hot(ops.argmin(distances, axis=1), self.codes, dtype=flat.dtype)
        quantised = ops.reshape(ops.matmul(chosen, ops.transpose(codebook)), ops.shape(x))
        commitment = ops.mean((ops.stop_gradient(quantised) - x) ** 2)
        self.add_loss(0.25 * commitment + ops.mean((quantised - ops.stop_gradient(x)) ** 2))
        return x + ops.stop_gradient(quantised - x)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "codes": self.codes, "width": self.width}


def vector_quantised_autoencoder() -> keras.Model:
    """A VQ-VAE of 8×8 images."""
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(8, 3, strides=2, activation="relu", padding="same", name="encode1")(image)
    x = VectorQuantizer(12, 4, name="quantizer")(layers.Conv2D(4, 1, name="encode2")(x))
    x = layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same", name="decode1")(x)
    return keras.Model(image, layers.Conv2DTranspose(1, 3, padding="same", name="decode2")(x), name="vq_autoencoder")


def diffusion_unet() -> keras.Model:
    """A denoiser: a U-Net whose noise level is embedded as sines and cosines, with swish and unscaled BatchNorm."""
    image, level = keras.Input((16, 16, 3), name="image"), keras.Input((1, 1, 1), name="level")
    frequencies = np.exp(np.linspace(0.0, np.log(100.0), 4)).astype("float32")
    angles = ops.multiply(level, 2.0 * np.pi * frequencies)
    e = layers.UpSampling2D(16, interpolation="nearest", name="spread")(
        ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=3)
    )
    x = layers.Concatenate(name="join")([layers.Conv2D(8, 1, name="stem")(image), e])
    x = skip = _diffusion_block(x, 8, "down")
    x = layers.AveragePooling2D(2, name="pool")(x)
    x = _diffusion_block(x, 12, "middle")
    x = layers.UpSampling2D(2, interpolation="bilinear", name="unpool")(x)
    x = _diffusion_block(layers.Concatenate(name="skip")([x, skip]), 8, "up")
    output = layers.Conv2D(3, 1, kernel_initializer="zeros", name="noise")(x)
    return keras.Model([image, level], output, name="diffusion_unet")


def _diffusion_block(x, width: int, name: str):
    residual = x if x.shape[3] == width else layers.Conv2D(width, 1, name=f"{name}_match")(x)
    x = layers.BatchNormalization(center=False, scale=False, name=f"{name}_bn")(x)
    x = layers.Conv2D(width, 3, padding="same", activation="swish", name=f"{name}_conv1")(x)
    return layers.Add(name=f"{name}_add")([layers.Conv2D(width, 3, padding="same", name=f"{name}_conv2")(x), residual])


def denoising_autoencoder() -> keras.Model:
    """A convolutional autoencoder with noise on its input."""
    image = keras.Input((16, 16, 1), name="image")
    x = layers.GaussianNoise(0.2, name="noise")(image)
    for i in (1, 2):
        x = layers.Conv2D(8, 3, activation="relu", padding="same", name=f"encode{i}")(x)
        x = layers.MaxPooling2D(2, padding="same", name=f"pool{i}")(x)
    for i in (1, 2):
        x = layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same", name=f"decode{i}")(x)
    return keras.Model(
        image, layers.Conv2D(1, 3, activation="sigmoid", padding="same", name="output")(x), name="denoiser"
    )


def sparse_autoencoder() -> keras.Model:
    """A dense autoencoder with an L1 penalty on its code and unit-norm kernels."""
    image = keras.Input((20,), name="image")
    code = layers.Dense(6, activation="relu", activity_regularizer=keras.regularizers.L1(1e-3), name="code")(image)
    x = layers.Dense(20, activation="sigmoid", kernel_constraint=keras.constraints.UnitNorm(axis=0), name="output")(
        code
    )
    return keras.Model(image, x, name="sparse_autoencoder")
