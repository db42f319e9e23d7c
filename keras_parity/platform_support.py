"""Which operating systems the engine runs on: Linux and macOS."""

import sys

from keras_parity.errors import UsageError


def refuse_windows() -> None:
    """Refuse Windows before anything starts there.

    Each backend runs in a worker process, and what starts, limits and ends it has no counterpart on Windows: the worker
    inherits a socket's file descriptor, limits its memory by the module `resource`, and leads a process group of its
    own, so that whatever a model has started ends with it. The Windows Subsystem for Linux is Linux.

    Raises:
        UsageError: On Windows.
    """
    if sys.platform == "win32":
        raise UsageError(
            "keras-parity does not run on Windows: its workers need inherited file descriptors, the module resource and"
            " process groups. Run it on Linux, on macOS or in the Windows Subsystem for Linux (WSL)"
        )
