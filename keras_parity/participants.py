"""The executions that take part in one check: who is still in, what became of the others, and how they are asked."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from keras_parity.crew import Crew, answer_or_error
from keras_parity.errors import ModelLost, WorkerDied, WorkerError
from keras_parity.executions import Capability, Execution
from keras_parity.memory import give_back_freed_memory
from keras_parity.protocol.tasks import CloseCase, OpenCase, ReleaseMemory, RunModel, SetWeights, Task

Answer = TypeVar("Answer")


class TooFewLeft(Exception):  # noqa: N818 - no error: the check ends here, with what it has
    """Fewer than two executions are left to compare."""


@dataclass
class Participants:
    """Those who take part.

    Attributes:
        executions: All of them.
        crew: Their workers.
        time_limit: Seconds for one task.
        one_at_a_time: Whether only one may compute at a time, since the model is large.
        failures: For each that could not go on, why.
        crashes: For each whose process crashed, in a fresh one again, the path of the layer and what was said.
        restarted: Those whose process crashed once, and in a fresh one not again, with what was said.
    """

    executions: tuple[Execution, ...]
    crew: Crew
    time_limit: float
    one_at_a_time: bool = False
    failures: dict[str, str] = field(default_factory=dict)
    crashes: dict[str, tuple[str, str]] = field(default_factory=dict)
    restarted: dict[str, str] = field(default_factory=dict)
    # For each the tasks that its state comes from.
    _history: dict[str, tuple[Task[Any], ...]] = field(default_factory=dict)
    # How often each was started anew.
    _starts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for execution in self.executions:
            self.crew.worker_of(execution)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all."""
        return tuple(execution.name for execution in self.executions)

    @property
    def active(self) -> tuple[str, ...]:
        """The names of those that have not failed."""
        return tuple(name for name in self.names if name not in self.failures)

    @property
    def trainers(self) -> tuple[str, ...]:
        """The names of those of them that compute gradients."""
        return self._able(Capability.GRADIENTS)

    @property
    def exact(self) -> tuple[str, ...]:
        """The names of those of them that compute in float64."""
        return self._able(Capability.FLOAT64)

    @property
    def guests(self) -> bool:
        """Whether some of them compute no gradients, and so see inference mode alone."""
        return len(self.trainers) < len(self.active)

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what computes."""
        found: dict[str, str] = {}
        for name in self.names:
            found |= self.crew[name].versions
        return found

    def ask(self, name: str, task: Task[Answer]) -> Answer:
        """Return one execution's answer.

        Raises:
            TooFewLeft: If it fails: the others wait for its answer.
        """
        answer = self._submit(name, task).answer()
        if isinstance(answer, WorkerError):
            self.fail(name, str(answer))
            raise TooFewLeft
        return answer

    def ask_all(self, task: Task[Answer]) -> dict[str, Answer]:
        """Return the answers of all that are active and live on; see `ask_each`."""
        return self.ask_each(dict.fromkeys(self.active, task))

    def ask_each(self, tasks: Mapping[str, Task[Answer]]) -> dict[str, Answer]:
        """Return the answers of those that live on, each to its own task.

        Raises:
            TooFewLeft: If fewer than two are left.
        """
        return self.begin(tasks).answers()

    def begin(self, tasks: Mapping[str, Task[Answer]]) -> "Begun[Answer]":
        """Let executions begin their tasks, after those begun before.

        Of a large model a task begins when its answer is asked for, one execution after the other.
        """
        asked = {} if self.one_at_a_time else {name: self._submit(name, task) for name, task in tasks.items()}

        def wait() -> dict[str, Answer | WorkerError]:
            found: dict[str, Answer | WorkerError] = {}
            for name, task in tasks.items():
                if name in asked:
                    found[name] = asked[name].answer()
                else:
                    answer = self._alone(name, task)
                    found[name] = answer
            return found

        return Begun(self, wait)

    def fail(self, name: str, reason: str) -> None:
        """Leave one out from here on; the first reason is the cause."""
        self.failures.setdefault(name, reason)

    def require_two(self) -> None:
        """Go on only where two or more are left.

        Raises:
            TooFewLeft: Otherwise.
        """
        if len(self.active) < 2:
            raise TooFewLeft

    def close(self) -> None:
        """Let the workers forget the model, so that their patches come off and their memory is free.

        A worker that has not been asked, or has ended, holds no model and is not started for this.
        """
        alive = [name for name in self.names if self._history.get(name) and self.crew[name].alive]
        if alive:
            self.crew.everywhere(CloseCase(), executions=alive, time_limit=self.time_limit)

    def interrupt(self) -> None:
        """End the workers at once, whatever they are doing."""
        for name in self.names:
            self.crew[name].close()

    def _able(self, capability: Capability) -> tuple[str, ...]:
        return tuple(e.name for e in self.executions if e.name in self.active and e.can(capability))

    def _submit(self, name: str, task: Task[Answer]) -> "_Asked[Answer]":
        before = self._history.get(name, ())
        self._history[name] = _with_state(before, task)
        future = self.crew[name].submit(task, time_limit=self.time_limit)
        return _Asked(self, name, task, before, future, self._starts.get(name, 0))

    def _alone(self, name: str, task: Task[Answer]) -> Answer | WorkerError:
        """Return a task's answer while no other execution computes, and let the worker give its memory back."""
        answer = self._submit(name, task).answer()
        self._submit(name, ReleaseMemory())
        give_back_freed_memory()
        return answer

    def _try_again(self, name: str, task: Task[Answer], before: tuple[Task[Any], ...]) -> Answer | WorkerError:
        """Return the answer of a fresh process, brought to the state that the crashed one had."""
        self._starts[name] = self._starts.get(name, 0) + 1
        for earlier in before:
            answer = answer_or_error(self.crew[name].submit(earlier, time_limit=self.time_limit))
            if isinstance(answer, WorkerError):
                return answer
        again: Answer | WorkerError = answer_or_error(self.crew[name].submit(task, time_limit=self.time_limit))
        return again


def _with_state(history: tuple[Task[Any], ...], task: Task[Any]) -> tuple[Task[Any], ...]:
    """Return the tasks that a worker's state comes from, once it has performed one more."""
    if isinstance(task, OpenCase):
        return (task,)
    if isinstance(task, SetWeights | RunModel):
        return (*(earlier for earlier in history if type(earlier) is not type(task)), task)
    return history


@dataclass
class _Asked(Generic[Answer]):
    """A task that a worker performs; if its process crashes, a fresh one tries again, once."""

    participants: Participants
    name: str
    task: Task[Answer]
    before: tuple[Task[Any], ...]
    future: Future[Answer]
    start: int

    def answer(self) -> Answer | WorkerError:
        """Return the answer, or why there is none."""
        first: Answer | WorkerError = answer_or_error(self.future)
        crashed = isinstance(first, WorkerDied) and first.crashed
        # What was asked behind a task that crashed found a new process, without the model.
        lost = self.start < self.participants._starts.get(self.name, 0)
        if self.name in self.participants.failures or not (crashed or lost):
            return first
        again = self.participants._try_again(self.name, self.task, self.before)
        if isinstance(again, WorkerDied) and again.crashed:
            self.participants.crashes[self.name] = again.at, str(again)
        elif crashed and not isinstance(again, WorkerError):
            self.participants.restarted[self.name] = str(first)
        return again


@dataclass
class Begun(Generic[Answer]):
    """Tasks under way.

    Attributes:
        participants: Who performs them.
        wait: Returns each one's answer or failure.
    """

    participants: Participants
    wait: Callable[[], Mapping[str, Answer | WorkerError]]

    def answers(self) -> dict[str, Answer]:
        """Return the answers of those that have not failed, and note the failures.

        Raises:
            TooFewLeft: If fewer than two are left.
        """
        answers = self.wait()
        kept: dict[str, Answer] = {}
        for name, answer in answers.items():
            # A task begun before a failure was known found a new worker, without the model.
            if isinstance(answer, WorkerError):
                lost = isinstance(answer, ModelLost)
                text = "its process has ended in another task, as where memory runs out" if lost else str(answer)
                self.participants.fail(name, text)
            elif name not in self.participants.failures:
                kept[name] = answer
        self.participants.require_two()
        return kept
