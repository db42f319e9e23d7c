"""Where a worker is: the path of the layer that runs there, in a few bytes of memory that the parent can read.

A process that crashes answers no more; what it has left there tells in which layer.
"""

PLACE_BYTES = 512


def write_place(path: str) -> bytes:
    """Return a path as the bytes to leave, its end where it is too long."""
    encoded = path.encode()[-(PLACE_BYTES - 1) :]
    return encoded + b"\0"


def read_place(data: bytes) -> str:
    """Return the path that was left."""
    return data.partition(b"\0")[0].decode(errors="replace")
