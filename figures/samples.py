"""Which images does a system learn from?"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from figures.checks import checked_images, checked_labels, checked_names
from figures.grid import image_grid
from figures.style import house_style, new_figure, plot_image, shorten


@house_style
def sample_images(
    images: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    count: int = 20,
    kind: str = "training images",
    columns: int = 5,
) -> Figure:
    """Plot the first images of a set, each under its label.

    Args:
        images: uint8 `(n, height, width, 1)`, n at least 1; of more than `count` the rest is not plotted, and the title
            says so. One image is plotted alone, with its label as title.
        labels: Integers `(n,)`, indices into `class_names`.
        class_names: One name per class.
        count: The most images to plot, at least 1.
        kind: What the images are, for the title.
        columns: Images in a row.

    Returns:
        The figure.

    Raises:
        ValueError: If an argument is not as described.
    """
    images = checked_images(images)
    class_names = checked_names(class_names)
    labels = checked_labels(labels, len(class_names), length=len(images))
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    captions = [class_names[label] for label in labels[:count]]
    if len(images) == 1:
        figure = new_figure(3.2, 3.4)
        axes = figure.subplots()
        plot_image(axes, images[0])
        axes.set_title(f"label: {shorten(captions[0], 2.2, size=11)}", loc="center")
        return figure
    part = f"{count:,} of {len(images):,}" if count < len(images) else f"{len(images):,}"
    return image_grid(images[:count], captions, title=f"{part} {kind}, with their labels", columns=columns)
