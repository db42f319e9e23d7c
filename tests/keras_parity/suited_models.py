"""Models that not every input and not every weight suits, for whole checks; named as `…suited_models:name`."""


def index_of_differences():
    """A table is read at the differences of neighbours, which no constant input shows."""
    import keras
    from keras import layers, ops

    class Steps(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=(9, 3), name="table")

        def call(self, x):
            steps = ops.abs(x[:, 1:] - x[:, :-1])
            return ops.take(self.table, steps, axis=0)

    x = keras.Input((6,), dtype="int32", name="x")
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(Steps()(x))))


def two_tables():
    """Two inputs: the one is looked up, and their sum is, in another table."""
    import keras
    from keras import layers

    a, b = keras.Input((4,), dtype="int32", name="a"), keras.Input((4,), dtype="int32", name="b")
    x = layers.Concatenate()([layers.Embedding(20, 3)(a), layers.Embedding(30, 3)(a + b)])
    return keras.Model([a, b], layers.Dense(2)(x))


def recognition_with_ctc():
    """Recognition of characters: the labels are an input, as floats, and a layer adds the loss."""
    import keras
    from keras import layers, ops

    class Endpoint(layers.Layer):
        def call(self, labels, predicted):
            self.add_loss(ops.mean(keras.losses.ctc(labels, predicted)))
            return predicted

    image, labels = keras.Input((24, 6), name="image"), keras.Input((None,), name="labels")
    predicted = layers.Dense(11)(layers.LSTM(5, return_sequences=True)(image))
    return keras.Model([image, labels], Endpoint()(labels, predicted))


def halving_network():
    """An image of any size is halved twice and doubled twice: 9 pixels do not fit."""
    import keras
    from keras import layers

    x = keras.Input((None, None, 1), name="x")
    small = layers.MaxPooling2D(2)(layers.MaxPooling2D(2)(x))
    large = layers.UpSampling2D(4)(small)
    return keras.Model(x, layers.Conv2D(1, 3)(layers.Concatenate()([x, large])))


def summed_by_segment():
    """Rows are summed into four groups by the number in the second input."""
    import keras
    from keras import layers, ops

    class Sum(layers.Layer):
        def call(self, x, groups):
            return ops.segment_sum(x, groups, 4)

    x = keras.Input(batch_shape=(6, 3), name="x")
    groups = keras.Input(batch_shape=(6,), dtype="int32", name="groups")
    return keras.Model([x, groups], layers.Dense(2)(Sum()(x, groups)))


def mixture(factor: float = 1.0):
    """A mixture of normal distributions, whose deviations must be positive; `factor` off on PyTorch."""
    import keras
    from keras import layers, ops

    class Mixture(layers.Layer):
        def build(self, shape):
            self.means = self.add_weight(name="means", shape=(4, shape[-1]), initializer="random_normal")
            self.spread = self.add_weight(name="spread", shape=(4, shape[-1]), initializer="ones")

        def call(self, x):
            z = (x[:, None, :] - self.means) / self.spread
            density = -0.5 * ops.sum(ops.square(z), -1) - ops.sum(ops.log(self.spread), -1)
            own = factor if keras.backend.backend() == "torch" else 1.0
            return own * ops.logsumexp(density, axis=-1, keepdims=True)

    return keras.Sequential([keras.Input((3,)), Mixture(name="off")])


def normalised_rows(least: float = 1e-12):
    """Rows of length 1, in a model that declares no input; on PyTorch rows of length 0 are divided by `least`."""
    import keras
    from keras import layers, ops

    class Unit(layers.Layer):
        def call(self, x):
            size = ops.sum(ops.square(x), axis=-1, keepdims=True)
            return x / ops.maximum(size, least if keras.backend.backend() == "torch" else 1e-12)

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.unit = Unit(name="off")

        def call(self, x):
            return self.unit(x)

    return Net()


def masked_mean(heeds: bool = True):
    """The mean of the steps that are no padding, which -1 marks; PyTorch may not heed it."""
    import keras
    from keras import layers, ops

    class Mean(layers.Layer):
        supports_masking = True

        def compute_mask(self, x, mask=None):
            return None

        def call(self, x, mask=None):
            keep = ops.cast(mask, x.dtype)[..., None]
            if keras.backend.backend() == "torch" and not heeds:
                keep = ops.ones_like(keep)
            return ops.sum(x * keep, axis=1) / ops.maximum(ops.sum(keep, axis=1), 1.0)

    x = keras.Input((6, 3))
    return keras.Model(x, Mean(name="off")(layers.Masking(-1.0)(x)))


def always_nan():
    """The logarithm of what is negative, whatever is drawn."""
    import keras
    from keras import ops

    x = keras.Input((3,))
    return keras.Model(x, ops.log(-1.0 - ops.square(x)))
