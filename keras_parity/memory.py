"""Memory that was freed, given back to the system."""

import contextlib
import ctypes
import gc
import sys


def give_back_freed_memory() -> None:
    """Give it back at once: glibc keeps what was freed in pieces, gigabytes of it after a large model's arrays."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
