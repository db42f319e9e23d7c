"""A worker's process as the parent sees it: how it is started, asked and ended, and what it said last."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from keras_parity.errors import quote
from keras_parity.executions import Execution
from keras_parity.protocol import messages
from keras_parity.protocol.place import PLACE_BYTES, read_place

_PROGRAM = Path(__file__).resolve().parent.with_name("worker") / "process.py"
LAST_WORDS = 8_000  # characters kept of what a worker prints


class Process:
    """A running `worker/process.py`, the socket to it and the end of what it has printed.

    Args:
        execution: What computes there.
        threads: How many threads it computes with; None for one per core.
    """

    def __init__(self, execution: Execution, threads: int | None):
        self.killed = False
        self._socket, theirs = socket.socketpair()
        self._place = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process hangs up
        self._place.truncate(PLACE_BYTES)
        with theirs:
            arguments = json.dumps([theirs.fileno(), self._place.fileno(), os.getpid(), sys.path])
            self._popen = subprocess.Popen(
                # Run by its path and with -P: nothing in the user's folder can stand in for a module of Python's.
                [*execution.interpreter, "-P", "-u", str(_PROGRAM), arguments],
                env=execution.environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno(), self._place.fileno()],
                start_new_session=True,  # Ctrl-C is not for it, and all its descendants can be ended at once
            )
        self.pid = self._popen.pid
        self._words = bytearray()
        self._reader = threading.Thread(target=self._keep_last_words, daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Whether it has neither ended nor been ended."""
        return not self.killed and self._popen.poll() is None

    def exchange(self, request: list[messages.Part], deadline: float) -> list[bytearray]:
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
        self._place.close()

    def last_place(self) -> str:
        """Return the path of the layer that ran last there: where it crashed, if it did; empty for none."""
        return read_place(os.pread(self._place.fileno(), PLACE_BYTES, 0))

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
        assert self._popen.stdout is not None  # it is a pipe
        with self._popen.stdout as stream:
            while chunk := os.read(stream.fileno(), 2**16):
                self._words += chunk
                del self._words[:-LAST_WORDS]


def last_line(words: str) -> str:
    """Return the line of a process's last words that says most: no frame of Python's fault handler, no greeting."""
    noise = (" ", "Current thread", "Thread 0x", "Extension modules", "I0000 ", "WARNING: All log messages")
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith(noise)]
    if len(lines) > 1 and lines[-1] == "Fatal Python error: Aborted":
        lines.pop()  # what gave up said why just before
    return quote(lines[-1], limit=200) if lines else ""
