"""A picture of one handwritten digit, from any file that Pillow reads, made to look like one of MNIST's.

MNIST was made so (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"): each digit was scaled,
with antialiasing and its proportions kept, to fit a square of 20x20 pixels, and placed in one of 28x28 so that its
centre of mass lies in the middle. The ink is light, up to 255, and the ground 0.
"""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from foundation.errors import UserError

# Pillow reads dozens more, among them PostScript, for which it starts another program.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
SIDE = 28  # pixels of an MNIST picture
INK_SIDE = 20  # pixels of the longer side of the digit in it
CENTRE = 14  # the row and column of the centre of mass, counted from 0: measured on the test images, 14.0 +- 0.5

# Ours, tried on the pictures of tests/data/test_picture.py.
WORKING_SIDE = 280  # at which a digit of an eighth of the page's height is still read as well as a large one
MIN_CONTRAST = 16  # of 255, between ink and ground; the grain of a blank page stays below it, a pencil is above
MIN_CONTRAST_TO_NOISE = 5  # in standard deviations of the ground
FAINT = 0.2  # what has less than this share of the ink's strength belongs to the ground
CORE = 0.4  # pixels above this share tell where the digit begins and ends


def read_picture(path: str | Path) -> np.ndarray:
    """Return the digit in a picture file as MNIST would show it.

    A picture of 28x28 pixels is taken to be made for this already: only its polarity is changed where it is dark on
    light. In any other the ground's uneven brightness is removed, and the digit cut out, scaled and centred. Of an
    animation the first frame counts; transparency counts as white paper, or as black if all that is painted is light.

    Args:
        path: A picture of any size, mode and polarity with one digit on an emptier ground.

    Returns:
        uint8 `(28, 28, 1)`: light ink on ground 0.

    Raises:
        UserError: In one line, if there is no such file, if it is no picture, damaged, larger than Pillow's limit
            against decompression bombs (89 million pixels), or blank.
    """
    grey = _read_grey(Path(path))
    if grey.shape == (SIDE, SIDE):
        if grey.max() - grey.min() < MIN_CONTRAST:
            raise _blank(path)
        if np.median(_border(grey)) > (grey.max() + grey.min()) / 2:
            grey = 255 - grey
        return grey.round().astype(np.uint8)[..., None]
    ink = _find_ink(_resize(grey))
    if ink is None:
        raise _blank(path)
    return _centre(_fit_into_square(ink))[..., None]


def _blank(path: str | Path) -> UserError:
    return UserError(f"{path} shows nothing: no ink stands out from the ground; take a picture with more contrast")


def _read_grey(path: Path) -> np.ndarray:
    """Return the picture's brightness as float32 `(height, width)` in 0..255."""
    if not path.is_file():
        raise UserError(f"there is no file {path}; give a picture of one digit, as a PNG")
    try:
        with warnings.catch_warnings():
            # Pillow only warns between its limit and twice that; such a picture is refused here as well.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                return _to_grey(ImageOps.exif_transpose(picture))  # cameras turn the picture by a note beside it
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        limit = f"{Image.MAX_IMAGE_PIXELS:,} pixels"
        raise UserError(f"{path} is a picture of more than {limit}; cut out the digit, or shrink it first") from None
    except UnidentifiedImageError:
        raise UserError(f"{path} is not a picture of the kinds {', '.join(FORMATS)}; save it as one of them") from None
    # A truncated file is an OSError, a damaged one a SyntaxError, ValueError or EOFError, by format.
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise UserError(f"{path} cannot be read as a picture ({reason}); save it again as PNG or JPEG") from error


def _to_grey(picture: Image.Image) -> np.ndarray:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture, np.float32)
        if not np.isfinite(values).all():
            raise ValueError("it holds NaN or infinite brightness")
        # White is 1, 255 or 65,535 by custom; wilder numbers are spread from the darkest to the lightest.
        white = next((white for white in (1, 255, 65535) if values.min() >= 0 and values.max() <= white), None)
        return values * (255 / white) if white else (values - values.min()) * (255 / np.ptp(values))
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("L"), np.float32)
    layers = np.asarray(picture.convert("RGBA").convert("LA"), np.float32)
    grey, opacity = layers[..., 0], layers[..., 1] / 255
    painted = (grey * opacity).sum() / max(opacity.sum(), 1e-6)
    paper = 0 if painted > 127 and opacity.min() < 0.5 else 255
    return grey * opacity + paper * (1 - opacity)


def _resize(grey: np.ndarray) -> np.ndarray:
    """Return `grey` with its longer side at `WORKING_SIDE` pixels; noise is averaged out on the way down."""
    factor = WORKING_SIDE / max(grey.shape)
    height, width = (max(1, round(side * factor)) for side in grey.shape)
    method = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(grey).resize((width, height), method))


def _border(grey: np.ndarray) -> np.ndarray:
    """Return the pixels along the four edges, as one row."""
    return np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])


def _fit_ground(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the paper's brightness at every pixel, and the standard deviation of its grain.

    A lamp or a camera lights paper unevenly, but smoothly: a quadratic surface is fitted to the edges of the picture,
    where the paper is, and then, four times, to all pixels that are near the last one.
    """
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, side) for side in grey.shape), indexing="ij")
    powers = [rows**i * columns**j for i in range(3) for j in range(3 - i)]
    terms = np.stack(powers, axis=-1).reshape(-1, len(powers))
    values = grey.reshape(-1)
    edge = np.ones(grey.shape, bool)
    edge[1:-1, 1:-1] = False
    near = edge.reshape(-1) & (np.abs(values - np.median(_border(grey))) <= 64)
    for _ in range(5):
        chosen = terms[near]
        # The normal equations: fifty times faster than the tall system, and harmless for six terms within [-1, 1].
        surface = terms @ np.linalg.lstsq(chosen.T @ chosen, chosen.T @ values[near], rcond=None)[0]
        distance = np.abs(values - surface)
        deviation = 1.5 * float(np.median(distance[near]))  # 1.48 medians of a normal distribution's distances are one
        near = distance <= max(3 * deviation, 4.0)
        if near.sum() < len(_border(grey)) / 2:
            break
    return surface.reshape(grey.shape), deviation


def _find_ink(grey: np.ndarray) -> np.ndarray | None:
    """Return the digit, cut out, as float32 in 0..1 with the ground at 0; None if nothing stands out."""
    ground, deviation = _fit_ground(grey)
    ink = grey - ground
    # Strokes are many pixels wide at this size; dust and grain are not, and vanish under a median.
    solid = np.asarray(Image.fromarray(ink).filter(ImageFilter.MedianFilter(3)))
    if solid.max() < -solid.min():  # dark on light
        ink, solid = -ink, -solid
    peak = solid.max()
    if peak < max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * deviation):
        return None
    full = np.percentile(solid[solid > peak / 2], 75)  # the strength of plain ink, whatever its brightest spot
    core = solid > CORE * full
    (top, bottom), (left, right) = (np.flatnonzero(core.any(axis=axis))[[0, -1]] for axis in (1, 0))
    cut = ink[top : bottom + 1, left : right + 1] / full
    return np.where(cut < FAINT, 0, np.clip(cut, 0, 1)).astype(np.float32)


def _fit_into_square(ink: np.ndarray) -> np.ndarray:
    """Return `ink` scaled, antialiased and with its proportions, so that its longer side has `INK_SIDE` pixels."""
    factor = INK_SIDE / max(ink.shape)
    height, width = (max(1, round(side * factor)) for side in ink.shape)
    scaled = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(scaled / max(scaled.max(), 1e-6), 0, 1)


def _centre(ink: np.ndarray) -> np.ndarray:
    """Return uint8 `(28, 28)` with the centre of mass of `ink` in the middle, as nearly as it stays inside."""
    picture = np.zeros((SIDE, SIDE), np.uint8)
    corner = []
    for axis, size in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        centre = (mass * np.arange(size)).sum() / mass.sum()
        corner.append(min(max(round(CENTRE - centre), 0), SIDE - size))
    top, left = corner
    picture[top : top + ink.shape[0], left : left + ink.shape[1]] = np.round(ink * 255)
    return picture
