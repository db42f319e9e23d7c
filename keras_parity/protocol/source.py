"""What to build, as a value that a worker can build from."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class ModelSource:
    """What to build.

    Attributes:
        label: What the user typed, or the function's name.
        kind: `file`, `function`, or `model` for a built one.
        path: Of a file, absolute.
        reference: Of a function given as text, `module:name`.
        pickled: Of a function given as such, or of a built model: its bytes, and its own classes. By cloudpickle.
        kwargs: Keyword arguments for the function, pickled; they may hold functions too.
        custom: The module to import first, so that its classes are known; or None.
        sys_path: Folders that the worker searches for modules, before its own.
    """

    label: str
    kind: Literal["file", "function", "model"]
    path: str | None = None
    reference: str | None = None
    pickled: bytes | None = field(default=None, repr=False)
    kwargs: bytes | None = field(default=None, repr=False)
    custom: str | None = None
    sys_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class PickledObject:
    """An instance of a class of the user's own, to be made anew in each worker.

    Attributes:
        kind: The class, by cloudpickle.
        config: Its configuration.
        name: The class's name.
    """

    kind: bytes = field(repr=False)
    config: dict[str, Any]
    name: str
