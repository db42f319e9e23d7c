"""A backend's process gets the user's environment and ours, and ends when its parent does."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_parity.backend_process import backend_environment, usable_cores
from tests.commands import ROOT


def test_the_users_environment_wins_over_ours(monkeypatch):
    """Only the backend is always the one that was asked for."""
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("A_DEFAULT", "the user's")
    for name in ("OMP_NUM_THREADS", "NPROC", "ANOTHER"):
        monkeypatch.delenv(name, raising=False)

    environment = backend_environment("jax", threads=2, defaults={"A_DEFAULT": "ours", "ANOTHER": "ours"})

    assert (environment["GOMP_SPINCOUNT"], environment["KERAS_BACKEND"]) == ("7", "jax")
    assert (environment["OMP_NUM_THREADS"], environment["NPROC"]) == ("2", "2")
    assert (environment["A_DEFAULT"], environment["ANOTHER"]) == ("the user's", "ours")
    assert "OMP_NUM_THREADS" not in backend_environment("jax")


def test_a_share_of_the_cores_is_at_least_one(monkeypatch):
    """Never more than there are, and divided among pytest-xdist's processes."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    all_of_them = usable_cores()
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "1000")

    assert 1 == usable_cores() <= all_of_them <= (os.cpu_count() or 1)


@pytest.mark.skipif(sys.platform != "linux", reason="takes the kernel's signal at a parent's death")
def test_a_process_ends_when_its_parent_is_killed():
    """Also after `kill -9`; the same process without the call goes on."""
    child = (
        "import os, signal, sys, time; from keras_parity.backend_process import end_with_parent\n"
        "{}print(os.getpid(), flush=True); time.sleep(600)"
    )
    asks = "end_with_parent(os.getppid(), signal.SIGTERM); "
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    alive = {}
    for call in (asks, ""):
        process = subprocess.Popen(
            [sys.executable, "-c", parent, child.format(call)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        pid = int(process.stdout.readline())
        process.kill()
        process.wait()
        process.stdout.close()
        alive[call] = not has_ended(pid, seconds=0.5 if call == "" else 30)
        if alive[call]:
            os.kill(pid, 9)

    assert alive == {asks: False, "": True}


def has_ended(pid: int, seconds: float) -> bool:
    """Return whether a process ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
