"""Messages between the parent and its workers: Python values as pickles, arrays beside them without a copy.

A worker believes its parent. The parent does not believe a worker, which may have opened a hostile file: it decodes
numbers, text, arrays and this package's own plain values, and refuses a pickle that names anything else.
"""

import builtins
import dataclasses
import enum
import importlib
import io
import math
import pickle
import socket
import struct
import time
from collections.abc import Sequence

# What a message is made of.
Part = memoryview | bytes | bytearray
MAX_PARTS = 2**20
_COUNT = struct.Struct("<Q")


@dataclasses.dataclass(frozen=True)
class Done:
    """An answer: what performing a task gave."""

    value: object


@dataclasses.dataclass(frozen=True)
class Failure:
    """An answer that tells what performing a task raised.

    Attributes:
        type_name: The exception's class.
        text: Its text.
        traceback: The traceback's text.
        no_model: Whether it was raised since the worker holds no model, as in a process that was started anew.
    """

    type_name: str
    text: str
    traceback: str
    no_model: bool = False


class MessageError(Exception):
    """The other side sent something that is no message."""


def encode(value: object, pickler: type[pickle.Pickler] = pickle.Pickler) -> list[Part]:
    """Return the parts of a message: a pickle, then the memory of each array in it.

    Args:
        value: Anything that the pickler takes.
        pickler: `cloudpickle.Pickler` also takes functions that no module holds.
    """
    buffers: list[pickle.PickleBuffer] = []
    file = io.BytesIO()
    pickler(file, protocol=5, buffer_callback=buffers.append).dump(value)
    return [file.getbuffer(), *(buffer.raw() for buffer in buffers)]


def send(connection: socket.socket, parts: Sequence[Part], deadline: float = math.inf) -> None:
    """Send a message: how many parts, the length of each, then the parts.

    Raises:
        TimeoutError: If the deadline, by `time.monotonic`, passes.
    """
    sizes = [memoryview(part).nbytes for part in parts]
    for part in (struct.pack(f"<{1 + len(sizes)}Q", len(sizes), *sizes), *parts):
        _limit_time(connection, deadline)
        connection.sendall(part)


def receive(connection: socket.socket, deadline: float = math.inf) -> list[bytearray]:
    """Return the parts of the next message, in memory that arrays may keep and write to.

    Raises:
        EOFError: If the other side has hung up.
        MessageError: If what arrives is no message.
        TimeoutError: If the deadline, by `time.monotonic`, passes.
    """
    (count,) = _COUNT.unpack(_receive_exactly(connection, _COUNT.size, deadline))
    if not 1 <= count <= MAX_PARTS:
        raise MessageError(f"a message of {count} parts")
    sizes = struct.unpack(f"<{count}Q", _receive_exactly(connection, count * _COUNT.size, deadline))
    return [_receive_exactly(connection, size, deadline) for size in sizes]


def decode(parts: list[bytearray]) -> object:
    """Return the value of a message from a worker.

    Raises:
        MessageError: If it is damaged or names anything but plain values.
    """
    try:
        return _PlainUnpickler(io.BytesIO(parts[0]), buffers=parts[1:]).load()
    except Exception as error:  # a forged pickle can raise anything
        raise MessageError(f"{type(error).__name__}: {error}") from error


def _receive_exactly(connection: socket.socket, size: int, deadline: float) -> bytearray:
    try:
        data = bytearray(size)
    except (MemoryError, OverflowError) as error:
        raise MessageError(f"a part of {size:,} bytes") from error
    view = memoryview(data)
    while view:
        _limit_time(connection, deadline)
        received = connection.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return data


def _limit_time(connection: socket.socket, deadline: float) -> None:
    """Have the next operation give up at the deadline."""
    if deadline < math.inf:
        connection.settimeout(max(deadline - time.monotonic(), 1e-3))


# Whose dataclasses and enumerations a message may name: those alone import neither keras nor a framework.
_OURS = "keras_parity.protocol."


class _PlainUnpickler(pickle.Unpickler):
    """Makes what is on its list: the types of plain values and what NumPy makes arrays with."""

    _BUILTINS = frozenset({"bytearray", "complex", "frozenset", "range", "set", "slice"})
    _NUMPY = frozenset(
        {
            ("numpy", "dtype"),
            ("numpy", "ndarray"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "scalar"),
            ("numpy._core.numeric", "_frombuffer"),
        }
    )

    def find_class(self, module: str, name: str) -> object:
        if module == "builtins" and name in self._BUILTINS:
            return getattr(builtins, name)
        if module == "collections" and name in ("OrderedDict", "deque"):
            return super().find_class(module, name)
        if (module, name) == ("builtins", "getattr"):  # so Python 3.11.2 pickles a member of an enumeration
            return _member
        if (module, name) in self._NUMPY:
            return super().find_class(module, name)
        if "." not in name and module.split(".")[0] in ("numpy", "ml_dtypes", "keras_parity"):
            found = getattr(importlib.import_module(module), name, None) if _harmless(module) else None
            if isinstance(found, type) and _plain(found) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not among the plain values")


def _member(kind: type, name: str) -> object:
    """Return a member of an enumeration, in place of `getattr`, which would give anything of anything."""
    if not (isinstance(kind, type) and issubclass(kind, enum.Enum) and name in kind.__members__):
        raise pickle.UnpicklingError(f"{name} is no member of an enumeration")
    return kind[name]


def _harmless(module: str) -> bool:
    """Say whether to import a module for its types; of this package, that which holds what crosses the wall."""
    return module in ("numpy", "numpy.dtypes", "ml_dtypes") or module.startswith(_OURS)


def _plain(kind: type) -> bool:
    import numpy as np

    if kind.__module__.startswith(_OURS):
        return dataclasses.is_dataclass(kind) or issubclass(kind, enum.Enum)
    return issubclass(kind, np.generic | np.dtype)
