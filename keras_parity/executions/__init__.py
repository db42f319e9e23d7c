"""What can run a model: an `Execution` has a short name, starts a worker of its own and says what it can compute.

A kind of execution is one file here and one entry in `KINDS`. Today there is one kind, a Keras backend.
"""

from collections.abc import Iterable, Sequence

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
    "refuse_unknown",
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


def refuse_unknown(name: str, others: Sequence[str] = ()) -> str:
    """Return a name as it is, if it is one of an execution, installed or not, or one of `others`.

    Raises:
        UsageError: If it is not; its text lists some that are.
    """
    if name not in others and not any(kind.owns(name) for kind in KINDS):
        known = [*(example for kind in KINDS for example in kind.examples), *others]
        raise UsageError(f"{name!r} is none of {', '.join(known)}")
    return name


def _find(name: str) -> Execution:
    for kind in KINDS:
        if (execution := kind.find(name)) is not None:
            return execution
    there = ", ".join(execution.name for execution in installed_executions()) or "none"
    raise UsageError(f"there is no backend {name!r}; choose among {there}")
