"""Writing files so that a kill at any moment leaves the old one or the new one, never a half."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from foundation.errors import UserError


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in the place of `path` in one step.

    Args:
        path: The file to create or replace; a missing folder is made.
        write: Gets the temporary file's path, which ends like `path`.

    Raises:
        UserError: If the disk is full, or the folder is read-only or gone; nothing is left behind.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise describe_os_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write `content` to `path` in one step; a missing folder is made."""
    path = Path(path)
    write_file(path, lambda temporary: temporary.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in one step, as UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` in one step, as indented JSON."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def append_line(path: Path, line: str) -> None:
    """Add one line to `path` with a single system call, so that no kill can tear it.

    Raises:
        UserError: If it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise describe_os_error(error, path) from error


def describe_os_error(error: OSError, path: Path) -> UserError:
    """Return the one-line error for `error`, met while writing `path`."""
    reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
    return UserError(f"cannot write {path}: {reason}; free some space or choose another folder")
