"""What can go wrong besides a disagreement: a user's mistake, and a worker that gives no answer."""

import re


class UsageError(Exception):
    """What the user got wrong and what to do next, in one line; the command ends with exit code 2."""


class WorkerError(Exception):
    """A backend's worker gave no answer; the text says why in one line.

    Attributes:
        backend: The worker's backend.
    """

    def __init__(self, backend: str, text: str):
        super().__init__(text)
        self.backend = backend

    def __reduce__(self):
        return _rebuild, (type(self), self.args, self.__dict__)


class WorkerDied(WorkerError):  # noqa: N818  # what happened, as a reader would say it
    """The worker's process ended during a call, or never came up.

    Attributes:
        last_words: The end of what it printed, at most a few thousand characters.
        exit_code: Its exit code, negative for a signal.
    """

    def __init__(self, backend: str, text: str, last_words: str = "", exit_code: int | None = None):
        super().__init__(backend, text)
        self.last_words = last_words
        self.exit_code = exit_code


class WorkerTimeout(WorkerError):  # noqa: N818  # as above
    """The worker did not answer within its time limit and was killed."""


class RemoteError(WorkerError):
    """The called function raised an exception in the worker, which lives on.

    Attributes:
        type_name: The exception's class, as `ValueError`.
        text: Its whole text.
        traceback: The traceback's text.
    """

    def __init__(self, backend: str, type_name: str, text: str, traceback: str = ""):
        super().__init__(backend, quote(f"{type_name}: {text}" if text else type_name, limit=300))
        self.type_name = type_name
        self.text = text
        self.traceback = traceback

    @property
    def out_of_memory(self) -> bool:
        """Whether the exception is the backend's way to say that memory ran out."""
        # PyTorch says "can't allocate memory", TensorFlow "OOM when allocating", JAX "Out of memory".
        text = self.text.lower()
        return self.type_name == "MemoryError" or "out of memory" in text or "allocat" in text


def quote(text: object, limit: int = 80) -> str:
    """Return text from elsewhere so that it is safe to print: one line, no control codes, at most `limit` long."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(text)[: 10 * limit]).split())  # Keras colours its messages
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def _rebuild(kind: type, args: tuple, attributes: dict) -> WorkerError:
    """Return an exception as it was before pickling, whatever arguments its class takes."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error
