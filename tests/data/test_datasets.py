"""Fashion-MNIST, Iris and the sentences are what they claim to be."""

import gzip

import numpy as np
import pytest

import data
from data.archives import EMBEDDED
from data.fashion_mnist import ORIGINAL
from data.sentences import CLASS_NAMES, SENTENCES, VOCABULARY, number_words, pad, split_words


@pytest.fixture(scope="module")
def fashion(workers):
    """Fashion-MNIST, prepared by a worker, whose process may import TensorFlow."""
    return workers["jax"].run(data.read, "fashion_mnist")


def registered_sums():
    """Return the sums that tensorflow_datasets has for Fashion-MNIST, by file name."""
    import tensorflow_datasets as tfds

    infos = tfds.image_classification.FashionMNIST.url_infos
    return {url.rsplit("/", 1)[-1]: info.checksum for url, info in infos.items()}


def split_like_keras(sentences):
    """Return the words that Keras's TextVectorization finds."""
    import keras

    layer = keras.layers.TextVectorization()
    layer.adapt(list(sentences))
    return set(layer.get_vocabulary()[2:])


@pytest.mark.parametrize(("split", "kind"), [("train", "train"), ("test", "t10k")])
def test_fashion_mnist_is_the_archives_content_in_their_order(fashion, split, kind):
    """All 70,000 images and labels, bit for bit; not MNIST's, whose files have the same names."""
    images, labels = (
        np.frombuffer(
            gzip.decompress((EMBEDDED / "fashion_mnist" / f"{kind}-{name}-ubyte.gz").read_bytes())[head:], np.uint8
        )
        for name, head in (("images-idx3", 16), ("labels-idx1", 8))
    )

    np.testing.assert_array_equal(getattr(fashion, split).inputs.ravel(), images)
    np.testing.assert_array_equal(getattr(fashion, split).labels, labels)


def test_fashion_mnist_begins_with_the_known_labels(fashion, workers):
    """Ankle boots first; MNIST, prepared in the same cache, keeps its own."""
    mnist = workers["jax"].run(data.read, "mnist")

    assert fashion.train.labels[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert mnist.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert fashion.class_names[9] == "Ankle boot"


def test_the_sums_are_the_librarys(workers):
    """The SHA-256 sums in data/fashion_mnist.py are those that tensorflow_datasets has registered."""
    assert workers["jax"].run(registered_sums) == ORIGINAL.archive_sums


def test_iris_asks_for_setosa():
    """120 flowers train and 30 test, a third of each Setosa, standardised by those that train."""
    iris = data.read("iris")

    assert (iris.train.inputs.shape, iris.test.inputs.shape) == ((120, 4), (30, 4))
    assert (iris.train.labels.sum(), iris.test.labels.sum()) == (40, 10)
    assert iris.train.inputs.dtype == np.float32
    np.testing.assert_allclose(iris.train.inputs.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(iris.train.inputs.std(axis=0), 1, atol=1e-6)
    assert np.abs(iris.test.inputs.mean(axis=0)).max() > 1e-3
    assert iris.class_names[1] == "Setosa"


def test_no_flower_is_lost_or_twice():
    """Training and test flowers are scikit-learn's 150: back in centimetres every fifth is a test flower."""
    from sklearn.datasets import load_iris

    iris, measurements = data.read("iris"), load_iris().data
    tested = np.arange(150) % 5 == 4
    mean, deviation = measurements[~tested].mean(axis=0), measurements[~tested].std(axis=0)

    np.testing.assert_allclose(iris.train.inputs * deviation + mean, measurements[~tested], atol=1e-5)
    np.testing.assert_allclose(iris.test.inputs * deviation + mean, measurements[tested], atol=1e-5)


def test_the_sentences_are_numbered_and_padded_in_front():
    """The words before the last are the input, the last is the label."""
    sentences = data.read("sentences")

    assert sentences.train.inputs.tolist() == [[0] * 8 + [1, 2], [0] * 7 + [4, 5, 6]]
    assert [CLASS_NAMES[label] for label in sentences.train.labels] == ["programming", "books"]
    assert VOCABULARY == {"i": 1, "love": 2, "programming": 3, "he": 4, "enjoys": 5, "reading": 6, "books": 7}


def test_the_words_are_those_that_keras_finds(worker):
    """Our splitting and TextVectorization's give the same words, on every backend."""
    words = {word for sentence in SENTENCES for word in split_words(sentence)}

    assert worker.run(split_like_keras, SENTENCES) == words
    assert worker.run(split_like_keras, ("Another sentence!",)) != words


def test_frequent_words_get_low_numbers():
    """As Keras's old Tokenizer numbers them."""
    assert number_words(("a b, b c.", "C! b")) == {"b": 1, "c": 2, "a": 3}


def test_a_long_sentence_keeps_its_end():
    """As `pad_sequences` cuts it."""
    assert pad([1, 2, 3], length=2) == [2, 3]
    assert pad([1, 2], length=3) == [0, 1, 2]
