"""The processes that train, by `training.run`: one a run, or for trials those that answer the questions."""

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
from comparing.tasks import TrainRun
from keras_parity.backend_process import backend_environment
from keras_parity.crew import Crew
from keras_parity.errors import RemoteError, WorkerError
from training.request import TrainingRequest
from training.run_folder import HISTORY, LOG

ROOT = Path(__file__).parents[1]
LAST_LINES = 12  # of what a failed run wrote on stderr
SECONDS_BETWEEN_LOOKS = 0.5
# Seconds that a worker may take for a trial's training, for the first steps, or for the predictions of all runs.
WORKER_LIMIT = 1800.0


class Processes:
    """Runs trainings in processes of their own, and stops them.

    Args:
        screen: Shows how far each run is.
    """

    def __init__(self, screen: Screen):
        self._screen, self._lock = screen, threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self.stopping = False

    def train(self, name: str, request: TrainingRequest, steps: int) -> str | None:
        """Train to the end; return the last words of a training that fails.

        Args:
            name: What the screen calls the run.
            request: What is trained; it names the run's folder.
            steps: Steps of the whole run.
        """
        config = request.config
        self._screen.begin(name, steps)
        path_list = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen(
            [sys.executable, "-m", "comparing.training_child", str(os.getpid()), json.dumps(request.to_dict())],
            env=backend_environment(config.backend) | {"PYTHONPATH": path_list},
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
        reader = threading.Thread(target=lambda: words.extend(process.stderr or ()), daemon=True)
        reader.start()
        while process.poll() is None:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            self._screen.advance(name, _count_steps(request.out, steps // config.recipe.epochs))
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
        crew: A process for each backend.
        screen: Shows what is trained.
    """

    def __init__(self, crew: Crew, screen: Screen):
        self._crew, self._screen = crew, screen
        self.stopping = False

    def train(self, name: str, request: TrainingRequest, steps: int) -> str | None:
        """Train to the end; return the last words of a training that fails."""
        self._screen.begin(name, steps)
        try:
            code, words = self._crew[request.config.backend].ask(TrainRun(request), time_limit=WORKER_LIMIT)
        except RemoteError as error:
            return _end_of([*error.traceback.splitlines(), str(error)])
        except WorkerError as error:
            return _end_of([*getattr(error, "last_words", "").splitlines(), str(error)])
        return None if code == 0 else _end_of(words.splitlines())

    def stop(self) -> None:
        """End the workers."""
        self.stopping = True
        self._crew.close()


def _end_of(words: Iterable[str]) -> str:
    return "\n".join([line.rstrip() for line in words if line.strip()][-LAST_LINES:])


def _count_steps(path: Path | None, steps_per_epoch: int) -> int:
    """Return how many steps a run under way has logged."""
    if path is None:
        return 0
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
