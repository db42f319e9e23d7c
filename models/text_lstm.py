"""An LSTM that learns the last word of two sentences from the words before it.

30,360 parameters: 400 + 29,440 + 520, for a vocabulary of seven words and the padding.

Origin: a tutorial of small networks in three frameworks, its recurrent part (its text is not public).

It only prints the summary; that the network is trained, and on what, is ours.

Deviations: none in the layers. The padding is not masked, as the original has no mask. On TensorFlow the embedding's
gradient is sparse, and Keras's Adam there squares it before it adds up what belongs to the same word: the padding,
which stands in every sentence many times, moves otherwise than on JAX and PyTorch (tests/models/test_originals.py).
"""

from typing import TYPE_CHECKING

from foundation.recipe import Recipe

if TYPE_CHECKING:
    import keras

RECIPE = Recipe(
    dataset="sentences",
    batch_size=1,
    epochs=50,
    optimizer="adam",
    learning_rate=0.001,
    loss="sparse_categorical_crossentropy",
    log="keras",
    log_every=0,
)


def build(words: int | None = None) -> "keras.Model":
    """Build the network, uncompiled and freshly initialised.

    Args:
        words: Size of the vocabulary, the padding included; None takes that of the two sentences.

    Returns:
        A model from int32 word numbers `(batch, 10)` to the probabilities of the next word, float32 `(batch, words)`.
    """
    import keras
    from keras import layers

    from data.sentences import CLASS_NAMES, LENGTH

    words = words or len(CLASS_NAMES)
    sentence = keras.Input((LENGTH,), dtype="int32", name="sentence")
    x = layers.Embedding(words, 50, name="embedding")(sentence)  # (10, 50)
    x = layers.LSTM(64, name="lstm")(x)  # (64,)
    output = layers.Dense(words, activation="softmax", name="output")(x)
    return keras.Model(sentence, output, name="text_lstm")
