"""What a model is fed in a check: ordinary draws, and edge draws, since smooth random inputs find few faults.

All of it is drawn by NumPy from the check's seed, in the parent process.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Sizes that stand for the unknown ones of an input's shape: an odd one, so that paddings are seen.
UNKNOWN_SIZE = 9
# The number of tokens where nothing in the model says how many there are.
UNKNOWN_TOKENS = 10
# The draw that a loss alone sees: its predictions are exactly 0 and 1.
CERTAIN = "certain predictions"


@dataclass(frozen=True)
class InputSpec:
    """One tensor that a model takes.

    Attributes:
        name: Its name.
        shape: Its shape with the batch in front; None where any size will do.
        dtype: Keras's name of its dtype.
        tokens: For whole numbers, how many there are: they lie from 0 to `tokens` - 1; None for other inputs.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    tokens: int | None = None


@dataclass(frozen=True)
class Draw:
    """One set of inputs.

    Attributes:
        name: As reports call it.
        ordinary: Whether it is ordinary data, not an edge case.
        inputs: An array for each input, in order; or, where the user gave them, the structure as given.
    """

    name: str
    ordinary: bool
    inputs: object


def draw_inputs(
    specs: Sequence[InputSpec],
    seed: int,
    batch_size: int,
    *,
    ordinary: int = 2,
    edge: bool = True,
    special: bool = False,
) -> list[Draw]:
    """Return the draws of a check.

    Args:
        specs: What the model takes.
        seed: Of the check.
        batch_size: Examples in each draw, but for the one of a single example.
        ordinary: How many ordinary draws.
        edge: Whether to add edge draws.
        special: Whether to add NaN, infinities and subnormal numbers.
    """
    kinds = [(f"ordinary {number}", True) for number in range(1, ordinary + 1)]
    if edge:
        kinds += [("blank", False), ("constant", False), ("ties", False), ("batch of one", False)]
        if any(spec.tokens is None and spec.dtype != "bool" for spec in specs):
            kinds += [("large", False), ("tiny", False)]
    if special:
        kinds += [("NaN", False), ("infinity", False), ("subnormal", False)]
    return [
        Draw(name, is_ordinary, [_draw(spec, name, seed, i, batch_size) for i, spec in enumerate(specs)])
        for name, is_ordinary in kinds
    ]


def _draw(spec: InputSpec, kind: str, seed: int, position: int, batch_size: int) -> np.ndarray:
    generator = np.random.default_rng([seed, position, *kind.encode()])
    batch = 1 if kind == "batch of one" else batch_size
    shape = tuple(
        size if size is not None else batch if axis == 0 else UNKNOWN_SIZE for axis, size in enumerate(spec.shape)
    )
    if spec.dtype == "bool":
        return np.full(shape, kind == "constant") if kind in ("blank", "constant") else generator.random(shape) < 0.5
    if spec.tokens is not None:
        return _draw_tokens(generator, kind, shape, spec)
    values = generator.standard_normal(shape)
    if kind == "blank":
        values = np.zeros(shape)
    elif kind == "constant":
        values = np.full(shape, 0.5)
    elif kind == "ties":
        # Halves from 0 to 1: pooling windows full of equal maxima, and zeros among them.
        values = generator.integers(0, 3, shape) / 2
    elif kind == "large":
        values = values * 1000
    elif kind == "tiny":
        values = values * 1e-6
    elif kind in ("NaN", "infinity", "subnormal"):
        special = {"NaN": np.nan, "infinity": np.inf, "subnormal": 1e-40}[kind]
        values[generator.random(shape) < 0.05] = special
        values.flat[0] = special
    # Every precision sees the very same numbers.
    return values.astype(np.float32).astype(np.float64)


def _draw_tokens(generator, kind: str, shape: tuple[int, ...], spec: InputSpec) -> np.ndarray:
    dtype = spec.dtype if np.dtype(spec.dtype).kind in "iu" else "int32"
    values = generator.integers(0, spec.tokens, shape)
    if kind == "blank":  # fully padded rows
        values = np.zeros(shape)
    elif kind == "constant":  # one repeated token
        values = np.full(shape, min(1, spec.tokens - 1))
    elif kind == "ties":  # two tokens only, then padding; the first row has none and the last one nothing else
        values = generator.integers(max(spec.tokens - 2, 0), spec.tokens, shape)
        if len(shape) > 1:
            for row in range(shape[0]):
                values[row, shape[1] - row * shape[1] // max(shape[0] - 1, 1) :] = 0
    elif kind == "large":  # the last token
        values = np.full(shape, spec.tokens - 1)
    values = values.astype(dtype)
    return values if np.dtype(spec.dtype).kind in "iu" else values.astype(np.float64)


def draw_targets(loss: str, outputs: list[np.ndarray], seed: int, step: int) -> list[np.ndarray]:
    """Return targets that fit a loss and the outputs, one array for each.

    Args:
        loss: The loss's name, as Keras knows it.
        outputs: The model's outputs, for their shapes.
        seed: Of the check.
        step: Which batch.
    """
    name = loss.replace("_", "").lower()
    targets = []
    for position, output in enumerate(outputs):
        generator = np.random.default_rng([seed, 77, position, step])
        if name.startswith("sparse"):
            targets.append(generator.integers(0, output.shape[-1], output.shape[:-1]))
            continue
        if name.startswith("ctc"):
            targets.append(generator.integers(1, max(output.shape[-1], 2), (output.shape[0], 2)))
            continue
        if name.startswith(("categorical", "kl", "circle")) and output.ndim > 1:
            values = np.eye(output.shape[-1])[generator.integers(0, output.shape[-1], output.shape[:-1])]
        elif name.startswith(("binary", "dice", "tversky")):
            values = generator.integers(0, 2, output.shape)
        elif "hinge" in name:
            values = generator.integers(0, 2, output.shape) * 2 - 1
        elif name.startswith(("poisson", "meansquaredlog", "msle", "kl")):
            values = np.abs(generator.standard_normal(output.shape))
        else:
            values = generator.standard_normal(output.shape)
        targets.append(values.astype(np.float32).astype(np.float64))
    return targets


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
