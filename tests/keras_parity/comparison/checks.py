"""A check whose executions answer what a test says, without any process."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np

from keras_parity.comparison.check import Check
from keras_parity.errors import WorkerDied, WorkerError
from keras_parity.executions import BackendExecution
from keras_parity.ledger import Ledger
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.participants import Participants
from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import Raised, Study, Value
from keras_parity.request import CheckRequest
from tests.keras_parity.verdicts import REQUEST

# By task what an execution answers: a value, an error, or a function of the execution's name and the task.
Answers = Mapping[type, Any]


class Teller:
    """A worker that answers at once.

    Args:
        name: Its execution's.
        answers: By task.
        asked: Gets each task, with the name.
    """

    versions: Mapping[str, str] = {"keras": "3.15.1"}

    def __init__(self, name: str, answers: Answers, asked: list[tuple[str, Any]]):
        self.name, self.answers, self.asked = name, answers, asked
        self.alive = True

    def submit(self, task: Any, *, time_limit: float | None = None) -> Future[Any]:
        """Return the answer as a future."""
        self.asked.append((self.name, task))
        answer = self.answers.get(type(task))
        if callable(answer):
            answer = answer(self.name, task)
        future: Future[Any] = Future()
        if isinstance(answer, WorkerError):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def close(self) -> None:
        """End."""
        self.alive = False


class Tellers(dict):
    """A crew of them."""

    def worker_of(self, execution: BackendExecution) -> Teller:
        """Return an execution's worker."""
        return self[execution.name]

    def everywhere(self, task: Any, *, executions: list[str], time_limit: float | None = None) -> dict[str, Any]:
        """Return all answers."""
        return {name: self[name].submit(task).result() for name in executions}


def make_check(answers: Answers | None = None, names: tuple[str, ...] = TRAINING_BACKENDS, **changes: Any) -> Check:
    """Return a check whose executions answer so; `check.asked` has the tasks that were asked, with the names.

    Args:
        answers: By task.
        names: Of the executions.
        changes: Of the request; `say` gets the lines on each stage.
    """
    say: Callable[[str], None] = changes.pop("say", lambda _: None)
    request: CheckRequest = replace(REQUEST, executions=names, **changes)
    asked: list[tuple[str, Any]] = []
    crew = Tellers({name: Teller(name, answers or {}, asked) for name in names})
    participants = Participants(tuple(BackendExecution(name) for name in names), crew, 10.0)
    check = Check(request, participants, Ledger(names), say)
    check.asked = asked
    return check


def tasks_of(check: Check, kind: type) -> list[tuple[str, Any]]:
    """Return the tasks of a kind that were asked, with the names."""
    return [(name, task) for name, task in check.asked if isinstance(task, kind)]


def died(name: str) -> WorkerDied:
    """Return what a worker says that was killed."""
    return WorkerDied(name, f"the {name} worker was killed (out of memory?)", exit_code=-9)


def study(
    quantity: Quantity, reference: np.ndarray | Raised, checked: np.ndarray | Raised | None = None, move: float = 1e-7
) -> Study:
    """Return what an execution computed in float64 and in float32; the same, where one is given alone."""
    results = [
        array if isinstance(array, Raised) else {quantity: Value(np.asarray(array, np.float64), "float32")}
        for array in (reference, reference if checked is None else checked)
    ]
    return Study("float32", *results, {quantity: move}, {quantity: move})
