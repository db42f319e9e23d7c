"""Scoring a classifier on a whole split, in NumPy, so that every backend is scored by the same code."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data.pipeline import scale

# Images per forward pass: the first activations of 500 are 25 MB in mnist_cnn. Ours, not tuned.
CHUNK = 500


@dataclass(frozen=True)
class Score:
    """A classifier's score on a split of n examples and k classes.

    Attributes:
        labels: int64 `(n,)`, the true classes.
        probabilities: float64 `(n, k)`, each row summing to 1.
        loss: Mean cross-entropy in nats.
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
        inputs: uint8 `(n, ...)`.

    Returns:
        float32 `(n, k)`.
    """
    chunks = (inputs[start : start + CHUNK] for start in range(0, len(inputs), CHUNK))
    return np.concatenate([np.asarray(model.predict_on_batch(scale(chunk))) for chunk in chunks])


def score(outputs: np.ndarray, labels: np.ndarray, from_logits: bool) -> Score:
    """Return the score of a classifier's outputs.

    Args:
        outputs: Float `(n, k)`, logits or probabilities.
        labels: Integer `(n,)` in 0..k-1.
        from_logits: Which of the two `outputs` are.
    """
    outputs = np.asarray(outputs, np.float64)
    if from_logits:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        probabilities = np.exp(log_probabilities)
    else:
        probabilities = outputs
        # Clipped as Keras clips probabilities, at its epsilon.
        log_probabilities = np.log(np.clip(outputs, 1e-7, 1.0))
    loss = -log_probabilities[np.arange(len(labels)), labels].mean()
    return Score(np.asarray(labels, np.int64), probabilities, float(loss))


def looks_like_logits(outputs: np.ndarray) -> bool:
    """Return whether a classifier's outputs are logits: probabilities lie in [0, 1] and each row sums to 1."""
    inside = outputs.min() >= 0 and outputs.max() <= 1
    return not (inside and np.allclose(outputs.sum(axis=1), 1, atol=1e-3))


def count_right(predict_chunk: Callable, chunks: list[tuple]) -> int:
    """Return how many examples `predict_chunk` classifies right.

    Args:
        predict_chunk: From inputs to outputs `(n, k)`, as an array that NumPy can read.
        chunks: Pairs of inputs and integer labels `(n,)`.
    """
    return sum(int((np.asarray(predict_chunk(inputs)).argmax(axis=1) == labels).sum()) for inputs, labels in chunks)
