"""What a model is trained on in a check: targets that its losses can take, drawn by NumPy."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

# Labels that a sequence is to be aligned with by CTC: few, so that they fit into short sequences.
_CTC_LABELS = 3
# How the losses of Keras take their targets, by the beginnings of their names without underscores, or by short names.
_KINDS = {
    "sparsecategorical": "classes",
    "circle": "labels",
    "ctc": "ctc",
    "categoricalgeneralized": "classes",
    "categorical": "one-hot",
    "kldivergence": "probabilities",
    "kullbackleibler": "probabilities",
    "kld": "probabilities",
    "binary": "binary",
    "bce": "binary",
    "dice": "binary",
    "tversky": "binary",
    "hinge": "signs",
    "squaredhinge": "signs",
    "poisson": "counts",
    "meansquaredlogarithmic": "positive",
    "msle": "positive",
    "meansquared": "real",
    "meanabsolute": "real",
    "mse": "real",
    "mae": "real",
    "mape": "real",
    "huber": "real",
    "logcosh": "real",
    "cosine": "real",
}
# What a loss that is not Keras's may want, the likeliest first.
_GUESSES = ("one-hot", "binary", "real", "classes", "columns", "probabilities", "signs", "positive", "ctc")


def weigh_classes(targets: Sequence[np.ndarray], class_weight: Mapping[int, float]) -> np.ndarray | None:
    """Return each example's weight, float64 `(n,)`: that of its class, as `fit` takes them.

    Args:
        targets: Of each output: whole numbers `(n,)` or `(n, 1)`, or one-hot rows `(n, classes)`.
        class_weight: By the number of a class; those that it lacks weigh 1.

    Returns:
        The weights; None for what Keras takes no class weights of: several outputs, or targets of more axes.
    """
    if len(targets) != 1 or targets[0].ndim not in (1, 2):
        return None
    (one,) = targets
    rows = one.reshape(len(one), -1)
    classes = rows[:, 0] if rows.shape[1] == 1 else np.argmax(rows, axis=-1)
    return np.array([class_weight.get(int(label), 1.0) for label in np.round(classes)])


def draw_targets(
    losses: str | Sequence[str | None] | None, outputs: Sequence[np.ndarray], seed: int, step: int
) -> list[np.ndarray]:
    """Return targets that fit the losses and the outputs, one array for each output.

    Args:
        losses: What the loss of each output is called, as Keras knows it, None for one without; or one for all.
        outputs: The model's outputs, for their shapes; what a loss of another name takes is guessed from their values.
        seed: Of the check.
        step: Which batch.
    """
    return next(target_alternatives(losses, outputs, seed, step))


def target_alternatives(
    losses: str | Sequence[str | None] | None, outputs: Sequence[np.ndarray], seed: int, step: int
) -> Iterator[list[np.ndarray]]:
    """Yield targets to try one after the other, the likeliest first: a loss of the user's own may take any kind.

    Where Keras knows all losses, there is only one; arguments as in `draw_targets`.
    """
    names = [losses] * len(outputs) if losses is None or isinstance(losses, str) else list(losses)
    kinds = [kind_of_targets(name) for name in names]
    likeliest = [kind or _likeliest(output) for kind, output in zip(kinds, outputs, strict=True)]
    yield _draw_all(likeliest, outputs, seed, step)
    for guess in _GUESSES if None in kinds else ():
        tried = [kind or guess for kind in kinds]
        if tried != likeliest:
            yield _draw_all(tried, outputs, seed, step)


def kind_of_targets(loss: str | None) -> str | None:
    """Return what kind of targets a loss takes; None for one that Keras does not know."""
    if loss is None:
        return "real"
    name = loss.rpartition(":")[2].rpartition(".")[2].replace("_", "").lower()
    return next((kind for start, kind in _KINDS.items() if name.startswith(start)), None)


def draw_certainties(outputs: Sequence[np.ndarray], seed: int) -> list[np.ndarray] | None:
    """Return predictions of exactly 0 and 1, right ones and wrong ones, for a loss; None if no output is a probability.

    Args:
        outputs: The model's outputs; one whose values all lie from 0 to 1 is taken for probabilities.
        seed: Of the check.
    """
    probable = [output.min(initial=0.0) >= 0 and output.max(initial=1.0) <= 1 for output in outputs]
    if not any(probable):
        return None
    certainties = []
    for position, output in enumerate(outputs):
        generator = np.random.default_rng([seed, 78, position])
        classes = output.shape[-1] if output.ndim > 1 else 1
        if not probable[position]:
            certainties.append(output)
        elif classes > 1 and np.allclose(output.sum(axis=-1), 1, atol=1e-3):
            certainties.append(np.eye(classes)[generator.integers(0, classes, output.shape[:-1])])
        else:
            certainties.append(generator.integers(0, 2, output.shape).astype(np.float64))
    return certainties


def _likeliest(output: np.ndarray) -> str:
    """Return what an output looks like: probabilities of classes, of one thing or its contrary, or numbers."""
    if output.min(initial=0.0) < 0 or output.max(initial=1.0) > 1:
        return "real"
    classes = output.shape[-1] if output.ndim > 1 else 1
    return "one-hot" if classes > 1 and np.allclose(output.sum(axis=-1), 1, atol=1e-3) else "binary"


def _draw_all(kinds: Sequence[str], outputs: Sequence[np.ndarray], seed: int, step: int) -> list[np.ndarray]:
    return [
        _draw(kind, output.shape, np.random.default_rng([seed, 77, position, step]))
        for position, (kind, output) in enumerate(zip(kinds, outputs, strict=True))
    ]


def _draw(kind: str, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Return targets of a kind for an output of a shape: integers as such, other numbers as float64."""
    classes, rest = (shape[-1], shape[:-1]) if len(shape) > 1 else (2, shape)
    values: np.ndarray
    if kind == "classes":
        return generator.integers(0, classes, rest)
    if kind == "columns":
        return generator.integers(0, classes, (*rest, 1))
    if kind == "labels":
        return generator.integers(0, 3, rest)
    if kind == "ctc" and len(shape) == 3:
        return _draw_ctc(shape, generator)
    if kind == "one-hot" and len(shape) > 1:
        values = np.eye(classes)[generator.integers(0, classes, rest)]
    elif kind == "probabilities" and len(shape) > 1:
        values = generator.random(shape) + 0.05
        values = values / values.sum(axis=-1, keepdims=True)
    elif kind in ("one-hot", "binary", "probabilities"):
        values = generator.integers(0, 2, shape)
    elif kind == "signs":
        values = generator.integers(0, 2, shape) * 2 - 1
    elif kind == "counts":
        values = generator.poisson(1.5, shape)
    elif kind == "positive":
        values = np.abs(generator.standard_normal(shape))
    else:
        values = generator.standard_normal(shape)
    return values.astype(np.float32).astype(np.float64)


def _draw_ctc(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Return labels that CTC can align with an output `(batch, times, classes)`: none is 0, the blank of Keras.

    Two equal neighbours need a blank between them, so twice the labels less one have to fit into the times.
    """
    batch, times, classes = shape
    length = max(1, min(_CTC_LABELS, (times + 1) // 2))
    return generator.integers(1, max(classes, 2), (batch, length))
