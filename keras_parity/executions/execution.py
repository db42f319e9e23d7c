"""The interface of all executions."""

import abc
import enum
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from keras_parity.protocol.tasks import Task


class Capability(enum.Enum):
    """What an execution can compute besides the results of a model in inference mode."""

    GRADIENTS = "gradients"
    FLOAT64 = "float64"


@dataclass(frozen=True)
class Execution(abc.ABC):
    """Who computes a model.

    Attributes:
        name: Short and unambiguous within a check, as `jax`; reports print it.
    """

    name: str

    @property
    @abc.abstractmethod
    def capabilities(self) -> frozenset[Capability]:
        """What it can compute."""

    @abc.abstractmethod
    def environment(self, threads: int | None) -> dict[str, str]:
        """Return the whole environment of its process.

        Args:
            threads: How many threads it computes with; None for one per core.
        """

    @abc.abstractmethod
    def start_task(self, memory_limit_bytes: int | None) -> Task[dict[str, str]]:
        """Return its worker's first task, whose answer is the versions of what computes there.

        Args:
            memory_limit_bytes: The limit on the worker's private memory; None for none.
        """

    @property
    def interpreter(self) -> Sequence[str]:
        """The command that runs a Python program where it computes."""
        return (sys.executable,)

    def can(self, *wanted: Capability) -> bool:
        """Return whether it has all the capabilities that are wanted."""
        return self.capabilities.issuperset(wanted)


class ExecutionKind(abc.ABC):
    """A kind of execution: which names are its own, and which of them a check takes by default."""

    @property
    @abc.abstractmethod
    def examples(self) -> Sequence[str]:
        """Names of this kind, installed or not, as a message lists them."""

    @abc.abstractmethod
    def owns(self, name: str) -> bool:
        """Return whether a name is of this kind, installed or not."""

    @abc.abstractmethod
    def find(self, name: str) -> Execution | None:
        """Return the execution of a name, or None if the name is not of this kind.

        Raises:
            UsageError: If it is, but what it needs is not installed.
        """

    def defaults(self) -> Sequence[Execution]:
        """Return what a check compares where the user names nothing."""
        return ()
