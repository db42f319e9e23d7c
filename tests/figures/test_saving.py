"""A file is written whole or not at all."""

import contextlib
import os
import resource

import pytest
from matplotlib.figure import Figure
from PIL import Image

import figures
from foundation.errors import UserError
from foundation.files import write_bytes


@pytest.fixture
def figure():
    """A small figure of 300 by 200 pixels."""
    return Figure(figsize=(3, 2), dpi=100)


@contextlib.contextmanager
def small_files_only():
    """Let the system end every write after 100 bytes, as a full disk does; pytest's own log may be a file as well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_figure_becomes_a_png_of_its_own_size(figure, tmp_path):
    """The file has the figure's pixels, in a folder that is made for it, and nothing lies beside it."""
    path = tmp_path / "new" / "figure.png"

    figures.save(figure, path)

    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (300, 200))
    assert os.listdir(path.parent) == ["figure.png"]


def test_a_write_that_fails_half_way_leaves_the_old_file(figure, tmp_path):
    """The disk is full after 100 bytes: the old file is whole, no temporary one is left, the error is one line."""
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    with small_files_only(), pytest.raises(UserError, match=r"cannot write .*figure\.png: File too large; ") as caught:
        figures.save(figure, path)

    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["figure.png"]


def test_a_plain_write_would_have_left_half_a_file(tmp_path):
    """The twin: the limit of the test above does stop a write half-way."""
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    with small_files_only(), pytest.raises(OSError, match="File too large"):
        path.write_bytes(b"new" * 100)

    assert path.read_bytes() != b"old"


def test_an_old_file_is_replaced(tmp_path):
    """Without a failure the new content is there."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    write_bytes(path, b"new")

    assert path.read_bytes() == b"new"


def test_ctrl_c_during_a_write_leaves_nothing_behind(tmp_path, monkeypatch):
    """Not an OSError, but the temporary file goes all the same."""

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "file", b"new")

    assert os.listdir(tmp_path) == []


def test_a_path_that_cannot_be_written_is_the_users_error(figure, tmp_path):
    """A file where a folder should be, a folder where the file should be."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()

    for path in (tmp_path / "file" / "figure.png", tmp_path / "folder.png"):
        with pytest.raises(UserError, match="cannot write"):
            figures.save(figure, path)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


def test_another_ending_than_png_is_refused(figure, tmp_path):
    """A PNG called .jpg would confuse whoever opens it."""
    with pytest.raises(ValueError, match=r"figure\.jpg"):
        figures.save(figure, tmp_path / "figure.jpg")
