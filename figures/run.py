"""The set of figures that a run folder holds, and an evaluation plots anew."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from figures.confusion import confusion_matrix
from figures.curves import training_curves
from figures.descent import descent
from figures.feature_maps import feature_maps
from figures.kernels import kernel_images
from figures.overfitting import overfitting
from figures.predictions import first_predictions, worst_classified
from figures.samples import sample_images
from figures.saving import save
from figures.side_by_side import outputs_side_by_side
from figures.tsne import embed, tsne_animation, tsne_map
from figures.validation import validation_curves


def save_samples(folder: Path, images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> None:
    """Write `samples.png` and `four_samples.png`, the 2×2 grid.

    Args:
        folder: Where to; made if missing.
        images: uint8 `(n, height, width, 1)`, training images; the first ones are plotted.
        labels: Integers `(n,)`.
        class_names: One name per class.

    Raises:
        UserError: If a file cannot be written.
    """
    save(sample_images(images, labels, class_names), folder / "samples.png")
    save(sample_images(images, labels, class_names, count=4, columns=2), folder / "four_samples.png")


def save_curves(
    folder: Path, log: list[dict], history: list[dict], steps_per_epoch: int, image_by_image: bool = False
) -> None:
    """Write `curves.png`; with a validation split `validation.png`, and with batches of one image `descent.png`.

    Args:
        folder: Where to; made if missing.
        log: The run's log rows.
        history: The run's history rows.
        steps_per_epoch: Where the epochs end.
        image_by_image: Whether every image is a step.

    Raises:
        UserError: If a file cannot be written.
    """
    save(training_curves(log, history, steps_per_epoch), folder / "curves.png")
    if history and "val_loss" in history[0]:
        save(validation_curves(history), folder / "validation.png")
    if log and image_by_image:
        save(descent(log, steps_per_epoch), folder / "descent.png")


def save_inside_figures(
    folder: Path,
    kernels: Mapping[str, np.ndarray],
    image: np.ndarray,
    stages: Sequence[tuple[str, np.ndarray]],
    label: str,
) -> None:
    """Write `kernels.png` and `feature_maps.png`, where there are any.

    Args:
        folder: Where to; made if missing.
        kernels: By layer name, floats `(height, width, channels, filters)`.
        image: uint8 `(height, width, 1)`.
        stages: Pairs of a layer's name and its output for the image, floats `(height, width, channels)`.
        label: What the image shows.

    Raises:
        UserError: If a file cannot be written.
    """
    if kernels:
        save(kernel_images(kernels), folder / "kernels.png")
    if stages:
        save(feature_maps(image, stages, label), folder / "feature_maps.png")


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


def save_figures_beside(
    folder: Path,
    images: np.ndarray,
    truths: np.ndarray,
    outputs: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    logs: Mapping[str, list[dict]],
    steps_per_epoch: Sequence[int],
) -> None:
    """Write `outputs_beside.png`, and `overfitting.png` where the logs have an epoch's end.

    Args:
        folder: Where to; made if missing.
        images: uint8 `(n, height, width, 1)`, a few test images.
        truths: Integers `(n,)`.
        outputs: By network, floats `(n, classes)` in [0, 1].
        class_names: One name per class.
        logs: By network, its log rows.
        steps_per_epoch: Steps of an epoch of each.

    Raises:
        UserError: If a file cannot be written.
    """
    save(outputs_side_by_side(images, truths, outputs, class_names), folder / "outputs_beside.png")
    ends = [
        any(row["step"] % steps == 0 for row in log) for log, steps in zip(logs.values(), steps_per_epoch, strict=True)
    ]
    if all(ends) and len(set(steps_per_epoch)) == 1:
        save(overfitting(logs, steps_per_epoch[0]), folder / "overfitting.png")
