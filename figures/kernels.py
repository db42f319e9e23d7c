"""What do the convolutions look for?"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from figures.mosaic import mosaic
from figures.style import GREY, house_style, new_figure, title_over

_WIDTH = 8.0  # inches, the figure's
_PANEL = 6.4  # inches, the widest picture beside its colour bar
_LARGEST = 0.55  # inches: a kernel of a layer with few of them


@house_style
def kernel_images(kernels: Mapping[str, np.ndarray]) -> Figure:
    """Plot the kernels of convolutions: a panel per layer, a column per filter, a row per input channel.

    Red is positive, blue negative and white nought, on one scale per layer.

    Args:
        kernels: By layer name, finite numbers `(height, width, channels, filters)`, as Keras has them.

    Returns:
        The figure.

    Raises:
        ValueError: If there is none, or one is not as described.
    """
    if not kernels:
        raise ValueError("there is no kernel to plot")
    panels = {}
    for name, kernel in kernels.items():
        kernel = np.asarray(kernel, np.float64)
        if kernel.ndim != 4 or not kernel.size or not np.isfinite(kernel).all():
            raise ValueError(f"the kernels of {name!r} must be finite (height, width, channels, filters)")
        panels[name] = kernel
    cells = [min(_LARGEST, _PANEL / kernel.shape[3]) for kernel in panels.values()]  # inches, a kernel's side
    heights = [max(0.7, cell * kernel.shape[2]) for cell, kernel in zip(cells, panels.values(), strict=True)]
    figure = new_figure(_WIDTH, sum(heights) + 0.75 * len(heights) + 0.5)
    all_axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, kernel), height in zip(all_axes, panels.items(), heights, strict=True):
        rows, columns, channels, filters = kernel.shape
        limit = np.abs(kernel).max() or 1.0
        picture = axes.imshow(
            mosaic(kernel.transpose(2, 3, 0, 1)), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest",
            aspect="equal", origin="upper",
        )  # fmt: skip
        axes.set_facecolor(GREY)
        axes.set(xticks=[], yticks=[], ylabel="channel" if channels > 1 else "")
        axes.set_title(f"{name}: {filters} filters of {rows} × {columns}, on {channels} channel{'s'[: channels > 1]}")
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(picture, ax=axes, fraction=0.04, pad=0.02, aspect=max(6, 14 * height))
        bar.set_ticks([-limit, 0, limit], labels=[f"{-limit:.2g}", "0", f"{limit:.2g}"])
        bar.outline.set_visible(False)
    title_over(figure, "Kernels of the convolutions, a column per filter")
    return figure
