"""Images in rows and columns, each with a caption: the frame of several figures."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from figures.style import DARK_VERMILION, VERMILION, new_figure, plot_image, shorten, text_width, title_over

_CELL = 1.45  # inches: a 28-pixel image comes out six times as large
_LINE = 0.17  # inches: the height of one line of a caption
_SIZE = 9  # points: the letters of a caption
_WIDEST = 1.65  # inches: a caption such as "✗ predicted T-shirt/top"


def image_grid(
    images: np.ndarray, captions: Sequence[str], title: str, columns: int, wrong: Sequence[bool] | None = None
) -> Figure:
    """Plot images row by row, with their captions above them.

    Args:
        images: uint8 `(n, height, width, 1)`.
        captions: n texts of one or more lines; a line wider than 1.65 inches is cut.
        title: Over the whole figure.
        columns: Images per row.
        wrong: n truth values; where true, the image gets a thick dashed frame and a coloured caption.

    Returns:
        The figure.
    """
    texts = [[shorten(line, _WIDEST, _SIZE) for line in caption.split("\n")] for caption in captions]
    widest = max(text_width(line, _SIZE) for lines in texts for line in lines)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    width = columns * max(_CELL, widest + 0.15)
    height = rows * (_CELL + 0.1 + max(map(len, texts)) * _LINE) + 0.6  # the title's two lines
    figure = new_figure(max(width, 4.5), height)  # narrower, the title would take many lines
    cells = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in cells[len(images) :]:
        axes.set_axis_off()
    for i, (axes, image, lines) in enumerate(zip(cells, images, texts, strict=False)):
        plot_image(axes, image)
        axes.set_title("\n".join(lines), fontsize=_SIZE, loc="center")
        if wrong is not None and wrong[i]:
            axes.spines[:].set(color=VERMILION, linewidth=3, linestyle=(0, (3, 1.5)))
            axes.title.set_color(DARK_VERMILION)
    title_over(figure, title)
    return figure
