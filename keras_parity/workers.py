"""One process per Keras backend, started side by side and reused for many checks.

Keras fixes its backend at import, so a process holds one backend for life, and this one holds none: it imports no
framework. A worker that dies, hangs or runs out of memory costs its own answer and nothing else; the next call starts a
new one.
"""

import atexit
import contextlib
import importlib.util
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

from keras_parity import messages
from keras_parity.errors import RemoteError, UsageError, WorkerDied, WorkerError, WorkerTimeout, quote

BACKENDS = ("tensorflow", "jax", "torch", "openvino")
START_LIMIT_SECONDS = 180.0  # ours; a start takes 1 to 3 s, and many times that on a cold disk or busy cores
LAST_WORDS = 8_000  # characters kept of what a worker prints


def installed_backends() -> tuple[str, ...]:
    """Return the backends whose packages are here, without importing any."""
    return tuple(name for name in BACKENDS if importlib.util.find_spec(name) is not None)


class Worker:
    """A process whose Keras runs on one backend.

    It is started by the first call. Calls are answered one after the other.

    Args:
        backend: A Keras backend.
        time_limit: Seconds that a call may take, the process's start not counted.
        memory_limit_bytes: The limit on its private memory; None for none. The backends alone take 0.3 to 0.5 GiB.
        threads: How many threads the backend computes with; None for one per core.
    """

    _start_function = "keras_parity.worker_process:start_keras"

    def __init__(
        self,
        backend: str,
        *,
        time_limit: float = 300.0,
        memory_limit_bytes: int | None = None,
        threads: int | None = None,
    ):
        self.backend = backend
        self.time_limit = time_limit
        self.memory_limit_bytes = memory_limit_bytes
        self.threads = threads
        self.versions: dict[str, str] = {}
        self._calls: queue.SimpleQueue | None = None
        self._process: _Process | None = None
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether its process runs; a worker that was never called has none."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """Its process id, another one after each start; None where it has no process."""
        process = self._process
        return process.pid if process is not None and process.running else None

    def submit(self, function: str, *args, time_limit: float | None = None, **kwargs) -> Future:
        """Return a future that holds what a function returns in the worker, or a `WorkerError`.

        Args:
            function: `module:name`, imported there.
            *args: What cloudpickle takes. Arrays are not copied: leave them as they are until the future is done.
            time_limit: Seconds, in place of the worker's.
            **kwargs: As `args`.
        """
        return self._submit(_encode_request(function, args, kwargs), time_limit)

    def call(self, function: str, *args, time_limit: float | None = None, **kwargs) -> object:
        """Return what a function returns in the worker; the arguments are those of `submit`.

        Raises:
            RemoteError: If it raised an exception.
            WorkerTimeout: If it took too long; the process was ended.
            WorkerDied: If the process ended meanwhile, or could not start.
        """
        future = self.submit(function, *args, time_limit=time_limit, **kwargs)
        try:
            return future.result()
        except (KeyboardInterrupt, SystemExit):
            self.close()
            raise

    def restart(self) -> None:
        """End the process and with it all that earlier calls have left there; the next call starts a new one."""
        self.close()

    def close(self) -> None:
        """End the process, whatever it is doing; calls that have no answer yet fail."""
        with self._lock:
            calls, self._calls = self._calls, None
            process, self._process = self._process, None
        if calls is not None:
            with contextlib.suppress(queue.Empty):
                while True:
                    future, _, _ = calls.get_nowait()
                    if future.set_running_or_notify_cancel():
                        future.set_exception(self._closed())
            calls.put(None)
        if process is not None:
            process.kill()

    def _submit(self, request: list, time_limit: float | None) -> Future:
        future: Future = Future()
        with self._lock:
            if self._calls is None:
                self._calls = queue.SimpleQueue()
                # A daemon, so that a worker stuck in a loop does not keep this process from ending.
                threading.Thread(
                    target=self._serve, args=(self._calls,), name=f"{self.backend} worker", daemon=True
                ).start()
            self._calls.put((future, request, self.time_limit if time_limit is None else time_limit))
        return future

    def _serve(self, calls: queue.SimpleQueue) -> None:
        """Have the calls answered in their order.

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
                    result = self._ask(process, request, time_limit)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
                del call, future, request  # arrays, which would stay until the next call

    def _start(self, calls: queue.SimpleQueue, sockets: contextlib.ExitStack) -> "_Process":
        process = _Process(self.backend, self.threads)
        sockets.callback(process.hang_up)
        with self._lock:
            closed = self._calls is not calls
            if not closed:
                self._process = process
        if closed:
            process.kill()
            raise self._closed()
        request = _encode_request(self._start_function, (self.backend, self.memory_limit_bytes), {})
        try:
            self.versions = self._ask(process, request, START_LIMIT_SECONDS)
        except RemoteError as error:
            process.kill()
            raise WorkerDied(
                self.backend, f"the {self.backend} worker cannot start: {error}", error.traceback
            ) from None
        return process

    def _ask(self, process: "_Process", request: list, time_limit: float) -> object:
        try:
            kind, *content = messages.decode(process.exchange(request, time.monotonic() + time_limit))
            if kind == "value":
                return content[0]
            error = RemoteError(self.backend, *content)
        except TimeoutError:
            process.kill()
            reason = f"the {self.backend} worker gave no answer within {time_limit:g} seconds and was ended"
            raise WorkerTimeout(self.backend, reason) from None
        except (OSError, EOFError):
            raise self._died(process) from None
        except Exception as damage:  # a forged answer may be of any form
            process.kill()
            reason = f"the {self.backend} worker sent a damaged answer and was ended ({quote(damage)})"
            raise WorkerDied(self.backend, reason) from damage
        raise error

    def _died(self, process: "_Process") -> WorkerDied:
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
        line = _last_line(words)
        return WorkerDied(self.backend, f"the {self.backend} worker {how}{': ' if line else ''}{line}", words, code)

    def _closed(self) -> WorkerDied:
        return WorkerDied(self.backend, f"the {self.backend} worker was closed before it answered")


class Workers:
    """One worker per backend: `workers["jax"]`.

    Args:
        backends: Their names; None for all that are installed.
        time_limit: As for `Worker`.
        memory_limit_bytes: As for `Worker`, of each.

    Raises:
        UsageError: If a backend is unknown or not installed.
    """

    def __init__(
        self,
        backends: Iterable[str] | None = None,
        *,
        time_limit: float = 300.0,
        memory_limit_bytes: int | None = None,
    ):
        installed = installed_backends()
        self.backends = installed if backends is None else tuple(dict.fromkeys(backends))
        for name in self.backends:
            if name not in BACKENDS:
                raise UsageError(f"there is no backend {name!r}; choose among {', '.join(installed)}")
            if name not in installed:
                raise UsageError(f"the backend {name!r} is not installed; run: pip install {name}")
        threads = max(1, _usable_cores() // max(1, len(self.backends)))
        self._workers = {
            name: Worker(name, time_limit=time_limit, memory_limit_bytes=memory_limit_bytes, threads=threads)
            for name in self.backends
        }
        self._owner = os.getpid()
        atexit.register(self.close)

    def __getitem__(self, backend: str) -> Worker:
        return self._workers[backend]

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def everywhere(
        self, function: str, *args, backends: Iterable[str] | None = None, time_limit: float | None = None, **kwargs
    ) -> dict[str, object]:
        """Call a function in several workers at once; return each backend's result, or its `WorkerError`.

        Args:
            function: `module:name`.
            *args: As for `Worker.submit`.
            backends: Where; None for everywhere.
            time_limit: Seconds, in place of the workers'.
            **kwargs: As for `Worker.submit`.
        """
        names = self.backends if backends is None else tuple(backends)
        request = _encode_request(function, args, kwargs)
        futures = {name: self[name]._submit(request, time_limit) for name in names}
        try:
            return {name: result_or_error(future) for name, future in futures.items()}
        except (KeyboardInterrupt, SystemExit):  # the calls under way are nobody's any more
            self.close()
            raise

    def close(self) -> None:
        """End the processes; a later call starts new ones."""
        if os.getpid() == self._owner:  # and not in a copy of this process that fork made
            for worker in self._workers.values():
                worker.close()


_shared: Workers | None = None
_shared_lock = threading.Lock()


def shared_workers() -> Workers:
    """Return this process's own workers, of all installed backends; they are started when first called."""
    global _shared
    with _shared_lock:
        if _shared is None or _shared._owner != os.getpid():
            _shared = Workers()
        return _shared


class _Process:
    """A running `worker_process.py`, the socket to it and the end of what it has printed.

    Args:
        backend: Its backend.
        threads: How many threads the backend computes with; None for one per core.
    """

    def __init__(self, backend: str, threads: int | None):
        self.killed = False
        self._socket, theirs = socket.socketpair()
        with theirs:
            arguments = json.dumps([theirs.fileno(), os.getpid(), sys.path])
            self._popen = subprocess.Popen(
                # Run by its path and with -P: nothing in the user's folder can stand in for a module of Python's.
                [sys.executable, "-P", "-u", str(Path(__file__).with_name("worker_process.py").resolve()), arguments],
                env=_environment(backend, threads),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is not for it, and all its descendants can be ended at once
            )
        self.pid = self._popen.pid
        self._words = bytearray()
        self._reader = threading.Thread(target=self._keep_last_words, daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        return not self.killed and self._popen.poll() is None

    def exchange(self, request: list, deadline: float) -> list[bytearray]:
        """Send a request and return the answer.

        Raises:
            TimeoutError: If the deadline, by `time.monotonic`, passes.
            OSError: If the process ends, or EOFError.
        """
        messages.send(self._socket, request, deadline)
        return messages.receive(self._socket, deadline)

    def collect(self) -> int:
        """Return the exit code of the process, which has hung up, and end what it has left behind."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(5.0)
        self._end()
        return self._popen.returncode

    def kill(self) -> None:
        """End the process and its descendants."""
        self.killed = True
        self._end()

    def hang_up(self) -> None:
        """Close the socket."""
        self._socket.close()

    def last_words(self) -> str:
        """Return the end of what the process printed."""
        self._reader.join(1.0)
        return bytes(self._words[-LAST_WORDS:]).decode(errors="replace")

    def _end(self) -> None:
        # The group keeps its number as long as anyone is in it. macOS says PermissionError of a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for an answer

    def _keep_last_words(self) -> None:
        with self._popen.stdout as stream:
            while chunk := stream.read1(2**16):
                self._words += chunk
                del self._words[:-LAST_WORDS]


def _encode_request(function: str, args: tuple, kwargs: dict) -> list:
    import cloudpickle

    try:
        folder = os.getcwd()
    except FileNotFoundError:  # it was removed
        folder = None
    arguments, *buffers = messages.encode((args, kwargs), cloudpickle.Pickler)
    return [*messages.encode((function, sys.path, folder, bytes(arguments))), *buffers]


def result_or_error(future: Future) -> object:
    """Return what a submitted call has given, or its `WorkerError`."""
    try:
        return future.result()
    except WorkerError as error:
        return error


def _usable_cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))  # each has workers of its own


def _environment(backend: str, threads: int | None) -> dict[str, str]:
    """Return a worker's environment: the user's, and where the user says nothing, what keeps workers out of trouble."""
    defaults = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        # PyTorch's OpenMP threads otherwise wait by spinning for long, on a core that another worker needs.
        "GOMP_SPINCOUNT": "10000",
        "PYTHONHASHSEED": "0",  # a model that is built from a set must not come in another order on each backend
        # Several backends on one GPU: each takes the memory it needs, not all there is.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    if "CUDA_VISIBLE_DEVICES" not in os.environ:
        defaults |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
    if threads is not None:
        # OpenMP's serves PyTorch, NPROC XLA.
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")
        defaults |= dict.fromkeys(names, str(threads))
    return defaults | dict(os.environ) | {"KERAS_BACKEND": backend}


def _last_line(words: str) -> str:
    """Return the line of a process's last words that says most: no frame of Python's fault handler, no greeting."""
    noise = (" ", "Current thread", "Thread 0x", "Extension modules", "I0000 ", "WARNING: All log messages")
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith(noise)]
    if len(lines) > 1 and lines[-1] == "Fatal Python error: Aborted":
        lines.pop()  # what gave up said why just before
    return quote(lines[-1], limit=200) if lines else ""
