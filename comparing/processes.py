"""The processes that train, by `train.py`'s own code: one a run, or for trials those that answer the questions."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from comparing.screen import Screen
from keras_parity.errors import RemoteError, WorkerError
from keras_parity.workers import Workers
from training.run_folder import HISTORY, LOG

ROOT = Path(__file__).parents[1]
LAST_LINES = 12  # of what a failed run wrote on stderr
SECONDS_BETWEEN_LOOKS = 0.5
# Seconds that a worker may take for a trial's training, for the first steps, or for the predictions of all runs.
WORKER_LIMIT = 1800.0


class Processes:
    """Runs `train.py`, and stops it.

    Args:
        screen: Shows how far each run is.
    """

    def __init__(self, screen: Screen):
        self._screen, self._running, self._lock = screen, set(), threading.Lock()
        self.stopping = False

    def train(self, name: str, path: Path, backend: str, arguments: list[str], steps: int, epochs: int) -> str | None:
        """Run `train.py` to its end; return its last words if it fails.

        Args:
            name: What the screen calls the run.
            path: Its folder.
            backend: Its backend.
            arguments: All others of `train.py`.
            steps: Steps of the whole run.
            epochs: Its epochs.
        """
        self._screen.begin(name, steps)
        path_list = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen(
            [sys.executable, "-m", "comparing.training_child", str(os.getpid()), *arguments, "--backend", backend],
            env=os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": path_list},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches it once, through us
        )
        with self._lock:
            self._running.add(process)
        words: list[str] = []
        reader = threading.Thread(target=lambda: words.extend(process.stderr), daemon=True)
        reader.start()
        while process.poll() is None:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            self._screen.advance(name, _count_steps(path, steps // epochs))
        reader.join()
        with self._lock:
            self._running.discard(process)
        if process.returncode == 0:
            return None
        return _end_of(words) or f"ended with exit code {process.returncode} and no words"

    def stop(self) -> None:
        """Let the runs under way write a checkpoint and end."""
        with self._lock:
            self.stopping, processes = True, list(self._running)
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait()


class RunningWorkers:
    """Lets the workers train, which run already: a trial's training takes less time than a process's start.

    Its methods are those of `Processes`.

    Args:
        workers: A process for each backend.
        screen: Shows what is trained.
    """

    def __init__(self, workers: Workers, screen: Screen):
        self._workers, self._screen = workers, screen
        self.stopping = False

    def train(self, name: str, path: Path, backend: str, arguments: list[str], steps: int, epochs: int) -> str | None:
        """Run `train.py`'s main function to its end; return its last words if it fails."""
        self._screen.begin(name, steps)
        try:
            code, words = self._workers[backend].call(
                "comparing.in_worker:train_run", [*arguments, "--backend", backend], time_limit=WORKER_LIMIT
            )
        except RemoteError as error:
            return _end_of([*error.traceback.splitlines(), str(error)])
        except WorkerError as error:
            return _end_of([*getattr(error, "last_words", "").splitlines(), str(error)])
        return None if code == 0 else _end_of(words.splitlines())

    def stop(self) -> None:
        """End the workers."""
        self.stopping = True
        self._workers.close()


def _end_of(words: Iterable[str]) -> str:
    return "\n".join([line.rstrip() for line in words if line.strip()][-LAST_LINES:])


def _count_steps(path: Path, steps_per_epoch: int) -> int:
    """Return how many steps a run under way has logged."""
    try:
        with (path / LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().splitlines()
        return int(json.loads(lines[-1])["step"])
    except (OSError, ValueError, KeyError, IndexError):
        pass
    try:
        return steps_per_epoch * (len((path / HISTORY).read_text(encoding="utf-8").splitlines()) - 1)
    except OSError:
        return 0
