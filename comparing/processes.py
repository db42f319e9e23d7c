"""The processes that train: `train.py` itself, one process a run, each ended when this one is."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from comparing.screen import Screen
from training.run_folder import HISTORY, LOG

ROOT = Path(__file__).parents[1]
LAST_LINES = 12  # of what a failed run wrote on stderr
SECONDS_BETWEEN_LOOKS = 0.5


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
        lines = [line.rstrip() for line in words if line.strip()][-LAST_LINES:]
        return "\n".join(lines) or f"ended with exit code {process.returncode} and no words"

    def stop(self) -> None:
        """Let the runs under way write a checkpoint and end."""
        with self._lock:
            self.stopping, processes = True, list(self._running)
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait()


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
