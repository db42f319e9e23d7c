"""Writing a figure to a file, whole or not at all."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import UserError

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
    write_atomically(path, png.getvalue())


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write a file so that at any moment its name means the old content or all of the new.

    Args:
        path: The file; a missing folder is made.
        content: All of it.

    Raises:
        UserError: If the folder or the file cannot be written (no space, no permission, ...).
    """
    path = Path(path)
    # In the same folder, because a rename is atomic within one file system only.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot write {path}: {reason}; free some space or choose another folder") from error
