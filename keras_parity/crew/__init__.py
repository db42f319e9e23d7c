"""One worker process per execution, started side by side and reused for many checks.

Keras fixes its backend at import, so a process holds one backend for life, and this one holds none: it imports no
framework. A worker that dies, hangs or runs out of memory costs its own answer and nothing else; the next task starts a
new one.
"""

import atexit
import os
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TypeVar

from keras_parity.backend_process import usable_cores
from keras_parity.crew.worker import Worker, answer_or_error, encode_task
from keras_parity.errors import WorkerError
from keras_parity.executions import Execution, find_executions, installed_executions
from keras_parity.platform_support import refuse_windows
from keras_parity.protocol.tasks import Task

__all__ = ["Crew", "Worker", "answer_or_error", "shared_crew"]

Answer = TypeVar("Answer")


class Crew:
    """One worker per execution: `crew["jax"]`.

    An execution that is none of the first gets its worker when it is first named.

    Args:
        executions: Executions or their names; None for all that are installed.
        time_limit: As for `Worker`.
        memory_limit_bytes: As for `Worker`, of each.

    Raises:
        UsageError: If an execution is unknown or not installed; on Windows.
    """

    def __init__(
        self,
        executions: Iterable[Execution | str] | None = None,
        *,
        time_limit: float = 300.0,
        memory_limit_bytes: int | None = None,
    ):
        refuse_windows()
        given = installed_executions() if executions is None else tuple(executions)
        first = [e if isinstance(e, Execution) else find_executions([e])[0] for e in given]
        self._time_limit, self._memory_limit_bytes = time_limit, memory_limit_bytes
        self._threads = max(1, usable_cores() // max(1, len(first)))
        self._workers: dict[str, Worker] = {}
        for execution in first:
            self.worker_of(execution)
        self._owner = os.getpid()
        atexit.register(self.close)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its executions."""
        return tuple(self._workers)

    @property
    def is_own(self) -> bool:
        """Whether it belongs to this process, and not to the one that this process is a fork of."""
        return os.getpid() == self._owner

    def worker_of(self, execution: Execution) -> Worker:
        """Return an execution's worker; it need not have been one of the first."""
        if execution.name not in self._workers:
            self._workers[execution.name] = Worker(
                execution,
                time_limit=self._time_limit,
                memory_limit_bytes=self._memory_limit_bytes,
                threads=self._threads,
            )
        return self._workers[execution.name]

    def __getitem__(self, name: str) -> Worker:
        return self._workers[name]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def everywhere(
        self, task: Task[Answer], *, executions: Iterable[str] | None = None, time_limit: float | None = None
    ) -> dict[str, Answer | WorkerError]:
        """Have several workers perform a task at once; return each one's answer, or its `WorkerError`.

        Args:
            task: What to do.
            executions: The names of those that do it; None for all.
            time_limit: Seconds, in place of the workers'.
        """
        names = self.names if executions is None else tuple(executions)
        request = encode_task(task)
        futures = {name: self[name].submit_encoded(request, time_limit) for name in names}
        try:
            return {name: answer_or_error(future) for name, future in futures.items()}
        except (KeyboardInterrupt, SystemExit):  # the tasks under way are nobody's any more
            self.close()
            raise

    def close(self) -> None:
        """End the processes; a later task starts new ones."""
        if self.is_own:
            for worker in self._workers.values():
                worker.close()


_shared: Crew | None = None
_shared_lock = threading.Lock()


def shared_crew() -> Crew:
    """Return this process's own crew, of all installed backends; its workers are started when first asked."""
    global _shared
    with _shared_lock:
        if _shared is None or not _shared.is_own:
            _shared = Crew()
        return _shared
