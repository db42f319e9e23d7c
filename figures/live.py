"""Showing a figure again and again while it changes: in a notebook, in a window, or as a file."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures.saving import save

NOTEBOOK, WINDOW = "notebook", "window"


def find_screen() -> str | None:
    """Return where a figure can be shown now: `NOTEBOOK`, `WINDOW` (somebody asked matplotlib for one), or None.

    A window takes the focus from other work, so it is opened only where `MPLBACKEND` names a backend that has windows.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and hasattr(shell, "kernel"):
        return NOTEBOOK
    wanted = os.environ.get("MPLBACKEND", "").lower()
    has_windows = wanted.startswith(("tk", "qt", "gtk", "wx", "macosx"))
    return WINDOW if has_windows else None


class LiveFigure:
    """A figure that replaces its earlier self on the screen, and lies in a file too.

    Args:
        path: The PNG file that holds the last one shown.
        screen: What `find_screen` returned.
    """

    def __init__(self, path: Path, screen: str | None):
        self._path, self._screen = path, screen
        self._handle: Any = None  # the notebook's output, or the window's picture

    def show(self, figure: Figure) -> None:
        """Show `figure` in the place of the one before.

        Raises:
            UserError: If the file cannot be written.
        """
        save(figure, self._path)
        if self._screen == NOTEBOOK:
            self._show_in_notebook(figure)
        elif self._screen == WINDOW:
            self._show_in_window(figure)

    def _show_in_notebook(self, figure: Figure) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(figure, display_id=True)
        else:
            self._handle.update(figure)

    def _show_in_window(self, figure: Figure) -> None:
        import matplotlib.pyplot as plt

        canvas: Any = figure.canvas
        pixels = np.asarray(canvas.buffer_rgba())
        if self._handle is None:
            window = plt.figure(figsize=figure.get_size_inches(), dpi=figure.dpi)
            self._handle = window.figimage(pixels)
            plt.show(block=False)
        self._handle.set_data(pixels)
        self._handle.figure.canvas.draw_idle()
        self._handle.figure.canvas.flush_events()
