"""The set of figures that a run folder holds, and an evaluation draws anew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from figures.confusion import confusion_matrix
from figures.curves import training_curves
from figures.predictions import first_predictions, worst_classified
from figures.samples import sample_images
from figures.saving import save
from figures.tsne import embed, tsne_animation, tsne_map


def save_training_figures(
    folder: Path,
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    log: list[dict],
    history: list[dict],
    steps_per_epoch: int,
) -> None:
    """Write `samples.png` and `curves.png`.

    Args:
        folder: Where to; made if missing.
        images: uint8 `(n, height, width, 1)`, training images; the first ones are drawn.
        labels: Integers `(n,)`.
        class_names: One name per class.
        log: The run's log rows.
        history: The run's history rows.
        steps_per_epoch: Where the epochs end.

    Raises:
        UserError: If a file cannot be written.
    """
    save(sample_images(images, labels, class_names), folder / "samples.png")
    save(training_curves(log, history, steps_per_epoch), folder / "curves.png")


def save_evaluation_figures(
    folder: Path, images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]
) -> None:
    """Write `first_predictions.png`, `confusion.png` and `worst.png`.

    Args:
        folder: Where to; made if missing.
        images: uint8 `(n, height, width, 1)`, test images.
        labels: Integers `(n,)`.
        probabilities: Floats `(n, classes)`.
        class_names: One name per class.

    Raises:
        UserError: If a file cannot be written.
    """
    save(first_predictions(images, labels, probabilities, class_names), folder / "first_predictions.png")
    save(confusion_matrix(labels, probabilities.argmax(axis=1), class_names), folder / "confusion.png")
    save(worst_classified(images, labels, probabilities, class_names), folder / "worst.png")


def save_tsne_figures(
    folder: Path, features: np.ndarray, labels: np.ndarray, title: str, frames: Sequence[tuple[int, np.ndarray]] = ()
) -> None:
    """Write `tsne.png`, the map of the trained features, and with frames `tsne.gif`, how it came about.

    Args:
        folder: Where to; made if missing.
        features: Floats `(n, d)` of the trained model.
        labels: Integers `(n,)`.
        title: What is mapped.
        frames: Pairs of a step and the features after it; each map starts from the one before.

    Raises:
        UserError: If a file cannot be written.
    """
    points = None
    maps = []
    for step, frame in frames:
        points = embed(frame, start=points)
        maps.append((points, labels, f"{title}, after step {step}"))
    if maps:
        tsne_animation(maps, folder / "tsne.gif")
    save(tsne_map(embed(features, start=points), labels, title), folder / "tsne.png")
