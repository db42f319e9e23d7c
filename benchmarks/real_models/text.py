"""Networks for texts, in the style of the Keras examples.

They are built in the backends' processes only: importing this module imports keras.
"""

import keras
from keras import layers, ops

register = keras.saving.register_keras_serializable("real_models")


@register
class TokenAndPositionEmbedding(layers.Layer):
    """Adds an embedding of each token and one of its position."""

    def __init__(self, length: int, vocabulary: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.length, self.vocabulary, self.width = length, vocabulary, width
        self.token = layers.Embedding(vocabulary, width)
        self.position = layers.Embedding(length, width)

    def call(self, tokens):
        """Return `(batch, length, width)`."""
        positions = ops.arange(0, ops.shape(tokens)[-1], 1)
        return self.token(tokens) + self.position(positions)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "length": self.length, "vocabulary": self.vocabulary, "width": self.width}


@register
class TransformerBlock(layers.Layer):
    """A post-normalised transformer block, causal or not."""

    def __init__(self, width: int, heads: int, inner: int, causal: bool = False, rate: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.width, self.heads, self.inner, self.causal, self.rate = width, heads, inner, causal, rate
        self.attention = layers.MultiHeadAttention(heads, width)
        self.feed_forward = keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)])
        self.norm1, self.norm2 = layers.LayerNormalization(epsilon=1e-6), layers.LayerNormalization(epsilon=1e-6)
        self.dropout1, self.dropout2 = layers.Dropout(rate), layers.Dropout(rate)

    def call(self, x, training=None):
        """Return the block's output, of the shape of `x`."""
        attended = self.attention(x, x, use_causal_mask=self.causal)
        x = self.norm1(x + self.dropout1(attended, training=training))
        return self.norm2(x + self.dropout2(self.feed_forward(x), training=training))

    def get_config(self):
        """Return the configuration."""
        own = {"width": self.width, "heads": self.heads, "inner": self.inner, "causal": self.causal, "rate": self.rate}
        return {**super().get_config(), **own}


def text_transformer(vocabulary: int = 500) -> keras.Model:
    """A classifier of texts behind an input that declares neither dtype nor vocabulary."""
    tokens = keras.Input((40,), name="tokens")
    x = TokenAndPositionEmbedding(40, vocabulary, 16, name="embedding")(tokens)
    x = TransformerBlock(16, 2, 16, name="block")(x)
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    x = layers.Dense(10, activation="relu", name="hidden")(layers.Dropout(0.1)(x))
    return keras.Model(tokens, layers.Dense(2, activation="softmax", name="classes")(x), name="text_transformer")


def miniature_gpt(vocabulary: int = 60) -> keras.Model:
    """A causal language model, compiled with a loss on one of its two outputs."""
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = TokenAndPositionEmbedding(12, vocabulary, 16, name="embedding")(tokens)
    x = TransformerBlock(16, 2, 24, causal=True, name="block")(x)
    model = keras.Model(tokens, [layers.Dense(vocabulary, name="logits")(x), x], name="miniature_gpt")
    model.compile("sgd", loss=[keras.losses.SparseCategoricalCrossentropy(from_logits=True), None])
    return model


def text_cnn(vocabulary: int = 80) -> keras.Model:
    """Convolutions over embedded words, as in the example that classifies texts from scratch."""
    tokens = keras.Input((None,), dtype="int64", name="tokens")
    x = layers.Dropout(0.5)(layers.Embedding(vocabulary, 12, name="embedding")(tokens))
    x = layers.Conv1D(12, 7, padding="valid", activation="relu", strides=3, name="conv1")(x)
    x = layers.Conv1D(12, 3, padding="same", activation="relu", strides=3, name="conv2")(x)
    x = layers.GlobalMaxPooling1D(name="pool")(x)
    x = layers.Dropout(0.5)(layers.Dense(12, activation="relu", name="hidden")(x))
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid", name="prediction")(x), name="text_cnn")


def bidirectional_lstm(vocabulary: int = 100) -> keras.Model:
    """Two bidirectional LSTMs over embedded words."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(vocabulary, 12, name="embedding")(tokens)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True), name="lstm1")(x)
    x = layers.Bidirectional(layers.LSTM(6), name="lstm2")(x)
    return keras.Model(tokens, layers.Dense(1, activation="sigmoid", name="prediction")(x), name="bidirectional_lstm")


def masked_tagger(vocabulary: int = 50, tags: int = 5) -> keras.Model:
    """Tags each word; padding is masked from the embedding to the loss."""
    words = keras.Input((10,), dtype="int32", name="words")
    x = layers.Embedding(vocabulary, 8, mask_zero=True, name="embedding")(words)
    x = layers.SpatialDropout1D(0.1, name="dropout")(x)
    x = layers.Bidirectional(layers.LSTM(6, return_sequences=True), name="lstm")(x)
    return keras.Model(
        words, layers.TimeDistributed(layers.Dense(tags, activation="softmax"), name="tags")(x), name="masked_tagger"
    )


def entity_recognition(vocabulary: int = 50, tags: int = 5) -> keras.Model:
    """A transformer that recognises entities, with a mask that the embedding makes."""
    words = keras.Input((10,), dtype="int32", name="words")
    x = layers.Embedding(vocabulary, 12, mask_zero=True, name="embedding")(words)
    y = layers.MultiHeadAttention(2, 6, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm1")(layers.Add(name="add1")([x, y]))
    y = layers.Dense(12, name="ff2")(layers.Dense(16, activation="relu", name="ff1")(x))
    x = layers.LayerNormalization(name="norm2")(layers.Add(name="add2")([x, y]))
    return keras.Model(words, layers.Dense(tags, activation="softmax", name="tags")(x), name="entity_recognition")


def seq2seq_lstm(source: int = 14, target: int = 16) -> keras.Model:
    """Translates character by character: the encoder's states begin the decoder's."""
    encoder_input = keras.Input((None, source), name="source")
    encoder = layers.LSTM(12, return_state=True, name="encoder")
    _, hidden, cell = encoder(encoder_input)
    decoder_input = keras.Input((None, target), name="target")
    decoder = layers.LSTM(12, return_sequences=True, return_state=True, name="decoder")
    x, _, _ = decoder(decoder_input, initial_state=[hidden, cell])
    output = layers.Dense(target, activation="softmax", name="characters")(x)
    return keras.Model([encoder_input, decoder_input], output, name="seq2seq_lstm")


def attention_seq2seq(vocabulary: int = 40) -> keras.Model:
    """An encoder-decoder of GRUs with additive attention over the masked source."""
    source = keras.Input((9,), dtype="int32", name="source")
    target = keras.Input((7,), dtype="int32", name="target")
    x = layers.Embedding(vocabulary, 8, mask_zero=True, name="source_embedding")(source)
    encoded, state = layers.GRU(8, return_sequences=True, return_state=True, name="encoder")(x)
    y = layers.Embedding(vocabulary, 8, mask_zero=True, name="target_embedding")(target)
    y = layers.GRU(8, return_sequences=True, name="decoder")(y, initial_state=state)
    context = layers.AdditiveAttention(name="attention")([y, encoded])
    y = layers.Concatenate(name="join")([y, context])
    return keras.Model([source, target], layers.Dense(vocabulary, name="logits")(y), name="attention_seq2seq")


def transformer_seq2seq(vocabulary: int = 40) -> keras.Model:
    """A transformer that translates: an encoder, and a causal decoder with cross-attention."""
    source = keras.Input((9,), dtype="int64", name="encoder_inputs")
    target = keras.Input((8,), dtype="int64", name="decoder_inputs")
    x = TokenAndPositionEmbedding(9, vocabulary, 12, name="source_embedding")(source)
    encoded = TransformerBlock(12, 2, 16, name="encoder")(x)
    y = TokenAndPositionEmbedding(8, vocabulary, 12, name="target_embedding")(target)
    z = layers.MultiHeadAttention(2, 12, name="self_attention")(y, y, use_causal_mask=True)
    y = layers.LayerNormalization(name="norm1")(y + z)
    z = layers.MultiHeadAttention(2, 12, name="cross_attention")(y, encoded)
    y = layers.LayerNormalization(name="norm2")(y + z)
    y = layers.LayerNormalization(name="norm3")(y + layers.Dense(12, activation="relu", name="feed_forward")(y))
    output = layers.Dense(vocabulary, activation="softmax", name="words")(layers.Dropout(0.5)(y))
    return keras.Model({"encoder_inputs": source, "decoder_inputs": target}, output, name="transformer_seq2seq")


@register
class FourierMixing(layers.Layer):
    """An FNet encoder: the real part of a Fourier transform over positions and features takes attention's place."""

    def __init__(self, width: int, inner: int, **kwargs):
        super().__init__(**kwargs)
        self.width, self.inner = width, inner
        self.feed_forward = keras.Sequential([layers.Dense(inner, activation="gelu"), layers.Dense(width)])
        self.norm1, self.norm2 = layers.LayerNormalization(), layers.LayerNormalization()

    def call(self, x):
        """Return the mixed features, of the shape of `x`."""
        real, _ = ops.fft2((x, ops.zeros_like(x)))
        x = self.norm1(x + real)
        return self.norm2(x + self.feed_forward(x))

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "width": self.width, "inner": self.inner}


def fourier_text(vocabulary: int = 60) -> keras.Model:
    """A classifier of texts that mixes by Fourier transforms."""
    tokens = keras.Input((16,), dtype="int32", name="tokens")
    x = TokenAndPositionEmbedding(16, vocabulary, 8, name="embedding")(tokens)
    x = FourierMixing(8, 16, name="mixing")(x)
    return keras.Model(
        tokens,
        layers.Dense(1, activation="sigmoid", name="prediction")(layers.GlobalAveragePooling1D()(x)),
        name="fourier_text",
    )


@register
class SwitchMixture(layers.Layer):
    """A mixture of experts: each token goes to the expert of its largest router probability; adds a balancing loss."""

    def __init__(self, experts: int, width: int, inner: int, **kwargs):
        super().__init__(**kwargs)
        self.experts, self.width, self.inner = experts, width, inner
        self.router = layers.Dense(experts)
        self.networks = [
            keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)]) for _ in range(experts)
        ]

    def call(self, x):
        """Return each token's expert output, scaled by the router's probability."""
        probability = ops.softmax(self.router(x))
        chosen = ops.one_hot(ops.argmax(probability, axis=-1), self.experts, dtype=probability.dtype)
        share = ops.mean(chosen, axis=(0, 1)) * ops.mean(probability, axis=(0, 1))
        self.add_loss(0.01 * self.experts * ops.sum(share))
        gates = ops.expand_dims(chosen * probability, -2)
        outputs = ops.stack([network(x) for network in self.networks], axis=-1)
        return ops.sum(outputs * gates, axis=-1)

    def get_config(self):
        """Return the configuration."""
        return {**super().get_config(), "experts": self.experts, "width": self.width, "inner": self.inner}


def switch_transformer(vocabulary: int = 60) -> keras.Model:
    """A transformer block whose feed-forward part is a mixture of experts."""
    tokens = keras.Input((12,), dtype="int32", name="tokens")
    x = TokenAndPositionEmbedding(12, vocabulary, 8, name="embedding")(tokens)
    x = layers.LayerNormalization(name="norm1")(x + layers.MultiHeadAttention(2, 4, name="attention")(x, x))
    x = layers.LayerNormalization(name="norm2")(x + SwitchMixture(3, 8, 12, name="mixture")(x))
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(tokens, layers.Dense(2, name="logits")(x), name="switch_transformer")


def word2vec(vocabulary: int = 70) -> keras.Model:
    """Skip-grams with negative samples: a word's vector times those of its contexts."""
    target = keras.Input((1,), dtype="int32", name="target")
    context = keras.Input((5,), dtype="int32", name="context")
    words = layers.Embedding(vocabulary, 8, name="words")(target)
    contexts = layers.Embedding(vocabulary, 8, name="contexts")(context)
    scores = layers.Dot(axes=2, name="scores")([words, contexts])
    return keras.Model([target, context], layers.Flatten(name="flatten")(scores), name="word2vec")


def character_gru(vocabulary: int = 30) -> keras.Model:
    """Generates characters: one-hot input, two GRUs, logits."""
    text = keras.Input((None, vocabulary), name="text")
    x = layers.GRU(12, return_sequences=True, name="gru1")(text)
    x = layers.GRU(12, return_sequences=True, reset_after=False, name="gru2")(x)
    return keras.Model(text, layers.Dense(vocabulary, name="logits")(x), name="character_gru")


def newswires(words: int = 200, topics: int = 12) -> keras.Model:
    """A multilayer perceptron over multi-hot words."""
    return keras.Sequential(
        [
            keras.Input((words,)),
            layers.Dense(24),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(topics),
            layers.Activation("softmax"),
        ],
        name="newswires",
    )


def addition_rnn(characters: int = 12) -> keras.Model:
    """Adds numbers given as texts: an LSTM's result, repeated, is decoded by another one."""
    return keras.Sequential(
        [
            keras.Input((7, characters)),
            layers.LSTM(16),
            layers.RepeatVector(4),
            layers.LSTM(16, return_sequences=True),
            layers.Dense(characters, activation="softmax"),
        ],
        name="addition_rnn",
    )


def dual_encoder(vocabulary: int = 50) -> keras.Model:
    """Matches captions with images by the similarity of their normalised projections, CLIP-like."""
    caption = keras.Input((8,), dtype="int32", name="caption")
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Embedding(vocabulary, 12, name="words")(caption)
    x = layers.UnitNormalization(name="text_unit")(layers.Dense(8, name="text")(layers.GlobalAveragePooling1D()(x)))
    y = layers.Conv2D(8, 3, strides=2, activation="gelu", name="conv")(image)
    y = layers.UnitNormalization(name="image_unit")(layers.Dense(8, name="vision")(layers.GlobalAveragePooling2D()(y)))
    logits = Similarity(name="similarity")([x, y])
    return keras.Model({"caption": caption, "image": image}, logits, name="dual_encoder")


@register
class Similarity(layers.Layer):
    """The similarity of every caption with every image of the batch, over a learned temperature."""

    def build(self, shapes):
        """Create the temperature's logarithm."""
        self.scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(1.0), name="scale")

    def call(self, inputs):
        """Return `(batch, batch)` logits."""
        caption, image = inputs
        return ops.exp(self.scale) * ops.matmul(caption, ops.transpose(image))
