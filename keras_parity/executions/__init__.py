"""What can run a model: an `Execution` has a short name, starts a worker of its own and says what it can compute.

A kind of execution is one file here and one entry in `KINDS`. Today there is one kind, a Keras backend.
"""

from collections.abc import Iterable

from keras_parity.errors import UsageError
from keras_parity.executions.backend import BackendExecution, BackendKind
from keras_parity.executions.execution import Capability, Execution, ExecutionKind

__all__ = [
    "KINDS",
    "BackendExecution",
    "Capability",
    "Execution",
    "ExecutionKind",
    "find_executions",
    "installed_executions",
]

# Asked in this order whether a name is theirs.
KINDS: list[ExecutionKind] = [BackendKind()]


def installed_executions() -> tuple[Execution, ...]:
    """Return what a check compares where the user names nothing: every backend that is installed."""
    return tuple(execution for kind in KINDS for execution in kind.defaults())


def find_executions(names: Iterable[str]) -> tuple[Execution, ...]:
    """Return the executions of some names, each once.

    Raises:
        UsageError: If a name stands for none, or what it needs is not installed.
    """
    return tuple(_find(name) for name in dict.fromkeys(names))


def _find(name: str) -> Execution:
    for kind in KINDS:
        if (execution := kind.find(name)) is not None:
            return execution
    there = ", ".join(execution.name for execution in installed_executions()) or "none"
    raise UsageError(f"there is no backend {name!r}; choose among {there}")
