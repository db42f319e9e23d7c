"""How a process that runs a backend is started: its environment, its threads, and its end when its parent ends.

Whoever starts such a process, the engine's crew or a program that trains, takes this from here.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping

# What was measured to be fast and quiet, where the user says nothing.
_DEFAULTS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # PyTorch's OpenMP threads otherwise wait by spinning for long. Should the system put two of them on one core, each
    # parallel operation then takes a whole time slice: steps of 10 ms took 280 ms, for up to a minute; with this, 44.
    "GOMP_SPINCOUNT": "10000",
}
# OpenMP's serves PyTorch, NPROC XLA.
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")
_PR_SET_PDEATHSIG = 1  # of Linux's prctl


def backend_environment(
    backend: str, threads: int | None = None, defaults: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment of a process whose Keras runs on `backend`: the user's own, and what the user leaves open.

    Args:
        backend: A Keras backend.
        threads: How many threads the backend computes with; None for one per core.
        defaults: Further variables, for a process of a certain purpose; the user's own count before them.
    """
    chosen = _DEFAULTS | dict(defaults or {})
    if threads is not None:
        chosen |= dict.fromkeys(_THREADS, str(threads))
    return chosen | dict(os.environ) | {"KERAS_BACKEND": backend}


def usable_cores() -> int:
    """Return how many cores this process may use; under pytest-xdist, its share of them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))


def end_with_parent(parent: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Have the system send this process a signal when the parent's thread that started it ends.

    Args:
        parent: The parent's process id; if it has ended already, this process ends at once.
        how: The signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it ended before we could ask
        os._exit(1)


def be_killed_first() -> None:
    """When the machine runs out of memory, let the system end rather this process than its parent."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")
