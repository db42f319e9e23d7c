"""What can go wrong besides a disagreement: a user's mistake, and a worker that gives no answer."""

import difflib
import re
import signal
from typing import Any


class UsageError(Exception):
    """What the user got wrong and what to do next, in one line; the command ends with exit code 2."""


class WorkerError(Exception):
    """A backend's worker gave no answer; the text says why in one line.

    Attributes:
        execution: The name of the worker's execution.
    """

    def __init__(self, execution: str, text: str):
        super().__init__(text)
        self.execution = execution

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class WorkerDied(WorkerError):  # noqa: N818  # what happened, as a reader would say it
    """The worker's process ended during a call, or never came up.

    Attributes:
        last_words: The end of what it printed, at most a few thousand characters.
        exit_code: Its exit code, negative for a signal.
        at: The path of the layer that ran last there; empty for none.
    """

    def __init__(self, execution: str, text: str, last_words: str = "", exit_code: int | None = None, at: str = ""):
        super().__init__(execution, text)
        self.last_words = last_words
        self.exit_code = exit_code
        self.at = at

    @property
    def crashed(self) -> bool:
        """Whether a signal of its own making ended it; out of memory, the system kills it from outside."""
        return self.exit_code is not None and self.exit_code < 0 and self.exit_code != -signal.SIGKILL


class WorkerTimeout(WorkerError):  # noqa: N818  # as above
    """The worker did not answer within its time limit and was killed."""


class RemoteError(WorkerError):
    """The called function raised an exception in the worker, which lives on.

    Attributes:
        type_name: The exception's class, as `ValueError`.
        text: Its whole text.
        traceback: The traceback's text.
    """

    def __init__(self, execution: str, type_name: str, text: str, traceback: str = ""):
        super().__init__(execution, quote(f"{type_name}: {text}" if text else type_name, limit=300))
        self.type_name = type_name
        self.text = text
        self.traceback = traceback

    @property
    def out_of_memory(self) -> bool:
        """Whether the exception is the backend's way to say that memory ran out."""
        # PyTorch says "can't allocate memory", TensorFlow "OOM when allocating", JAX "Out of memory".
        text = self.text.lower()
        return self.type_name == "MemoryError" or "out of memory" in text or "allocat" in text


class ModelLost(RemoteError):  # noqa: N818  # as above
    """The worker holds no model: its process was started anew, since the one before has ended in another task."""


class NoModel(RuntimeError):  # noqa: N818  # as above
    """In a worker: it holds no model, as a process that was started anew. The parent gets a `ModelLost`."""

    def __init__(self) -> None:
        super().__init__("this worker holds no model")


class UnsupportedKeras(Exception):  # noqa: N818  # as above
    """This version of Keras works in a way that the engine cannot follow: it would judge wrongly.

    Args:
        version: Keras's.
        problem: What the engine needs of it and does not get.
    """

    def __init__(self, version: str, problem: str):
        super().__init__(f"keras {version}: {problem}; this version of keras-parity cannot judge it")


def quote(text: object, limit: int = 80) -> str:
    """Return text from elsewhere so that it is safe to print: one line, no control codes, at most `limit` long."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(text)[: 10 * limit]).split())  # Keras colours its messages
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def describe_missing(module: str, name: str, defined: list[str]) -> str:
    """Return the line that says that a module lacks a name, with those that it has."""
    if not defined:
        return f"the module {module} has no {name}; it is empty"
    close = difflib.get_close_matches(name, defined, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(sorted(defined)[:12])}"
    return f"the module {module} has no {name}; {hint}"


def a_or_an(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _rebuild(kind: type["WorkerError"], args: tuple[Any, ...], attributes: dict[str, Any]) -> "WorkerError":
    """Return an exception as it was before pickling, whatever arguments its class takes."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error
