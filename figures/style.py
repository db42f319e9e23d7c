"""The look that all figures share: size, colours, and how class names are fitted into them."""

import functools
import textwrap

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path

DPI = 120  # 8 inches make 960 pixels: readable on a screen without zooming

# Okabe and Ito's palette, chosen to be told apart with every common form of colour blindness.
BLUE, VERMILION, GREEN, ORANGE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#6E6E6E"
DARK_VERMILION = "#A84300"  # for text: vermilion itself is too light on white

# Paul Tol's "muted" scheme: ten colours for ten classes, also safe.
CLASS_COLOURS = (
    "#332288", "#CC6677", "#117733", "#DDCC77", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#DDDDDD",
)  # fmt: skip

_SETTINGS = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "figure.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": "#DDDDDD",
    "text.usetex": False,
    "text.parse_math": False,  # "$" in a class name is a dollar, not the start of a formula
}


def house_style(plot):
    """Decorate a figure function: it gets this module's style, whatever the caller's matplotlib settings are."""

    @functools.wraps(plot)
    def plot_in_style(*args, **kwargs):
        with matplotlib.style.context(["default", _SETTINGS]):
            figure = plot(*args, **kwargs)
            figure.canvas.draw()  # ticks are made at the first draw, and take the style of that moment
            return figure

    return plot_in_style


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, `width` by `height` inches, that makes room for its own labels and needs no display."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))  # inches
    FigureCanvasAgg(figure)
    return figure


def plot_image(axes: Axes, image) -> None:
    """Plot one image, uint8 `(height, width, 1)`, in its stored polarity, without ticks."""
    axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(GREY)


def title_over(figure: Figure, text: str) -> None:
    """Put a title over the whole figure, broken into as many lines as its width asks for."""
    figure.suptitle(wrap(text, figure.get_figwidth() - 0.3, size=12))


def wrap(text: str, inches: float, size: float) -> str:
    """Return `text` in lines that fit into a width at a font size in points; longer words are broken."""
    for characters in range(max(1, min(len(text), 200)), 0, -1):  # no line of ours is longer
        lines = textwrap.wrap(text, characters)
        if all(text_width(line, size) <= inches for line in lines):
            break
    return "\n".join(lines)


def shorten(line: str, inches: float, size: float) -> str:
    """Return `line`, cut with "…" if it does not fit into a width at a font size in points."""
    if text_width(line, size) <= inches:
        return line
    line = line[:200]  # more never fits, and each length is measured
    while line and text_width(line + "…", size) > inches:
        line = line[:-1]
    return line.rstrip() + "…"


def text_width(line: str, size: float) -> float:
    """Return the width of a line in inches, at a font size in points."""
    width, _, _ = text_to_path.get_text_width_height_descent(line, FontProperties(size=size), ismath=False)
    return width / 72


def ink_on(ground) -> str:
    """Return black or white, whichever is easier to read on a colour (WCAG 2.1, relative luminance)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(ground))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "white" if luminance < 0.179 else "black"
