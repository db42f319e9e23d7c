"""A task finds the function that performs it."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from keras_parity.protocol.tasks import Task
from keras_parity.worker.performing import perform, performs


@dataclass(frozen=True)
class Double(Task[int]):
    """Double a number."""

    performed_in: ClassVar[str] = "tests.keras_parity.worker.test_performing"
    number: int


@dataclass(frozen=True)
class Unknown(Task[int]):
    """A task that nobody performs."""

    performed_in: ClassVar[str] = "tests.keras_parity.worker.test_performing"


@performs(Double)
def double(task: Double) -> int:
    """Return twice the number."""
    return 2 * task.number


def test_a_task_is_performed_by_its_function():
    """Which stays callable by its own name."""
    assert perform(Double(21)) == double(Double(21)) == 42


def test_a_task_that_its_module_does_not_perform_is_named():
    """As after a misspelt module."""
    with pytest.raises(LookupError, match="test_performing performs no Unknown"):
        perform(Unknown())
