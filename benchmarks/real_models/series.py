"""Networks for time series and signals, and graph networks over them, in the style of the Keras examples.

They are built in the backends' processes only: importing this module imports keras.
"""

import keras
from keras import layers, ops

register = keras.saving.register_keras_serializable("real_models")


def convolutional_classifier(length: int = 40) -> keras.Model:
    """A fully convolutional classifier of time series."""
    x = series = keras.Input((length, 1), name="series")
    for i in range(3):
        x = layers.Conv1D(12, 3, padding="same", name=f"conv{i + 1}")(x)
        x = layers.ReLU(name=f"relu{i + 1}")(layers.BatchNormalization(name=f"bn{i + 1}")(x))
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(
        series, layers.Dense(2, activation="softmax", name="classes")(x), name="convolutional_classifier"
    )


def series_transformer(length: int = 24) -> keras.Model:
    """The time-series transformer of the examples, whose LayerNormalizations see a single feature."""
    x = series = keras.Input((length, 1), name="series")
    for block in ("block1", "block2"):
        y = layers.MultiHeadAttention(2, 8, dropout=0.1, name=f"{block}_attention")(x, x)
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{block}_norm1")(layers.Dropout(0.1)(y))
        residual = layers.Add(name=f"{block}_add1")([y, x])
        y = layers.Conv1D(4, 1, activation="relu", name=f"{block}_conv1")(residual)
        y = layers.Conv1D(1, 1, name=f"{block}_conv2")(layers.Dropout(0.1)(y))
        y = layers.LayerNormalization(epsilon=1e-6, name=f"{block}_norm2")(y)
        x = layers.Add(name=f"{block}_add2")([y, residual])
    x = layers.GlobalAveragePooling1D(data_format="channels_last", name="pool")(x)
    x = layers.Dense(16, activation="relu", name="hidden")(x)
    return keras.Model(series, layers.Dense(2, activation="softmax", name="classes")(x), name="series_transformer")


def wavenet(layers_per_stack: int = 4) -> keras.Model:
    """Causal convolutions with growing dilation, gated, with residual and skip connections."""
    signal = keras.Input((32, 1), name="signal")
    x = layers.Conv1D(8, 1, name="stem")(signal)
    skips = []
    for i in range(layers_per_stack):
        options = {"padding": "causal", "dilation_rate": 2**i}
        filtered = layers.Conv1D(8, 2, activation="tanh", name=f"filter{i + 1}", **options)(x)
        gate = layers.Conv1D(8, 2, activation="sigmoid", name=f"gate{i + 1}", **options)(x)
        y = layers.Conv1D(8, 1, name=f"mix{i + 1}")(layers.Multiply(name=f"gated{i + 1}")([filtered, gate]))
        skips.append(y)
        x = layers.Add(name=f"residual{i + 1}")([x, y])
    x = layers.ReLU(name="relu")(layers.Add(name="skips")(skips))
    return keras.Model(signal, layers.Conv1D(5, 1, name="logits")(x), name="wavenet")


def weather_lstm() -> keras.Model:
    """An LSTM that forecasts a temperature."""
    series = keras.Input((20, 7), name="weather")
    return keras.Model(
        series, layers.Dense(1, name="forecast")(layers.LSTM(16, name="lstm")(series)), name="weather_lstm"
    )


def anomaly_autoencoder() -> keras.Model:
    """Strided and transposed convolutions that rebuild a series."""
    return keras.Sequential(
        [
            keras.Input((32, 1)),
            layers.Conv1D(12, 7, padding="same", strides=2, activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1D(8, 7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(8, 7, padding="same", strides=2, activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1DTranspose(12, 7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(1, 7, padding="same"),
        ],
        name="anomaly_autoencoder",
    )


def temporal_convolutions() -> keras.Model:
    """Residual causal convolutions with LayerNormalization."""
    x = series = keras.Input((24, 4), name="series")
    for i, rate in enumerate((1, 2, 4), start=1):
        y = layers.Conv1D(8, 3, padding="causal", dilation_rate=rate, activation="relu", name=f"conv{i}a")(x)
        y = layers.LayerNormalization(name=f"norm{i}")(y)
        y = layers.Conv1D(8, 3, padding="causal", dilation_rate=rate, activation="relu", name=f"conv{i}b")(y)
        x = layers.Add(name=f"add{i}")([layers.Conv1D(8, 1, name=f"match{i}")(x), y])
    return keras.Model(series, layers.Dense(1, name="next")(x[:, -1, :]), name="temporal_convolutions")


@register
class PeepholeCell(layers.Layer):
    """An LSTM cell of which input and forget gate see the last cell state."""

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = units

    def build(self, shape):
        """Create kernel, recurrent kernel, peepholes and bias."""
        self.kernel = self.add_weight(shape=(shape[-1], 4 * self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, 4 * self.units), initializer="orthogonal", name="recurrent")
        self.peephole = self.add_weight(shape=(2, self.units), initializer="random_normal", name="peephole")
        self.bias = self.add_weight(shape=(4 * self.units,), initializer="zeros", name="bias")

    def call(self, inputs, states):
        """Return the output and both new states."""
        hidden, cell = states
        z = ops.matmul(inputs, self.kernel) + ops.matmul(hidden, self.recurrent) + self.bias
        i, f, c, o = ops.split(z, 4, axis=-1)
        cell_new = ops.sigmoid(f + cell * self.peephole[0]) * cell
        cell_new = cell_new + ops.sigmoid(i + cell * self.peephole[1]) * ops.tanh(c)
        hidden = ops.sigmoid(o) * ops.tanh(cell_new)
        return hidden, [hidden, cell_new]

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "units": self.units}


def custom_cells() -> keras.Model:
    """An RNN of a hand-written cell, then one of stacked cells of Keras."""
    series = keras.Input((9, 3), name="series")
    x = layers.RNN(PeepholeCell(6, name="peephole"), return_sequences=True, name="rnn")(series)
    cells = [layers.GRUCell(6, name="gru"), layers.LSTMCell(5, name="lstm"), layers.SimpleRNNCell(4, name="simple")]
    x = layers.RNN(layers.StackedRNNCells(cells, name="cells"), name="stacked")(x)
    return keras.Model(series, layers.Dense(1, name="output")(x), name="custom_cells")


def masked_series() -> keras.Model:
    """Masks the padded steps of a series for a bidirectional GRU."""
    return keras.Sequential(
        [
            keras.Input((12, 3)),
            layers.Masking(mask_value=0.0, name="masking"),
            layers.Bidirectional(layers.GRU(6, return_sequences=True), merge_mode="sum", name="gru"),
            layers.LSTM(5, go_backwards=True, name="lstm"),
            layers.Dense(2, name="output"),
        ],
        name="masked_series",
    )


def stateful_lstm(batch: int = 4) -> keras.Model:
    """An LSTM that keeps its state from batch to batch."""
    return keras.Sequential(
        [
            keras.Input(batch_shape=(batch, 6, 2)),
            layers.LSTM(6, stateful=True, name="lstm"),
            layers.Dense(1, name="output"),
        ],
        name="stateful_lstm",
    )


def electric_signals() -> keras.Model:
    """One-dimensional convolutions with leaky ReLUs over an EEG, strongly regularised."""
    x = signal = keras.Input((48, 2), name="signal")
    for i, (filters, strides) in enumerate(((8, 2), (12, 2), (16, 2)), start=1):
        x = layers.Conv1D(filters, 3, strides=strides, padding="same", activation="relu", name=f"conv{i}")(x)
        x = layers.BatchNormalization(name=f"bn{i}")(x)
    x = layers.Dropout(0.2)(layers.Flatten(name="flatten")(x))
    x = layers.Dense(12, kernel_regularizer=keras.regularizers.L2(0.01), name="dense")(x)
    x = layers.LeakyReLU(0.1, name="leaky")(x)
    x = layers.Dense(6, activation="sigmoid", activity_regularizer=keras.regularizers.L1(1e-3), name="activity")(x)
    return keras.Model(signal, layers.Dense(3, activation="softmax", name="classes")(x), name="electric_signals")


def spectrogram_classifier() -> keras.Model:
    """Turns a waveform into a spectrogram with `ops.stft`, then convolves it."""
    wave = keras.Input((256,), name="wave")
    x = Spectrogram(name="spectrogram")(wave)
    x = layers.Conv2D(6, 3, activation="relu", name="conv")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(wave, layers.Dense(4, name="logits")(x), name="spectrogram_classifier")


@register
class Spectrogram(layers.Layer):
    """The logarithm of a short-time Fourier transform's power."""

    def call(self, wave):
        """Return `(batch, frames, 33, 1)`."""
        real, imaginary = ops.stft(wave, sequence_length=64, sequence_stride=32, fft_length=64)
        return ops.expand_dims(ops.log(ops.square(real) + ops.square(imaginary) + 1e-3), -1)


def attention_pooling() -> keras.Model:
    """Attention pooling over a GRU, Luong's dot-product attention with a learned scale."""
    series = keras.Input((10, 4), name="series")
    x, last = layers.GRU(8, return_sequences=True, return_state=True, name="gru")(series)
    query = layers.Reshape((1, 8), name="query")(last)
    context = layers.Attention(use_scale=True, name="attention")([query, x])
    x = layers.Concatenate(name="join")([layers.Flatten()(context), last])
    return keras.Model(series, layers.Dense(1, name="output")(x), name="attention_pooling")


@register
class GraphConvolution(layers.Layer):
    """A graph network's layer: messages along edges, summed at their targets, then a GRU-like update."""

    def __init__(self, width: int, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.message = keras.Sequential([layers.Dense(width, activation="gelu"), layers.Dense(width)])
        self.update = layers.Dense(width, activation="tanh")

    def call(self, inputs):
        """Return the nodes' new features from `(nodes, features)` and `(2, edges)`."""
        nodes, edges = inputs
        sources, targets = edges[0], edges[1]
        messages = self.message(ops.take(nodes, sources, axis=0))
        total = ops.segment_sum(messages, targets, num_segments=nodes.shape[0])
        return self.update(ops.concatenate([nodes, total], axis=-1))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "width": self.width}


@register
class GraphNetwork(keras.Model):
    """Classifies the papers of a citation graph; the model holds the graph, its input are papers' numbers."""

    def __init__(self, papers: int = 20, features: int = 6, classes: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.papers, self.features, self.classes = papers, features, classes
        numbers = ops.arange(papers, dtype="int32")
        self.edges = ops.stack(
            [ops.concatenate([numbers, numbers]), ops.concatenate([(numbers * 7 + 1) % papers, numbers // 2])]
        )
        self.table = self.add_weight(
            shape=(papers, features), initializer="random_normal", name="features", trainable=False
        )
        self.convolution1 = GraphConvolution(8, name="convolution1")
        self.convolution2 = GraphConvolution(8, name="convolution2")
        self.readout = layers.Dense(classes, name="readout")

    def call(self, numbers):
        """Return the logits of the papers of these numbers."""
        nodes = self.convolution1([ops.convert_to_tensor(self.table), self.edges])
        nodes = nodes + self.convolution2([nodes, self.edges])
        return self.readout(ops.take(nodes, ops.squeeze(numbers, -1), axis=0))

    def get_config(self):
        """Return the configuration."""
        own = {"papers": self.papers, "features": self.features, "classes": self.classes}
        return {**super().get_config(), **own}


def graph_network() -> keras.Model:
    """A subclassed graph network with segment sums, called once so that it is built."""
    model = GraphNetwork(name="graph_network")
    model(ops.zeros((1, 1), dtype="int32"))
    return model


def molecule_network(atoms: int = 8) -> keras.Model:
    """A dense message-passing network over molecules: adjacency times features, relational, with a sum readout."""
    features = keras.Input((atoms, 5), name="features")
    adjacency = keras.Input((2, atoms, atoms), name="adjacency")
    x = features
    for i in (1, 2):
        parts = [
            layers.Dense(8, use_bias=False, name=f"relation{i}{k}")(ops.matmul(adjacency[:, k], x)) for k in (0, 1)
        ]
        x = layers.Activation("relu", name=f"relu{i}")(
            layers.Add(name=f"sum{i}")([layers.Dense(8, name=f"self{i}")(x), *parts])
        )
    x = ops.sum(x, axis=1)
    return keras.Model([features, adjacency], layers.Dense(1, name="property")(x), name="molecule_network")


@register
class GraphAttention(layers.Layer):
    """Attention over a graph's edges, normalised at each target by segment sums."""

    def __init__(self, width: int, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def build(self, shapes):
        """Create the kernel and the attention vector."""
        self.kernel = self.add_weight(shape=(shapes[0][-1], self.width), name="kernel")
        self.attention = self.add_weight(shape=(2 * self.width, 1), name="attention")

    def call(self, inputs):
        """Return new features `(batch, nodes, width)` from features and a `(batch, nodes, nodes)` adjacency."""
        nodes, adjacency = inputs
        x = ops.matmul(nodes, self.kernel)
        scores = ops.matmul(x, self.attention[: self.width]) + ops.transpose(
            ops.matmul(x, self.attention[self.width :]), (0, 2, 1)
        )
        scores = ops.where(adjacency > 0, ops.leaky_relu(scores, 0.2), -1e4)
        return ops.elu(ops.matmul(ops.softmax(scores, axis=-1), x))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "width": self.width}


def graph_attention(nodes: int = 7) -> keras.Model:
    """Two graph attention layers over dense adjacencies."""
    features = keras.Input((nodes, 4), name="features")
    adjacency = keras.Input((nodes, nodes), name="adjacency")
    x = GraphAttention(6, name="attention1")([features, adjacency])
    x = GraphAttention(6, name="attention2")([x, adjacency])
    return keras.Model([features, adjacency], layers.Dense(3, name="logits")(x), name="graph_attention")


def traffic_forecast(roads: int = 5) -> keras.Model:
    """Graph convolutions over roads at each time step, then an LSTM over time."""
    speeds = keras.Input((8, roads, 1), name="speeds")
    x = NeighbourMean(roads, name="neighbours")(speeds)
    x = layers.Dense(6, activation="relu", name="graph")(layers.Concatenate(name="join")([speeds, x]))
    x = layers.Reshape((8, roads * 6), name="flatten")(x)
    x = layers.LSTM(10, activation="tanh", name="lstm")(x)
    return keras.Model(speeds, layers.Dense(3 * roads, name="forecast")(x), name="traffic_forecast")


@register
class NeighbourMean(layers.Layer):
    """The mean of each road's two neighbours on a ring."""

    def __init__(self, roads: int, **kwargs):
        super().__init__(**kwargs)
        self.roads = roads

    def call(self, x):
        """Return the means over axis 2."""
        left = [(i - 1) % self.roads for i in range(self.roads)]
        right = [(i + 1) % self.roads for i in range(self.roads)]
        return (ops.take(x, left, axis=2) + ops.take(x, right, axis=2)) / 2

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "roads": self.roads}
