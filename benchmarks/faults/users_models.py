"""Twelve more architectures, as users have them: with training of their own, state, narrow dtypes, loops and choices.

Each is a builder, as in `architectures.py`, which makes them known; `cases.py` says how those are trained that do not
come compiled.
"""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="benchmarks")
class Sample(layers.Layer):
    """Draws from normal distributions, given by means and logarithms of variances; adds their divergence as a loss."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator(3)

    def call(self, inputs):
        """Return a sample of each distribution, `(batch, size)`."""
        mean, spread = inputs
        self.add_loss(0.1 * ops.mean(ops.exp(spread) + ops.square(mean) - 1.0 - spread))
        return mean + ops.exp(0.5 * spread) * keras.random.normal(ops.shape(mean), seed=self.generator)


def variational() -> keras.Model:
    """An autoencoder whose code is drawn, with the divergence as an added loss."""
    data = keras.Input((8,), name="data")
    x = layers.Dense(8, activation="tanh", name="encode")(data)
    spread = layers.Dense(3, activation="tanh", name="spread")(x)
    x = Sample(name="sample")([layers.Dense(3, name="mean")(x), spread])
    return keras.Model(data, layers.Dense(8, name="restore")(x), name="variational")


@keras.saving.register_keras_serializable(package="benchmarks")
class OwnStep(keras.Model):
    """A functional model with a training step of its own, as the guides write one for each backend."""

    def objective(self, y, outputs):
        """Return what it is trained on: squared errors, and a price for large outputs."""
        return ops.mean(ops.square(y - outputs)) + 0.01 * ops.mean(ops.square(outputs))

    def train_step(self, *args):
        """Take one step; arguments and results are those of the backend's own trainer."""
        return {"tensorflow": self._on_tensorflow, "jax": self._on_jax, "torch": self._on_torch}[
            keras.backend.backend()
        ](*args)

    def _on_tensorflow(self, data):
        import tensorflow as tf

        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.objective(y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        return {"loss": loss}

    def _on_torch(self, data):
        import torch

        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.zero_grad()
        loss = self.objective(y, self(x, training=True))
        loss.backward()
        with torch.no_grad():
            self.optimizer.apply([weight.value.grad for weight in self.trainable_weights], self.trainable_weights)
        return {"loss": loss.detach()}

    def _on_jax(self, state, data):
        import jax

        trained, fixed, slots, metrics = state
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)

        def loss_of(trained, fixed):
            outputs, fixed = self.stateless_call(trained, fixed, x, training=True)
            return self.objective(y, outputs), fixed

        (loss, fixed), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained, fixed)
        trained, slots = self.optimizer.stateless_apply(slots, gradients, trained)
        return {"loss": loss}, (trained, fixed, slots, metrics)


def own_step() -> keras.Model:
    """A compiled model that trains itself."""
    data = keras.Input((6,), name="data")
    x = layers.Dense(8, activation="tanh", name="hidden")(data)
    model = OwnStep(data, layers.Dense(2, name="value")(x), name="own_step")
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss="mean_squared_error", jit_compile=False)
    return model


def weighted_heads() -> keras.Model:
    """Two outputs, whose losses have weights."""
    data = keras.Input((6,), name="data")
    x = layers.Dense(8, activation="tanh", name="shared")(data)
    label = layers.Dense(4, activation="softmax", name="label")(x)
    return keras.Model(data, {"label": label, "value": layers.Dense(1, name="value")(x)}, name="weighted_heads")


def frozen() -> keras.Model:
    """Frozen layers, a normalisation among them, below a head with a regulariser."""
    data = keras.Input((6,), name="data")
    x = layers.Dense(8, activation="tanh", trainable=False, name="kept")(data)
    x = layers.BatchNormalization(trainable=False, name="kept_norm")(x)
    outputs = layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.1), name="head")(x)
    return keras.Model(data, outputs, name="frozen")


@keras.saving.register_keras_serializable(package="benchmarks")
class RunningScale(layers.Layer):
    """Divides by the mean size of what it has seen in training, a state of its own."""

    def build(self, input_shape):
        """Create the state."""
        self.size = self.add_weight(shape=(), initializer="ones", trainable=False, name="size")

    def call(self, inputs, training=False):
        """Return the inputs, scaled as the batches before say."""
        outputs = inputs / (1.0 + ops.square(ops.convert_to_tensor(self.size)))
        if training:
            self.size.assign(self.kept(self.size, ops.stop_gradient(ops.mean(ops.abs(inputs)))))
        return outputs

    def kept(self, before, now):
        """Return the state after a batch."""
        return 0.8 * before + 0.2 * now


def running() -> keras.Model:
    """A layer that carries a state of its own from one batch to the next."""
    data = keras.Input((6,), name="data")
    x = RunningScale(name="scaled")(data)
    x = layers.Dense(8, activation="tanh", name="hidden")(x)
    return keras.Model(data, layers.Dense(2, name="output")(x), name="running")


def tabular() -> keras.Model:
    """Structured data: numbers in bins and normalised, a kind as an index, and all kinds that occur."""
    amounts = keras.Input((4,), name="amounts")
    kinds = keras.Input((3,), dtype="int32", name="kinds")
    bins = layers.Discretization(bin_boundaries=[-1.0, 0.0, 0.5, 1.0], name="bins")(amounts)
    levels = layers.Embedding(5, 2, name="levels")(bins)
    occurring = layers.CategoryEncoding(num_tokens=6, output_mode="multi_hot", name="occurring")(kinds)
    normal = layers.Normalization(mean=[0.5, -0.5, 0.0, 1.0], variance=[4.0, 0.25, 2.0, 1.0], name="normal")(amounts)
    x = layers.Concatenate(name="joined")([layers.Flatten(name="flat")(levels), occurring, normal])
    return keras.Model([amounts, kinds], layers.Dense(2, name="output")(x), name="tabular")


@keras.saving.register_keras_serializable(package="benchmarks")
class Levels(layers.Layer):
    """Rounds to fiftieths by way of whole numbers."""

    def call(self, inputs):
        """Return the rounded values."""
        return ops.cast(ops.cast(ops.round(50.0 * inputs), "int32"), inputs.dtype) / 50.0


def photos() -> keras.Model:
    """Images of 0 to 255, scaled, made smaller and rounded, before a convolution."""
    image = keras.Input((9, 9, 3), name="image")
    x = layers.Rescaling(1 / 255, name="scale")(image)
    small = layers.Resizing(4, 4, name="smaller")(x)
    x = layers.Conv2D(4, 3, activation="tanh", name="see")(small)
    x = layers.Concatenate(name="both")(
        [layers.Flatten(name="seen")(x), layers.Flatten(name="flat")(Levels(name="levels")(small))]
    )
    return keras.Model(image, layers.Dense(3, name="output")(x), name="photos")


def mixed() -> keras.Model:
    """Layers of a mixed policy, in bfloat16 and in float16, below one in float32."""
    data = keras.Input((12,), name="data")
    x = layers.Dense(16, activation="relu", dtype="mixed_bfloat16", name="first")(data)
    x = layers.Dense(12, dtype="mixed_bfloat16", name="second")(x)
    y = layers.LayerNormalization(dtype="mixed_float16", name="norm")(data)
    x = layers.Concatenate(dtype="float32", name="joined")([x, y])
    return keras.Model(data, layers.Dense(3, dtype="float32", name="output")(x), name="mixed")


def quantised() -> keras.Model:
    """A dense layer in eight bits, and one with low-rank adapters."""
    data = keras.Input((12,), name="data")
    x = layers.Dense(16, activation="tanh", name="eight_bits")(data)
    x = layers.Dense(8, activation="tanh", name="adapted")(x)
    model = keras.Model(data, layers.Dense(3, name="output")(x), name="quantised")
    model.get_layer("eight_bits").quantize("int8")
    model.get_layer("adapted").enable_lora(2, lora_alpha=6)
    return model


@keras.saving.register_keras_serializable(package="benchmarks")
class Repeat(layers.Layer):
    """Applies one matrix five times, in a loop of the backend's own."""

    def build(self, input_shape):
        """Create the matrix."""
        self.kernel = self.add_weight(shape=(input_shape[-1], input_shape[-1]), name="kernel")

    def call(self, inputs):
        """Return the last state, and the sum of all, `(batch, size)`."""

        def step(state, _):
            state = ops.tanh(ops.matmul(state, self.kernel) + inputs)
            return state, state

        last, states = ops.scan(step, inputs, length=5)
        return last + ops.sum(states, axis=0)


@keras.saving.register_keras_serializable(package="benchmarks")
class Axes(layers.Layer):
    """The principal axes of a symmetric matrix whose eigenvalues lie apart."""

    def call(self, inputs):
        """Return eigenvalues, times the squares of the eigenvectors' entries, `(batch, 9)`; no sign matters to them."""
        x = ops.tanh(inputs[:, :3])
        matrix = x[:, :, None] * x[:, None, :] + ops.diag(ops.arange(2.0, 11.0, 4.0, dtype=x.dtype))
        values, vectors = ops.eigh(matrix)
        return ops.reshape(values[:, None, :] * ops.square(vectors), (-1, 9))


@keras.saving.register_keras_serializable(package="benchmarks")
class Ranking(layers.Layer):
    """The two largest values, and all values in order."""

    def call(self, inputs):
        """Return `(batch, 2 + size)`."""
        best, _ = ops.top_k(inputs, 2)
        return ops.concatenate([best, ops.sort(inputs, axis=-1)], axis=-1)


def search() -> keras.Model:
    """A loop, an eigenvalue problem and two orders of the same values."""
    data = keras.Input((6,), name="data")
    x = layers.Dense(6, name="hidden")(data)
    parts = [Repeat(name="repeat")(x), Axes(name="axes")(x), Ranking(name="ranking")(x)]
    return keras.Model(data, layers.Dense(3, name="output")(layers.Concatenate(name="all")(parts)), name="search")


def kinks() -> keras.Model:
    """Functions with kinks at numbers that inputs take: 0 and one half."""
    data = keras.Input((6,), name="data")
    shrunk = ops.soft_shrink(data, 0.5)
    above = layers.ReLU(threshold=0.5, name="above")(data)
    largest = ops.max(data, axis=-1, keepdims=True)
    x = layers.Concatenate(name="joined")([shrunk, above, largest])
    return keras.Model(data, layers.Dense(5, activation="softmax", name="classes")(x), name="kinks")


def conv_norm() -> keras.Model:
    """A convolution and a normalisation whose variances of constants PyTorch rounds in its own way."""
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(8, 3, padding="same", name="conv")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="conv_norm")
