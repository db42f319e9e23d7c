"""Networks for structured data, recommendations and control, in the style of the Keras examples.

They are built in the backends' processes only: importing this module imports keras.
"""

import keras
import numpy as np
from keras import layers, ops

register = keras.saving.register_keras_serializable("real_models")


def adapted_normalization() -> keras.Model:
    """Normalization adapted to data, in front of a small network."""
    normalization = layers.Normalization(name="normalization")
    normalization.adapt(np.random.default_rng(5).normal([1, 50, -3], [2, 10, 0.5], (200, 3)).astype("float32"))
    return keras.Sequential(
        [keras.Input((3,)), normalization, layers.Dense(8, activation="relu"), layers.Dense(2)],
        name="adapted_normalization",
    )


def normalized_in_reverse() -> keras.Model:
    """A regression whose output is brought back to its unit by an inverted Normalization."""
    data = np.random.default_rng(6).normal(100, 20, (200, 1)).astype("float32")
    before, after = (
        layers.Normalization(axis=None, name="before"),
        layers.Normalization(axis=None, invert=True, name="after"),
    )
    before.adapt(data)
    after.adapt(data)
    value = keras.Input((1,), name="value")
    x = layers.Dense(6, activation="tanh", name="hidden")(before(value))
    return keras.Model(value, after(layers.Dense(1, name="output")(x)), name="normalized_in_reverse")


def heart_disease() -> keras.Model:
    """Structured data: Normalization, Discretization, category encodings and a hashed crossing."""
    generator = np.random.default_rng(7)
    age, pressure = keras.Input((1,), name="age"), keras.Input((1,), name="pressure")
    kind, vessels = keras.Input((1,), dtype="int32", name="kind"), keras.Input((1,), dtype="int32", name="vessels")
    normalization = layers.Normalization(name="pressure_norm")
    normalization.adapt(generator.normal(130, 15, (300, 1)).astype("float32"))
    buckets = layers.Discretization(bin_boundaries=[30.0, 45.0, 60.0], output_mode="one_hot", name="age_buckets")(age)
    features = [
        normalization(pressure),
        buckets,
        layers.CategoryEncoding(4, output_mode="one_hot", name="kind_one_hot")(kind),
        layers.CategoryEncoding(5, output_mode="one_hot", name="vessels_one_hot")(vessels),
    ]
    x = layers.Dense(12, activation="relu", name="hidden")(layers.Concatenate(name="features")(features))
    output = layers.Dense(1, activation="sigmoid", name="disease")(layers.Dropout(0.5)(x))
    inputs = {"age": age, "pressure": pressure, "kind": kind, "vessels": vessels}
    return keras.Model(inputs, output, name="heart_disease")


def adapted_buckets() -> keras.Model:
    """Discretization adapted to data, whose buckets are embedded."""
    value = keras.Input((2,), name="value")
    discretization = layers.Discretization(num_bins=6, name="buckets")
    discretization.adapt(np.random.default_rng(8).normal(0, 2, (300, 2)).astype("float32"))
    x = layers.Embedding(6, 4, name="embedding")(discretization(value))
    return keras.Model(value, layers.Dense(1, name="output")(layers.Flatten(name="flatten")(x)), name="adapted_buckets")


def looked_up_numbers() -> keras.Model:
    """An IntegerLookup of product numbers, embedded."""
    number = keras.Input((1,), dtype="int32", name="number")
    index = layers.IntegerLookup(vocabulary=[12, 36, 1138, 42], name="lookup")(number)
    x = layers.Flatten(name="flatten")(layers.Embedding(5, 6, name="embedding")(index))
    return keras.Model(number, layers.Dense(1, activation="sigmoid", name="output")(x), name="looked_up_numbers")


def wide_and_deep() -> keras.Model:
    """A linear part and a deep part over dense numbers and one-hot categories."""
    numbers = keras.Input((5,), name="numbers")
    category = keras.Input((1,), dtype="int32", name="category")
    one_hot = layers.CategoryEncoding(8, output_mode="one_hot", name="one_hot")(category)
    embedded = layers.Flatten()(layers.Embedding(8, 4, name="embedding")(category))
    wide = layers.BatchNormalization(name="wide")(layers.Concatenate(name="wide_join")([numbers, one_hot]))
    deep = layers.Concatenate(name="deep_join")([numbers, embedded])
    for i in (1, 2):
        deep = layers.Dense(10, name=f"deep{i}")(deep)
        deep = layers.ReLU()(layers.BatchNormalization(name=f"deep_bn{i}")(deep))
        deep = layers.Dropout(0.1)(deep)
    output = layers.Dense(3, activation="softmax", name="classes")(layers.Concatenate(name="merged")([wide, deep]))
    return keras.Model({"numbers": numbers, "category": category}, output, name="wide_and_deep")


@register
class Cross(layers.Layer):
    """A cross layer: the first input times a linear map of the last output, plus that output."""

    def build(self, shapes):
        """Create kernel and bias."""
        width = shapes[0][-1]
        self.kernel = self.add_weight(shape=(width, width), name="kernel")
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")

    def call(self, inputs):
        """Return the crossed features."""
        first, last = inputs
        return first * (ops.matmul(last, self.kernel) + self.bias) + last


def deep_and_cross() -> keras.Model:
    """Two cross layers beside two dense ones."""
    features = keras.Input((9,), name="features")
    crossed = features
    for i in (1, 2):
        crossed = Cross(name=f"cross{i}")([features, crossed])
    deep = layers.Dense(8, activation="relu", name="deep2")(layers.Dense(12, activation="relu", name="deep1")(features))
    return keras.Model(
        features,
        layers.Dense(1, name="output")(layers.Concatenate(name="join")([crossed, deep])),
        name="deep_and_cross",
    )


@register
class GatedResidual(layers.Layer):
    """A gated residual network with GLU gating and LayerNormalization."""

    def __init__(self, units: int, rate: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate = units, rate
        self.elu, self.linear = layers.Dense(units, activation="elu"), layers.Dense(units)
        self.dropout, self.project = layers.Dropout(rate), layers.Dense(units)
        self.value, self.gate = layers.Dense(units), layers.Dense(units, activation="sigmoid")
        self.norm = layers.LayerNormalization()

    def call(self, inputs):
        """Return the gated features."""
        x = self.dropout(self.linear(self.elu(inputs)))
        if inputs.shape[-1] != self.units:
            inputs = self.project(inputs)
        return self.norm(inputs + self.value(x) * self.gate(x))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "units": self.units, "rate": self.rate}


def variable_selection() -> keras.Model:
    """Gated residual networks with a softmax over the variables, as the example on income has it."""
    features = keras.Input((4,), name="features")
    encoded = [layers.Dense(6, name=f"encode{i}")(features[:, i : i + 1]) for i in range(4)]
    weights = GatedResidual(6, name="concat_grn")(layers.Concatenate(name="join")(encoded))
    weights = layers.Reshape((4, 1))(layers.Dense(4, activation="softmax", name="weights")(weights))
    stacked = ops.stack([GatedResidual(6, name=f"grn{i}")(value) for i, value in enumerate(encoded)], axis=1)
    x = layers.Flatten()(ops.matmul(ops.transpose(weights, (0, 2, 1)), stacked))
    return keras.Model(features, layers.Dense(1, activation="sigmoid", name="output")(x), name="variable_selection")


def tab_transformer(column_initializer: str = "uniform") -> keras.Model:
    """Embedded categories with column embeddings through a transformer, joined with normalised numbers.

    The column embedding is called on a constant, so that what it was initialised with becomes a constant, too.
    """
    categories = keras.Input((5,), dtype="int32", name="categories")
    numbers = keras.Input((3,), name="numbers")
    embedded = [layers.Embedding(6, 8, name=f"column{i}")(categories[:, i]) for i in range(5)]
    x = ops.stack(embedded, axis=1)
    columns = layers.Embedding(5, 8, embeddings_initializer=column_initializer, name="column_embedding")
    x = x + columns(ops.arange(0, 5, 1))
    y = layers.MultiHeadAttention(2, 8, dropout=0.1, name="attention")(x, x)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm1")(layers.Add(name="add1")([y, x]))
    y = layers.Dense(8, activation="gelu", name="feed_forward")(x)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm2")(layers.Add(name="add2")([y, x]))
    numeric = layers.LayerNormalization(epsilon=1e-6, name="numeric_norm")(numbers)
    x = layers.Concatenate(name="join")([layers.Flatten()(x), numeric])
    x = layers.Dense(10, activation=keras.activations.selu, name="mlp")(layers.BatchNormalization(name="mlp_bn")(x))
    output = layers.Dense(1, activation="sigmoid", name="output")(x)
    return keras.Model({"categories": categories, "numbers": numbers}, output, name="tab_transformer")


@register
class NeuralTree(keras.Model):
    """A differentiable decision tree: the probability of each leaf times its distribution of classes."""

    def __init__(self, depth: int = 3, features: int = 6, used: int = 4, classes: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.depth, self.features, self.used, self.classes = depth, features, used, classes
        self.used_features = np.eye(features, dtype="float32")[[(3 * i + 1) % features for i in range(used)]]
        self.leaves = self.add_weight(shape=(2**depth, classes), initializer="random_normal", name="leaves")
        self.decide = layers.Dense(2**depth, activation="sigmoid", name="decision")

    def call(self, features):
        """Return the probabilities of the classes."""
        kept = ops.matmul(features, ops.cast(ops.transpose(self.used_features), features.dtype))
        decisions = ops.expand_dims(self.decide(kept), axis=2)
        decisions = ops.concatenate([decisions, 1 - decisions], axis=2)
        mu = ops.ones((ops.shape(features)[0], 1, 1), dtype=decisions.dtype)
        begin, end = 1, 2
        for level in range(self.depth):
            mu = ops.tile(ops.reshape(mu, (-1, begin, 1)), (1, 1, 2)) * decisions[:, begin:end, :]
            begin, end = end, end + 2 ** (level + 1)
        mu = ops.reshape(mu, (-1, 2**self.depth))
        return ops.matmul(mu, ops.softmax(self.leaves))

    def get_config(self):
        """Return the configuration."""
        own = {"depth": self.depth, "features": self.features, "used": self.used, "classes": self.classes}
        return {**super().get_config(), **own}


def decision_forest() -> keras.Model:
    """The mean of two neural decision trees."""
    features = keras.Input((6,), name="features")
    x = layers.BatchNormalization(name="bn")(features)
    trees = [NeuralTree(used=3 + i, name=f"tree{i}")(x) for i in (0, 1)]
    return keras.Model(features, layers.Average(name="forest")(trees), name="decision_forest")


@register
class RecommenderNet(keras.Model):
    """Collaborative filtering: the dot product of a user's and a movie's vectors, and their biases."""

    def __init__(self, users: int, movies: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.users, self.movies, self.width = users, movies, width
        options = {"embeddings_initializer": "he_normal", "embeddings_regularizer": keras.regularizers.l2(1e-6)}
        self.user = layers.Embedding(users, width, name="user", **options)
        self.user_bias = layers.Embedding(users, 1, name="user_bias")
        self.movie = layers.Embedding(movies, width, name="movie", **options)
        self.movie_bias = layers.Embedding(movies, 1, name="movie_bias")

    def call(self, inputs):
        """Return how probably the user likes the movie, for `(batch, 2)` numbers of users and movies."""
        user, movie = inputs[:, 0], inputs[:, 1]
        match = ops.sum(self.user(user) * self.movie(movie), axis=1, keepdims=True)
        return ops.sigmoid(match + self.user_bias(user) + self.movie_bias(movie))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "users": self.users, "movies": self.movies, "width": self.width}


def recommender(optimizer: str = "sgd") -> keras.Model:
    """A compiled recommender.

    Args:
        optimizer: As in `compile`; the example trains with Adam.
    """
    model = RecommenderNet(20, 15, 6, name="recommender")
    model(ops.zeros((1, 2), dtype="int32"))
    model.compile(optimizer=optimizer, loss=keras.losses.BinaryCrossentropy())
    return model


def two_towers() -> keras.Model:
    """A user's tower and an item's tower; their dot product is a score."""
    user, item = keras.Input((1,), dtype="int32", name="user"), keras.Input((4,), name="item")
    u = layers.Dense(6, activation="relu", name="user_dense")(
        layers.Flatten()(layers.Embedding(12, 6, name="user_table")(user))
    )
    i = layers.Dense(6, activation="relu", name="item_dense")(item)
    return keras.Model([user, item], layers.Dot(axes=1, normalize=True, name="score")([u, i]), name="two_towers")


def factorization_machine() -> keras.Model:
    """A DeepFM over 10 fields: half the square of the sum less the sum of squares."""
    fields = keras.Input((10,), dtype="int32", name="fields")
    linear = ops.sum(layers.Embedding(30, 1, name="linear")(fields), axis=1)
    vectors = layers.Embedding(30, 5, name="vectors")(fields)
    pairs = 0.5 * ops.sum(
        ops.square(ops.sum(vectors, axis=1)) - ops.sum(ops.square(vectors), axis=1), axis=1, keepdims=True
    )
    deep = layers.Dense(8, activation="relu", name="deep")(layers.Flatten(name="flatten")(vectors))
    logit = layers.Add(name="logit")([linear, pairs, layers.Dense(1, name="deep_logit")(deep)])
    return keras.Model(fields, layers.Activation("sigmoid", name="click")(logit), name="factorization_machine")


def dot_interactions() -> keras.Model:
    """A DLRM: a bottom MLP, embedded categories, all pairs of dot products, a top MLP."""
    dense = keras.Input((4,), name="dense")
    sparse = keras.Input((3,), dtype="int32", name="sparse")
    bottom = layers.Dense(6, activation="relu", name="bottom")(dense)
    vectors = [bottom, *(layers.Embedding(10, 6, name=f"table{i}")(sparse[:, i]) for i in range(3))]
    stacked = ops.stack(vectors, axis=1)
    products = layers.Flatten()(ops.matmul(stacked, ops.transpose(stacked, (0, 2, 1))))
    x = layers.Dense(8, activation="relu", name="top")(layers.Concatenate(name="join")([bottom, products]))
    return keras.Model([dense, sparse], layers.Dense(1, activation="sigmoid", name="click")(x), name="dot_interactions")


def imbalanced_fraud() -> keras.Model:
    """A dense network with Dropout for imbalanced classes."""
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="imbalanced_fraud",
    )


def quantile_regression() -> keras.Model:
    """Three quantiles at once, by a pinball loss that the model is compiled with."""
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(12, activation="softplus"), layers.Dense(3)], name="quantile_regression"
    )
    model.compile(keras.optimizers.RMSprop(0.01), loss=pinball, metrics=["mae"])
    return model


@keras.saving.register_keras_serializable("real_models")
def pinball(target, prediction):
    """Return the pinball loss of the quantiles 0.1, 0.5 and 0.9."""
    quantiles = ops.convert_to_tensor([0.1, 0.5, 0.9], dtype=prediction.dtype)
    error = ops.cast(target, prediction.dtype) - prediction
    return ops.mean(ops.maximum(quantiles * error, (quantiles - 1) * error), axis=-1)


def actor_critic() -> keras.Model:
    """One body, an actor's probabilities and a critic's value, with a loss for each."""
    state = keras.Input((4,), name="state")
    x = layers.Dense(16, activation="relu", name="common")(state)
    action, critic = layers.Dense(2, activation="softmax", name="action")(x), layers.Dense(1, name="critic")(x)
    model = keras.Model(state, [action, critic], name="actor_critic")
    losses = {"action": "sparse_categorical_crossentropy", "critic": keras.losses.Huber()}
    model.compile("sgd", loss=losses, loss_weights={"action": 1.0, "critic": 0.5})
    return model


def deep_q_network() -> keras.Model:
    """A Q-network over four stacked frames."""
    frames = keras.Input((20, 20, 4), name="frames")
    x = layers.Conv2D(8, 4, strides=2, activation="relu", name="conv1")(frames)
    x = layers.Conv2D(8, 3, strides=1, activation="relu", name="conv2")(x)
    x = layers.Dense(16, activation="relu", name="dense")(layers.Flatten(name="flatten")(x))
    return keras.Model(frames, layers.Dense(4, activation="linear", name="values")(x), name="deep_q_network")


@register
class SubclassedMLP(keras.Model):
    """A subclassed model that takes a dictionary and returns one, with a nested list of layers."""

    def __init__(self, widths: tuple = (10, 8), **kwargs):
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        self.blocks = [[layers.Dense(w, activation="relu"), layers.BatchNormalization()] for w in self.widths]
        self.heads = {
            "mean": layers.Dense(1, name="mean"),
            "spread": layers.Dense(1, activation="softplus", name="spread"),
        }

    def call(self, inputs, training=False):
        """Return `mean` and `spread`."""
        x = ops.concatenate([inputs["left"], inputs["right"]], axis=-1)
        for dense, norm in self.blocks:
            x = norm(dense(x), training=training)
        return {name: head(x) for name, head in self.heads.items()}

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "widths": self.widths}


def subclassed_dictionary() -> keras.Model:
    """A subclassed network of dictionaries, called once so that it is built."""
    model = SubclassedMLP(name="subclassed_dictionary")
    model({"left": ops.zeros((2, 3)), "right": ops.zeros((2, 4))})
    return model


@register
class Residual(layers.Layer):
    """A layer within layers: a dense block with a residual connection and an own loss."""

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inner = [layers.Dense(units, activation="gelu"), layers.Dense(units)]

    def call(self, x):
        """Return the input plus what the block computes."""
        y = x
        for layer in self.inner:
            y = layer(y)
        self.add_loss(1e-3 * ops.mean(ops.square(y)))
        return x + y

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "units": self.units}


@register
class SubclassedResidual(keras.Model):
    """A subclassed model of nested layers, each of which adds a loss."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stem = layers.Dense(8, name="stem")
        self.body = keras.Sequential([Residual(8, name="inner1"), Residual(8, name="inner2")], name="body")
        self.readout = layers.Dense(2, name="readout")

    def call(self, x):
        """Return the two outputs."""
        return self.readout(self.body(self.stem(x)))


def subclassed_residual() -> keras.Model:
    """A subclassed network with add_loss in its sublayers."""
    model = SubclassedResidual(name="subclassed_residual")
    model(ops.zeros((1, 5)))
    return model
