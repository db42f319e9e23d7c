"""One execution's worker: a process that performs tasks one after the other, started when first asked."""

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from concurrent.futures import Future
from typing import Any, TypeVar

from keras_parity.crew.process import Process, last_line
from keras_parity.errors import ModelLost, RemoteError, WorkerDied, WorkerError, WorkerTimeout, quote
from keras_parity.executions import Execution
from keras_parity.protocol import messages
from keras_parity.protocol.tasks import Task

START_LIMIT_SECONDS = 180.0  # ours; a start takes 1 to 3 s, and many times that on a cold disk or busy cores
Answer = TypeVar("Answer")
_Request = list[messages.Part]
_Calls = queue.SimpleQueue[tuple[Future[Any], _Request, float] | None]


class Worker:
    """A process in which one execution computes.

    It is started by the first task. Tasks are performed one after the other.

    Args:
        execution: What computes there.
        time_limit: Seconds that a task may take, the process's start not counted.
        memory_limit_bytes: The limit on its private memory; None for none. The backends alone take 0.3 to 0.5 GiB.
        threads: How many threads it computes with; None for one per core.
    """

    def __init__(
        self,
        execution: Execution,
        *,
        time_limit: float = 300.0,
        memory_limit_bytes: int | None = None,
        threads: int | None = None,
    ):
        self.execution = execution
        self.time_limit = time_limit
        self.memory_limit_bytes = memory_limit_bytes
        self.threads = threads
        self.versions: dict[str, str] = {}
        self._calls: _Calls | None = None
        self._process: Process | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Its execution's name."""
        return self.execution.name

    @property
    def alive(self) -> bool:
        """Whether its process runs; a worker that was never asked has none."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """Its process id, another one after each start; None where it has no process."""
        process = self._process
        return process.pid if process is not None and process.running else None

    def submit(self, task: Task[Answer], *, time_limit: float | None = None) -> Future[Answer]:
        """Return a future that holds a task's answer, or a `WorkerError`.

        Args:
            task: What to do. Arrays in it are not copied: leave them as they are until the future is done.
            time_limit: Seconds, in place of the worker's.
        """
        return self.submit_encoded(encode_task(task), time_limit)

    def ask(self, task: Task[Answer], *, time_limit: float | None = None) -> Answer:
        """Return a task's answer; the arguments are those of `submit`.

        Raises:
            RemoteError: If performing it raised an exception; a `ModelLost` if the worker holds no model.
            WorkerTimeout: If it took too long; the process was ended.
            WorkerDied: If the process ended meanwhile, or could not start.
        """
        future = self.submit(task, time_limit=time_limit)
        try:
            return future.result()
        except (KeyboardInterrupt, SystemExit):
            self.close()
            raise

    def submit_encoded(self, request: _Request, time_limit: float | None) -> Future[Any]:
        """Do as `submit`, with a task that `encode_task` has encoded."""
        future: Future[Any] = Future()
        with self._lock:
            if self._calls is None:
                self._calls = queue.SimpleQueue()
                # A daemon, so that a worker stuck in a loop does not keep this process from ending.
                threading.Thread(
                    target=self._serve, args=(self._calls,), name=f"{self.name} worker", daemon=True
                ).start()
            self._calls.put((future, request, self.time_limit if time_limit is None else time_limit))
        return future

    def restart(self) -> None:
        """End the process and with it all that earlier tasks have left there; the next task starts a new one."""
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing; tasks that have no answer yet fail."""
        with self._lock:
            calls, self._calls = self._calls, None
            process, self._process = self._process, None
        if calls is not None:
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting = calls.get_nowait()
                    if waiting is not None and waiting[0].set_running_or_notify_cancel():
                        waiting[0].set_exception(self._closed())
            calls.put(None)
        if process is not None:
            process.kill()

    def _serve(self, calls: _Calls) -> None:
        """Have the tasks performed in their order.

        The process is started by this thread, since Linux ends it when the thread that started it ends: a user's own
        thread may well come and go between two checks.
        """
        process = None
        with contextlib.ExitStack() as sockets:  # of the process, for this thread alone to use and to close
            while (call := calls.get()) is not None:
                future, request, time_limit = call
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    if process is None or not process.running:
                        sockets.close()
                        process = self._start(calls, sockets)
                    result = self._exchange(process, request, time_limit)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
                del call, future, request  # arrays, which would stay until the next task

    def _start(self, calls: _Calls, sockets: contextlib.ExitStack) -> Process:
        process = Process(self.execution, self.threads)
        sockets.callback(process.hang_up)
        with self._lock:
            closed = self._calls is not calls
            if not closed:
                self._process = process
        if closed:
            process.kill()
            raise self._closed()
        request = encode_task(self.execution.start_task(self.memory_limit_bytes))
        try:
            self.versions = self._exchange(process, request, START_LIMIT_SECONDS)
        except RemoteError as error:
            process.kill()
            raise WorkerDied(self.name, f"the {self.name} worker cannot start: {error}", error.traceback) from None
        return process

    def _exchange(self, process: Process, request: _Request, time_limit: float) -> Any:
        try:
            answer = messages.decode(process.exchange(request, time.monotonic() + time_limit))
            if isinstance(answer, messages.Done):
                return answer.value
            if not isinstance(answer, messages.Failure):
                raise messages.MessageError(f"{type(answer).__name__} is no answer")
            kind = ModelLost if answer.no_model else RemoteError
            error = kind(self.name, answer.type_name, answer.text, answer.traceback)
        except TimeoutError:
            process.kill()
            reason = f"the {self.name} worker gave no answer within {time_limit:g} seconds and was ended"
            raise WorkerTimeout(self.name, reason) from None
        except (OSError, EOFError):
            raise self._died(process) from None
        except Exception as damage:  # a forged answer may be of any form
            process.kill()
            reason = f"the {self.name} worker sent a damaged answer and was ended ({quote(damage)})"
            raise WorkerDied(self.name, reason) from damage
        raise error

    def _died(self, process: Process) -> WorkerDied:
        if process.killed:
            return self._closed()
        code = process.collect()
        words = process.last_words()
        if code == -signal.SIGKILL:
            how = "was killed (out of memory?)"
        elif code < 0:
            how = f"crashed ({signal.Signals(-code).name})"
        else:
            how = f"ended itself (exit code {code})"
        line = last_line(words)
        text = f"the {self.name} worker {how}{': ' if line else ''}{line}"
        return WorkerDied(self.name, text, words, code, process.last_place())

    def _closed(self) -> WorkerDied:
        return WorkerDied(self.name, f"the {self.name} worker was closed before it answered")


def encode_task(task: Task[Any]) -> _Request:
    """Return the message that asks for a task, with this process's module path and working folder."""
    import cloudpickle

    try:
        folder = os.getcwd()
    except FileNotFoundError:  # it was removed
        folder = None
    encoded, *buffers = messages.encode(task, cloudpickle.Pickler)
    return [*messages.encode((sys.path, folder, bytes(encoded))), *buffers]


def answer_or_error(future: Future[Answer]) -> Answer | WorkerError:
    """Return what a submitted task has given, or its `WorkerError`."""
    try:
        return future.result()
    except WorkerError as error:
        return error
