"""Reports of a verdict: a page, JSON, Markdown, JUnit and the terminal's one screen."""

import contextlib
import errno
import os
from pathlib import Path

from keras_parity.errors import UsageError
from keras_parity.verdict import Verdict


def write_report(verdict: Verdict, folder: str | Path) -> Path:
    """Write `report.html`, `report.json` and `report.md` into a folder, made if missing, and return the page's path.

    Raises:
        UsageError: If they cannot be written.
    """
    from keras_parity.report.html import render_html
    from keras_parity.report.json_text import render_json
    from keras_parity.report.markdown import render_markdown

    page = Path(folder) / "report.html"
    write_file(page.with_suffix(".json"), render_json(verdict))
    write_file(page.with_suffix(".md"), render_markdown(verdict))
    write_file(page, render_html(verdict))
    return page


def write_file(path: str | Path, text: str) -> None:
    """Write `text` to `path` in one step, as UTF-8, so that a kill leaves the old file or the new one; make its folder.

    Raises:
        UsageError: If it cannot be written; nothing is left behind.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            path.write_text(text, encoding="utf-8")
            return
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def append_file(path: str | Path, text: str) -> None:
    """Add `text` to the end of a file, as UTF-8.

    Raises:
        UsageError: If it cannot be written.
    """
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(Path(path), error) from error


def check_writable(path: str | Path) -> None:
    """Refuse a path that could not be written to, before a long check is run for it; what was made for this is removed.

    Raises:
        UsageError: If it could not.
    """
    path = Path(path)
    missing = [folder for folder in path.parents if not folder.exists()]
    trial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not path.exists() or path.is_file():
            trial.touch()
            trial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _unwritable(path: Path, error: OSError) -> UsageError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return UsageError(f"cannot write {path}: {reason}; choose another place")
