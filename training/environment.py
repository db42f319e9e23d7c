"""What a run ran on: versions, processor, threads, commit, command."""

import datetime
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from keras_parity.backend_process import usable_cores
from keras_parity.environment import processor_name

PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "tensorflow-datasets")


def describe_environment(backend: str | None, command: str | None = None) -> dict[str, Any]:
    """Return what `environment.json` holds, after the backend has been started.

    Args:
        backend: The backend that keras runs on; None in a process that runs none, of which only the machine is told.
        command: What the user typed; None takes this process's own command line.
    """
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command or shlex.join(sys.argv),
        "git_commit": _git_commit(),
        "backend": backend,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "system": platform.platform(),
        "processor": processor_name(),
        "cores": usable_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "threads": _threads(backend) if backend else {},
        "accelerators": _accelerators(backend) if backend else [],
        "settings": {key: os.environ[key] for key in _SETTINGS if key in os.environ},
    }


def device_name(backend: str) -> str:
    """Return the name of what the backend computes on: the first accelerator's, or `cpu`."""
    return (_accelerators(backend) or ["cpu"])[0]


# The variables that change a backend's speed or its last bits.
_SETTINGS = (
    "OMP_NUM_THREADS",
    "GOMP_SPINCOUNT",
    "MKL_NUM_THREADS",
    "TF_ENABLE_ONEDNN_OPTS",
    "XLA_FLAGS",
    "NPROC",
    "CUDA_VISIBLE_DEVICES",
)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """Return the checkout's commit, with `+changes` where the working tree differs; None outside git."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _threads(backend: str) -> dict:
    """Return the backend's numbers of threads; 0 is TensorFlow's word for one per core."""
    if backend == "torch":
        import torch

        return {"intra_op": torch.get_num_threads(), "inter_op": torch.get_num_interop_threads()}
    if backend == "tensorflow":
        import tensorflow as tf

        threading = tf.config.threading
        return {
            "intra_op": threading.get_intra_op_parallelism_threads(),
            "inter_op": threading.get_inter_op_parallelism_threads(),
        }
    return {"intra_op": int(os.environ.get("NPROC") or os.cpu_count() or 1)}


def _accelerators(backend: str) -> list[str]:
    if backend == "torch":
        import torch

        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if backend == "tensorflow":
        import tensorflow as tf

        return [device.name for device in tf.config.list_physical_devices("GPU")]
    import jax

    return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
