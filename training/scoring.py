"""Scoring a classifier on a whole split, in NumPy, so that every backend is scored by the same code."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.pipeline import scale
from foundation.recipe import LOGITS, PROBABILITIES, SIGMOIDS

# Images per forward pass: the first activations of 500 are 25 MB in mnist_cnn. Ours, not tuned.
CHUNK = 500


@dataclass(frozen=True)
class Score:
    """A classifier's score on a split of n examples and k classes.

    Attributes:
        labels: int64 `(n,)`, the true classes.
        probabilities: float64 `(n, k)`; each row sums to 1, unless they are sigmoids.
        loss: Mean cross-entropy in nats; of sigmoids the binary one, over all k outputs.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    loss: float

    @property
    def predictions(self) -> np.ndarray:
        """int64 `(n,)`: the most probable class; the first one of a tie."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """Share of examples whose prediction is right."""
        return float((self.predictions == self.labels).mean())

    @property
    def accuracy_per_class(self) -> list[float | None]:
        """For each class, the share of its examples predicted right; None for a class without examples."""
        right = self.predictions == self.labels
        classes = (self.labels == label for label in range(self.probabilities.shape[1]))
        return [float(right[members].mean()) if members.any() else None for members in classes]


def predict(model, inputs: np.ndarray) -> np.ndarray:
    """Return the model's outputs for every input, the last partial chunk included.

    Args:
        model: A built `keras.Model`.
        inputs: As a split has them, `(n, ...)`.

    Returns:
        float32 `(n, k)`.
    """
    chunks = (inputs[start : start + CHUNK] for start in range(0, len(inputs), CHUNK))
    return np.concatenate([np.asarray(model.predict_on_batch(scale(chunk))) for chunk in chunks])


def score(outputs: np.ndarray, labels: np.ndarray, kind: str) -> Score:
    """Return the score of a classifier's outputs.

    Args:
        outputs: Float `(n, k)`; or `(n, 1)`, a sigmoid that tells class 1 from class 0.
        labels: Integer `(n,)` in 0..k-1.
        kind: What the outputs are: `LOGITS`, `PROBABILITIES` or `SIGMOIDS`.
    """
    outputs = np.asarray(outputs, np.float64)
    labels = np.asarray(labels, np.int64)
    if outputs.shape[1] == 1:
        outputs, kind = np.concatenate([1 - outputs, outputs], axis=1), PROBABILITIES
    if kind == LOGITS:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        probabilities = np.exp(log_probabilities)
    else:
        probabilities = outputs
        log_probabilities = _clipped_log(outputs)
    of_truth = np.arange(len(labels)), labels
    if kind == SIGMOIDS:
        logarithms = _clipped_log(1 - outputs)
        logarithms[of_truth] = log_probabilities[of_truth]
        return Score(labels, probabilities, -float(logarithms.mean()))
    return Score(labels, probabilities, -float(log_probabilities[of_truth].mean()))


def _clipped_log(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms of probabilities, clipped as Keras clips them, at its epsilon."""
    return np.log(np.clip(probabilities, 1e-7, 1.0))


def looks_like_logits(outputs: np.ndarray) -> bool:
    """Return whether a classifier's outputs are logits: probabilities lie in [0, 1] and each row sums to 1."""
    inside = outputs.min() >= 0 and outputs.max() <= 1
    return not (inside and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))


def count_right(predict_chunk: Callable, chunks: list[tuple]) -> int:
    """Return how many examples `predict_chunk` classifies right.

    Args:
        predict_chunk: From inputs to outputs `(n, k)`, or sigmoids `(n, 1)`, as an array that NumPy can read.
        chunks: Pairs of inputs and integer labels `(n,)`.
    """
    return sum(int((_decide(np.asarray(predict_chunk(inputs))) == labels).sum()) for inputs, labels in chunks)


def _decide(outputs: np.ndarray) -> np.ndarray:
    """Return the class of each row of outputs `(n, k)`, or of sigmoids `(n, 1)`."""
    return outputs[:, 0] > 0.5 if outputs.shape[1] == 1 else outputs.argmax(axis=1)
