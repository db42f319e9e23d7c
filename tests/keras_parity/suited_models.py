"""Models whose inputs must lie within a range, for the tests of what is drawn; named as `…suited_models:name`."""

import numpy as np


def positions_in_a_layer(dtype: str = "float32", vocabulary: int = 50):
    """Token and position embedding in a layer of one's own, behind an input of floats."""
    import keras
    from keras import layers, ops

    class TokensAndPositions(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.tokens, self.positions = layers.Embedding(vocabulary, 4), layers.Embedding(12, 4)

        def call(self, x):
            return self.tokens(x) + self.positions(ops.arange(ops.shape(x)[-1]))

    x = keras.Input((12,), dtype=dtype, name="text")
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(TokensAndPositions()(x))))


def one_hot_in_a_layer():
    """A layer that makes one-hot vectors of floats."""
    import keras
    from keras import layers, ops

    class OneHot(layers.Layer):
        def call(self, x):
            return ops.one_hot(ops.cast(x, "int32"), 7)

    return keras.Sequential([keras.Input((5,)), OneHot(), layers.Flatten(), layers.Dense(2)])


def computed_index():
    """A table is read at ten times the input: at 0 to 3.1."""
    import keras
    from keras import layers, ops

    class Table(layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=(32, 3), name="table")

        def call(self, x):
            return ops.take(self.table, ops.cast(ops.floor(10 * x), "int32"), axis=0)

    return keras.Sequential([keras.Input((4,)), Table(), layers.Flatten(), layers.Dense(2)])


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


def wrapped_index():
    """Any whole number does: the index is taken modulo the size of the table."""
    import keras
    from keras import layers, ops

    class Wrapped(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.table = layers.Embedding(6, 3)

        def call(self, x):
            return self.table(ops.mod(x, 6))

    x = keras.Input((5,), dtype="int32", name="x")
    return keras.Model(x, layers.Flatten()(Wrapped()(x)))


def two_tables():
    """Two inputs: the one is looked up, and their sum is, in another table."""
    import keras
    from keras import layers

    a, b = keras.Input((4,), dtype="int32", name="a"), keras.Input((4,), dtype="int32", name="b")
    x = layers.Concatenate()([layers.Embedding(20, 3)(a), layers.Embedding(30, 3)(a + b)])
    return keras.Model([a, b], layers.Dense(2)(x))


def shifted_index():
    """Labels from 1 to 5: the layer takes 1 off."""
    import keras
    from keras import layers, ops

    class Shifted(layers.Layer):
        def call(self, x):
            return ops.one_hot(x - 1, 5)

    x = keras.Input((3,), dtype="int32", name="x")
    return keras.Model(x, layers.Flatten()(Shifted()(x)))


def padded_words():
    """Zeros are a padding."""
    import keras
    from keras import layers

    x = keras.Input((8,), dtype="int32", name="x")
    return keras.Model(x, layers.LSTM(3)(layers.Embedding(15, 4, mask_zero=True)(x)))


def own_mask():
    """A layer of one's own takes the zeros of its second input for a padding."""
    import keras
    from keras import layers, ops

    class Masked(layers.Layer):
        def call(self, x, mask_ids):
            keep = ops.cast(ops.cast(mask_ids, "bool"), x.dtype)
            return ops.sum(x * keep[..., None], axis=1)

    x, m = keras.Input((6, 3), name="x"), keras.Input((6,), dtype="int32", name="m")
    return keras.Model([x, m], layers.Dense(2)(Masked()(x, m)))


def attention_with_a_mask():
    """Attention with a mask that is an input of whole numbers."""
    import keras
    from keras import layers

    x, m = keras.Input((6, 4), name="x"), keras.Input((6, 6), dtype="int32", name="m")
    return keras.Model([x, m], layers.MultiHeadAttention(2, 2)(x, x, attention_mask=m))


def bytes_of_an_image(scale: float = 1 / 255, offset: float = 0.0):
    """An image of bytes, rescaled at once."""
    import keras
    from keras import layers

    return keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(scale, offset), layers.Conv2D(2, 3)])


def divided_image():
    """An image of bytes, divided by a number in the graph."""
    import keras
    from keras import layers

    x = keras.Input((8, 8, 3), name="x")
    return keras.Model(x, layers.Conv2D(2, 3)(x / 127.5 - 1.0))


def adapted():
    """Features of very different sizes, normalised by what `adapt` has learned."""
    import keras
    from keras import layers

    normalization = layers.Normalization()
    normalization.adapt(np.array([[20.0, 5e4, 0.1], [40.0, 9e4, 0.3], [60.0, 1e5, 0.2]]))
    return keras.Sequential([keras.Input((3,)), normalization, layers.Dense(2)])


def bucketed():
    """A number that is put into one of four buckets, each with a vector."""
    import keras
    from keras import layers

    x = keras.Input((2,), name="age")
    buckets = layers.Discretization(bin_boundaries=[18.0, 40.0, 65.0])(x)
    return keras.Model(x, layers.Flatten()(layers.Embedding(4, 2)(buckets)))


def encoded_categories():
    """Categories below 6, one-hot."""
    import keras
    from keras import layers

    x = keras.Input((1,), dtype="int32", name="x")
    return keras.Model(x, layers.Dense(2)(layers.CategoryEncoding(6, "one_hot")(x)))


def known_numbers():
    """Numbers of a list, and no others: none is allowed that is not in it."""
    import keras
    from keras import layers

    x = keras.Input((3,), dtype="int64", name="x")
    looked_up = layers.IntegerLookup(vocabulary=[11, 22, 44], num_oov_indices=0)(x)
    return keras.Model(x, layers.Flatten()(layers.Embedding(3, 2)(looked_up)))


def words(oov: int = 1):
    """Words of a list."""
    import keras
    from keras import layers

    x = keras.Input((3,), dtype="string", name="words")
    looked_up = layers.StringLookup(vocabulary=["red", "green", "blue"], num_oov_indices=oov)(x)
    return keras.Model(x, layers.Flatten()(layers.Embedding(4, 2)(looked_up)))


def sentences():
    """Text, split into words."""
    import keras
    from keras import layers

    split = layers.TextVectorization(output_sequence_length=5, vocabulary=["the", "cat", "sat", "down"])
    x = keras.Input((1,), dtype="string", name="text")
    return keras.Model(x, layers.Embedding(6, 2)(split(x)))


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


def logarithm():
    """The logarithm of the input and of 1 less it: a probability."""
    import keras
    from keras import layers, ops

    class Logit(layers.Layer):
        def call(self, p):
            return ops.log(p) - ops.log(1.0 - p)

    return keras.Sequential([keras.Input((3,)), Logit(), layers.Dense(2)])


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


def plain():
    """Numbers of any size."""
    import keras
    from keras import layers

    return keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])


def guarded_logarithm():
    """The logarithm of what a layer gives, of either sign: no range of the input helps."""
    import keras
    from keras import layers, ops

    class Log(layers.Layer):
        def call(self, x):
            return ops.log(x)

    return keras.Sequential([keras.Input((4,)), layers.Dense(3), Log()])
