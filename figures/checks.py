"""What the figures demand of their arguments; each check raises a ValueError that names the argument."""

from collections.abc import Sequence

import numpy as np


def checked_images(images) -> np.ndarray:
    """Return `images` if they are uint8 `(n, height, width, 1)` with n at least 1.

    Raises:
        ValueError: If they are anything else.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 1:
        raise ValueError(f"images must be uint8 (n, height, width, 1), not {images.dtype} {images.shape}")
    if images.size == 0:
        raise ValueError(f"there is no image to plot: the shape is {images.shape}")
    return images


def checked_names(class_names) -> tuple[str, ...]:
    """Return the names of the classes as strings of one line each.

    Raises:
        ValueError: If there is none, or a single string stands for a list of them.
    """
    if isinstance(class_names, str) or len(class_names) == 0:
        raise ValueError(f"class_names must be a sequence with one name per class, not {class_names!r}")
    return tuple(" ".join(str(name).split()) for name in class_names)


def checked_labels(labels, classes: int, name: str = "labels", length: int | None = None) -> np.ndarray:
    """Return `labels` as int64 `(n,)` if each is the index of a class.

    Args:
        labels: Integers `(n,)`.
        classes: How many there are.
        name: What the argument is called in the message.
        length: The n that is expected; any but 0 if left out.

    Raises:
        ValueError: If shape, dtype, length or range is wrong.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.size == 0 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"{name} must be integers (n,) with n > 0, not {labels.dtype} {labels.shape}")
    if length is not None and len(labels) != length:
        raise ValueError(f"there are {len(labels)} {name} where {length} were expected")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"{name} reach from {labels.min()} to {labels.max()}; there are {classes} classes")
    return labels.astype(np.int64)


def checked_outputs(outputs, class_names: Sequence[str], length: int, probabilities: bool = False) -> np.ndarray:
    """Return `outputs` as floats `(length, classes)` if they are finite.

    Args:
        outputs: Numbers `(length, classes)`.
        class_names: One name per class.
        length: Number of rows expected.
        probabilities: Whether each number must lie in [0, 1]. Rows need not sum to 1: a sigmoid's do not.

    Raises:
        ValueError: If shape or range is wrong, or a number is not finite.
    """
    outputs = np.asarray(outputs)
    if outputs.shape != (length, len(class_names)):
        raise ValueError(f"outputs must be ({length}, {len(class_names)}), images by classes, not {outputs.shape}")
    outputs = outputs.astype(np.float64)
    if not np.isfinite(outputs).all():
        raise ValueError("outputs must be finite; there are NaN or infinities among them")
    rounding = 1e-3  # a softmax in bfloat16 may exceed 1 by this much
    if probabilities and (outputs.min() < -rounding or outputs.max() > 1 + rounding):
        raise ValueError(
            f"probabilities must lie in [0, 1]; these reach from {outputs.min():.3g} to {outputs.max():.3g} "
            "(of logits, take the softmax first)"
        )
    return outputs
