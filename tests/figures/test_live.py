"""A live figure replaces its earlier self: in a notebook, in a window, and always in its file."""

import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from figures.live import NOTEBOOK, WINDOW, LiveFigure, find_screen
from figures.style import new_figure


def figure(width):
    """Return a figure so many inches wide."""
    return new_figure(width, 2)


def test_without_a_screen_the_last_figure_is_in_the_file(tmp_path):
    """Each one replaces the one before."""
    live = LiveFigure(tmp_path / "progress.png", None)

    live.show(figure(2))
    live.show(figure(3))

    with Image.open(tmp_path / "progress.png") as picture:
        assert picture.width == 360
    assert [path.name for path in tmp_path.iterdir()] == ["progress.png"]


def test_in_a_notebook_one_output_is_updated(tmp_path, monkeypatch):
    """The first figure is displayed, the next ones take its place."""
    shown = []

    class Handle:
        def update(self, value):
            shown.append(("update", value))

    def display(value, display_id):
        shown.append(("display", value))
        return Handle()

    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    live, first, second = LiveFigure(tmp_path / "progress.png", NOTEBOOK), figure(2), figure(3)

    live.show(first)
    live.show(second)

    assert shown == [("display", first), ("update", second)]
    assert (tmp_path / "progress.png").exists()


def test_a_window_shows_the_last_figure(tmp_path):
    """One window, whose picture changes."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    live = LiveFigure(tmp_path / "progress.png", WINDOW)

    live.show(figure(2))
    live.show(figure(3))

    assert len(pyplot.get_fignums()) == 1
    assert pyplot.figure(pyplot.get_fignums()[0]).images[0].get_array().shape == (240, 360, 4)
    pyplot.close("all")


def test_the_screen_is_found(monkeypatch):
    """A notebook's kernel, or a window that somebody asked for; else none."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    assert find_screen() is None
    monkeypatch.setenv("MPLBACKEND", "TkAgg")
    assert find_screen() == WINDOW
    monkeypatch.setenv("MPLBACKEND", "agg")
    assert find_screen() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1)))
    assert find_screen() == NOTEBOOK
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert find_screen() is None
