"""Which function of a worker performs which task."""

import importlib
from collections.abc import Callable
from typing import Any, TypeVar

from keras_parity.protocol.tasks import Task

Answer = TypeVar("Answer")

_performers: dict[type[Task[Any]], Callable[[Any], Any]] = {}


def performs(
    kind: type[Task[Answer]],
) -> Callable[[Callable[[Any], Answer]], Callable[[Any], Answer]]:
    """Return a decorator for the function that performs tasks of a kind: it takes the task and returns its answer."""

    def register(function: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
        _performers[kind] = function
        return function

    return register


def perform(task: Task[Answer]) -> Answer:
    """Return a task's answer.

    Raises:
        LookupError: If the module that it names performs no such task.
        Exception: Whatever performing it raises.
    """
    kind = type(task)
    if kind not in _performers:
        importlib.import_module(kind.performed_in)
    if kind not in _performers:
        raise LookupError(f"{kind.performed_in} performs no {kind.__name__}")
    answer: Answer = _performers[kind](task)
    return answer
