"""Writing a figure to a file, whole or not at all."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from foundation.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save(figure: "Figure", path: str | Path) -> None:
    """Write a figure as a PNG, at the figure's own size and resolution.

    Args:
        figure: What to write.
        path: A file name that ends in `.png`; an older file there is replaced, a missing folder is made.

    Raises:
        ValueError: If `path` does not end in `.png`.
        UserError: If the file cannot be written; an older one is then untouched and nothing new is left.
    """
    import matplotlib.style  # here, so that `import figures` does not load matplotlib

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"a figure is saved as .png, not as {path.name!r}")
    png = io.BytesIO()
    with matplotlib.style.context("default"):  # a notebook's own settings must not crop or recolour the file
        figure.savefig(png, format="png", dpi=figure.dpi)
    write_bytes(path, png.getvalue())
