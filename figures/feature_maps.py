"""What does an image become, stage by stage?"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from figures.checks import checked_images
from figures.mosaic import mosaic
from figures.style import house_style, new_figure, plot_image, title_over

_COLUMNS = 16  # maps in a row
_WIDTH = 9.0  # inches
_SIDE = 0.9  # inches: the largest map
_GAP = "#BFD7EA"  # a colour that no grey map has


@house_style
def feature_maps(image: np.ndarray, stages: Sequence[tuple[str, np.ndarray]], label: str = "") -> Figure:
    """Plot one image and the maps that each stage of a network makes of it, a panel per stage.

    Light is strong; every stage has a scale of its own, from its least to its greatest value.

    Args:
        image: uint8 `(height, width, 1)`.
        stages: Pairs of a layer's name and its output, finite numbers `(height, width, channels)`.
        label: What the image shows, for the title.

    Returns:
        The figure.

    Raises:
        ValueError: If there is no stage, or an argument is not as described.
    """
    (image,) = checked_images(np.asarray(image)[None])
    if not stages:
        raise ValueError("there is no stage to plot")
    pictures = []
    for name, maps in stages:
        maps = np.asarray(maps, np.float64)
        if maps.ndim != 3 or not maps.size or not np.isfinite(maps).all():
            raise ValueError(f"the maps of {name!r} must be finite (height, width, channels)")
        pictures.append((name, maps))
    sides, heights = [], []
    for _, maps in pictures:
        columns = min(_COLUMNS, maps.shape[2])
        sides.append(min(_SIDE, (_WIDTH - 0.6) / columns))
        heights.append(sides[-1] * -(-maps.shape[2] // _COLUMNS))
    figure = new_figure(_WIDTH, 1.2 + sum(heights) + 0.42 * (len(heights) + 1) + 0.4)
    all_axes = figure.subplots(len(pictures) + 1, 1, height_ratios=[1.2, *heights])
    plot_image(all_axes[0], image)
    all_axes[0].set_title(f"input: {image.shape[0]} × {image.shape[1]}", loc="left")
    all_axes[0].set_anchor("W")
    for axes, (name, maps), side in zip(all_axes[1:], pictures, sides, strict=True):
        height, width, channels = maps.shape
        rows, columns = -(-channels // _COLUMNS), min(_COLUMNS, channels)
        padded = np.full((rows * columns, height, width), np.nan)
        padded[:channels] = maps.transpose(2, 0, 1)
        gap = max(1, round(0.05 * width / side))
        axes.imshow(mosaic(padded.reshape(rows, columns, height, width), gap), cmap="gray", interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.set_facecolor(_GAP)
        axes.spines[:].set_visible(False)
        axes.set_anchor("W")
        low, high = maps.min(), maps.max()
        axes.set_title(f"{name}: {channels} maps of {height} × {width}, from {low:.2g} to {high:.2g}", loc="left")
    title_over(figure, f"One image{f' ({label})' if label else ''} and its feature maps, stage by stage")
    return figure
