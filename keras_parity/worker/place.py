"""Leaving word of where this process is, for the parent to read should it crash."""

import os

from keras_parity.protocol.place import write_place

_file: int | None = None


def leave_places_in(descriptor: int) -> None:
    """Leave word in an open file from now on."""
    global _file
    os.set_inheritable(descriptor, False)
    _file = descriptor


def leave_place(path: str) -> None:
    """Leave the path of the layer that runs."""
    if _file is not None:
        os.pwrite(_file, write_place(path), 0)
