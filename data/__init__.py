"""The data sets, one per file, found by file name: `mnist` is `data/mnist.py`.

A data set's module has `CLASS_NAMES` and `read(archives, cache)`. `pipeline.py` turns its arrays into tf.data.
"""

import difflib
import importlib
from pathlib import Path
from types import ModuleType

from data.split import Dataset
from foundation.errors import UserError

# The modules here that are no data sets.
_MACHINERY = {"__init__", "apparel_folder", "archives", "picture", "pipeline", "split"}

# The data sets whose inputs are no images.
WITHOUT_IMAGES = {"iris", "sentences"}


def names() -> list[str]:
    """Return the names of all data sets, sorted, without importing any."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in _MACHINERY)


def read(name: str, archives: Path | None = None, cache: Path | None = None) -> Dataset:
    """Return the data set `name`; the first time takes some seconds, later ones hardly any.

    Args:
        name: A module in `data/`.
        archives: Folder of its files; None takes those that travel with the repository, or downloads.
        cache: Folder of what is prepared once; None takes `$KERAS_PARITY_CACHE`, or the user's cache folder.

    Raises:
        UserError: If there is no such data set, or its archives or the cache cannot be used.
    """
    return _module(name).read(archives, cache)


def class_names(name: str) -> tuple[str, ...]:
    """Return the class names of the data set `name`, without reading it.

    Raises:
        UserError: If there is no such data set.
    """
    return _module(name).CLASS_NAMES


def _module(name: str) -> ModuleType:
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}"
        raise UserError(f"no data set {name!r} in data/; {hint}")
    return importlib.import_module(f"{__name__}.{name}")
