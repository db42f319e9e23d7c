"""Two sentences, as numbers: each one's words before the last are the input, its last word is the label.

Both sentences are those of the tutorial that `models/text_lstm.py` comes from. They are all there is, so the test split
is the training split: what is tested is whether they were learnt by heart.

The numbering is that of Keras's old Tokenizer, which that tutorial uses: lower case, punctuation dropped, the more
frequent words first and equals in the order in which they come, from 1; 0 is the padding, which fills a sentence up in
front, as `pad_sequences` does. It is written out here because Keras 3 has no Tokenizer, and its TextVectorization layer
pads at the end and keeps a number for unknown words.
"""

import string
from collections import Counter
from pathlib import Path

import numpy as np

from data.split import Dataset, Split

SENTENCES = ("I love programming.", "He enjoys reading books.")
LENGTH = 10  # the tutorial's


def split_words(sentence: str) -> list[str]:
    """Return a sentence's words, in lower case, without punctuation."""
    return sentence.lower().translate(str.maketrans("", "", string.punctuation)).split()


def number_words(sentences: tuple[str, ...]) -> dict[str, int]:
    """Return each word's number: from 1, the more frequent first, equals in the order in which they come."""
    counts = Counter(word for sentence in sentences for word in split_words(sentence))
    return {word: number for number, (word, _) in enumerate(counts.most_common(), start=1)}


def pad(numbers: list[int], length: int = LENGTH) -> list[int]:
    """Return the last `length` numbers, with zeros in front if there are fewer."""
    return [0] * (length - len(numbers)) + numbers[-length:]


VOCABULARY = number_words(SENTENCES)
CLASS_NAMES = ("(padding)", *VOCABULARY)


def read(archives: Path | None = None, cache: Path | None = None) -> Dataset:
    """Return the sentences: inputs int32 `(2, 10)` in 0..7, labels int64 in 1..7, both numbers of words.

    Args:
        archives: Not used; the sentences are in this file.
        cache: Not used.
    """
    numbered = [[VOCABULARY[word] for word in split_words(sentence)] for sentence in SENTENCES]
    inputs = np.array([pad(numbers[:-1]) for numbers in numbered], np.int32)
    split = Split(inputs, np.array([numbers[-1] for numbers in numbered], np.int64))
    return Dataset("sentences", split, split, CLASS_NAMES)
