"""Do the classes come apart inside a system? Its features, laid out on a plane by t-SNE."""

import io
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D
from PIL import Image

from figures.style import CLASS_COLOURS, house_style, ink_on, new_figure, wrap
from foundation.files import write_bytes

PERPLEXITY = 30  # the original's
_FRAME_MS, _LAST_FRAME_MS = 500, 3000  # milliseconds
_TITLE_WIDTH = 6  # inches


def embed(features: np.ndarray, start: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Lay points of many dimensions out on a plane, near ones near each other, by t-SNE.

    Perplexity 30, or a third of the number of neighbours where that is less. The first map of a series starts, as in
    the original, from the first two principal components and takes 1,000 iterations. Give each next one the map before
    it as `start`: it moves on from there with 500, half the time, so that groups keep their places from frame to frame
    and what is seen to move has moved. (A map then depends on those before it.)

    The same input gives the same bits, however many cores there are: it runs in one thread, which is also faster on
    these sizes, and far faster beside a busy framework. 500 points of 1,568 features take 2 s, or 0.8 s from a
    `start`.

    Args:
        features: Finite numbers `(n, d)`, n and d at least 2.
        start: Floats `(n, 2)`, an earlier map of the same n points.
        seed: Of the random numbers.

    Returns:
        float32 `(n, 2)`; the axes have no unit. All zero if all rows are the same.

    Raises:
        ValueError: If an argument is not as described.
    """
    # Here and not above: scikit-learn takes a second to import, and plotting a map does without it.
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    features = np.asarray(features, dtype=np.float32)
    if features.ndim != 2 or min(features.shape) < 2:
        raise ValueError(f"features must be (n, d) with both at least 2, not {features.shape}")
    if not np.isfinite(features).all():
        raise ValueError("features must be finite; there are NaN or infinities among them")
    if (features == features[0]).all():
        return np.zeros((len(features), 2), np.float32)  # t-SNE would divide by their spread
    features = features / np.abs(features).max()  # t-SNE knows no scale, but squares of large numbers overflow
    if start is not None:
        start = _checked_points(start, len(features)).astype(np.float32)
        if (start == start[0]).all():
            start = None  # points in one place would never part
    tsne = TSNE(
        n_components=2,
        perplexity=min(PERPLEXITY, max(1.0, (len(features) - 1) / 3)),
        init="pca" if start is None else start,
        max_iter=1000 if start is None else 500,
        random_state=seed,
    )
    with threadpool_limits(1):
        return tsne.fit_transform(features).astype(np.float32)


@house_style
def tsne_map(points: np.ndarray, labels: np.ndarray, title: str) -> Figure:
    """Plot each point of a map as its label, on a ground in the label's colour.

    Args:
        points: Finite numbers `(n, 2)`, n at least 1, as `embed` returns them.
        labels: Integers `(n,)`, 0 or greater; colours repeat after ten.
        title: What is mapped, or the log line that the map belongs to.

    Returns:
        The figure.

    Raises:
        ValueError: If an argument is not as described.
    """
    points, labels = _checked_map(points, labels)
    return _plot_map(points, labels, wrap(title, _TITLE_WIDTH, size=11), _limits([points]))


def tsne_animation(frames: Sequence[tuple[np.ndarray, np.ndarray, str]], path: str | pathlib.Path) -> None:
    """Write maps as an animated GIF that repeats, half a second a frame and three for the last.

    The axes are the same in all frames, wide enough for every point of every frame. A frame takes about 0.1 s to plot
    and 0.7 MB of memory.

    Args:
        frames: At least one `(points, labels, caption)`, each as for `tsne_map`; the caption is the frame's title.
        path: A file name that ends in `.gif`; an older file there is replaced, a missing folder is made.

    Raises:
        ValueError: If an argument is not as described.
        UserError: If the file cannot be written; nothing half-written is left.
    """
    path = pathlib.Path(path)
    if path.suffix.lower() != ".gif":
        raise ValueError(f"an animation is saved as .gif, not as {path.name!r}")
    if not frames:
        raise ValueError("there is no frame to plot")
    maps = [_checked_map(points, labels) for points, labels, _ in frames]
    limits = _limits([points for points, _ in maps])
    captions = [wrap(caption, _TITLE_WIDTH, size=11) for _, _, caption in frames]
    lines = max(caption.count("\n") for caption in captions)

    palette = _palette()
    images = []
    for number, ((points, labels), caption) in enumerate(zip(maps, captions, strict=True), start=1):
        caption += "\n" * (lines - caption.count("\n"))  # as high a title in each frame, so that the axes stay put
        # The number also keeps equal frames apart, which Pillow would merge.
        figure = house_style(_plot_map)(points, labels, f"{caption}\nframe {number} of {len(frames)}", limits)
        image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
        images.append(image.quantize(palette=palette, dither=Image.Dither.NONE))

    gif = io.BytesIO()
    durations = [_FRAME_MS] * (len(images) - 1) + [_LAST_FRAME_MS]
    images[0].save(gif, format="GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    write_bytes(path, gif.getvalue())


def _plot_map(points: np.ndarray, labels: np.ndarray, title: str, limits: tuple[float, float]) -> Figure:
    """Plot one map on square axes that reach from `limits[0]` to `limits[1]` both ways."""
    left, bottom, side, right = 1.05, 0.65, 6.0, 0.15  # inches
    width, height = left + side + right, bottom + side + 0.1 + 0.2 * (1 + title.count("\n"))
    figure = new_figure(width, height)
    # A layout would fit the axes to the letters of the title: from frame to frame they would move by half a pixel.
    figure.set_layout_engine("none")
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    axes.set_title(title)
    axes.set(xlim=limits, ylim=limits)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(lambda value, _: f"{value:g}")  # short, however small or large the map
    axes.set(xlabel="t-SNE component 1 (no unit)", ylabel="t-SNE component 2 (no unit)")
    axes.spines[:].set_visible(True)
    axes.add_collection(_marked_points(points, labels, figure))
    return figure


def _marked_points(points: np.ndarray, labels: np.ndarray, figure: Figure) -> PathCollection:
    """Return all points as one artist: 500 text artists would take the better part of a second to plot.

    Its paths come in pairs, a point's ground and its label on it, so that a later point covers both of an earlier one.
    """
    marks = {label: _mark(str(label)) for label in np.unique(labels)}
    grounds = [CLASS_COLOURS[label % len(CLASS_COLOURS)] for label in labels]
    to_pixels = Affine2D().scale(1 / 72) + figure.dpi_scale_trans  # a mark is plotted in points, 72 to an inch
    return PathCollection(
        [path for label in labels for path in marks[label]],
        offsets=np.repeat(points, 2, axis=0),
        offset_transform=figure.axes[0].transData,
        facecolors=[colour for ground in grounds for colour in (ground, ink_on(ground))],
        linewidths=0,
        transform=to_pixels,
    )


def _mark(text: str) -> tuple[Path, Path]:
    """Return the outlines of a ground and of the text on it, centred at (0, 0), in typographical points."""
    letters = TextPath((0, 0), text, size=8)
    box = letters.get_extents()
    centred = Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2).transform_path(letters)
    width, height = len(text) * 5 + 2.5, 8.5
    ground = Path.unit_rectangle().transformed(Affine2D().translate(-0.5, -0.5).scale(width, height))
    return ground, centred


def _palette() -> Image.Image:
    """Return the palette of all frames, as an image: each colour of a map, and its blends along soft edges.

    One palette for each frame, chosen by Pillow, would flicker and turn white into light grey.
    """
    shades = [(grey, grey, grey) for grey in np.linspace(0, 1, 17)]
    for ground in CLASS_COLOURS:
        for other in ("white", ink_on(ground)):
            # Five steps: Pillow looks colours up to within four units, and must not find a near-white for white.
            shades += [
                (1 - share) * np.array(to_rgb(ground)) + share * np.array(to_rgb(other))
                for share in np.linspace(0, 1, 5)
            ]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * np.array(shades)).astype(np.uint8).tobytes())
    return palette


def _limits(maps: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return one range for both axes that holds all points of all maps, and their grounds."""
    low, high = min(points.min() for points in maps), max(points.max() for points in maps)
    margin = 0.04 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _checked_points(points, length: int) -> np.ndarray:
    points = np.asarray(points, dtype=np.float64)
    if points.shape != (length, 2):
        raise ValueError(f"points must be ({length}, 2), not {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("points must be finite; there are NaN or infinities among them")
    return points


def _checked_map(points, labels) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError(f"labels must be integers (n,), n > 0, none negative, not {labels.dtype} {labels.shape}")
    return _checked_points(points, len(labels)), labels
