"""Predicting with a `.keras` file that somebody else made, without trusting it.

Two walls: the file is inspected before any framework reads it (`keras_parity.archive`), and what passes is opened
by another process that has little memory, little time and nothing to steal (`training.foreign_child`). Nothing that the
child says is parsed: its answer is a block of numbers of a known size.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from foundation.errors import UserError
from keras_parity.archive import CLASSIFIER, write_inspected_copy
from keras_parity.errors import UsageError, quote
from keras_parity.names import TRAINING_BACKENDS

# What the child inherits: where programs and libraries lie, the language, and no secret or setting of Keras.
_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "OMP_NUM_THREADS",
)


def predict_foreign(
    path: str | os.PathLike,
    inputs: np.ndarray,
    backend: str,
    classes: int = 10,
    memory_gib: float = 4.0,
    seconds: float = 120.0,
) -> np.ndarray:
    """Return a foreign model's outputs, in its own terms: logits or probabilities.

    Args:
        path: A `.keras` file that Keras 3 saved, of stock layers only. Its model takes one picture as `(28, 28, 1)`,
            `(28, 28)`, `(784,)` or `(1, 28, 28)`. What it was compiled with is ignored.
        inputs: float32 `(n, 28, 28, 1)` in [0, 1], n of at least 1.
        backend: The Keras backend that opens it; always on the CPU.
        classes: How many outputs the model must have, k.
        memory_gib: Limit on the private memory of the process that opens it, in GiB. The backends alone take 0.6.
        seconds: Limit on its wall-clock time, its start of about five seconds included.

    Returns:
        float32 `(n, k)`, all finite.

    Raises:
        ValueError: If the backend or the inputs are not those above.
        UserError: In one line, if there is no such file, if it is damaged, hostile or not of the kind above, or if it
            exceeds a limit. No process and no temporary file is left, then or on Ctrl-C.
    """
    if (
        backend not in TRAINING_BACKENDS
        or inputs.dtype != np.float32
        or len(inputs) < 1
        or inputs.shape[1:] != (28, 28, 1)
    ):
        raise ValueError(f"{backend} and {inputs.dtype} inputs of shape {inputs.shape} are not those documented")
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix="keras-parity-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            write_inspected_copy(path, folder / "model.keras", CLASSIFIER)
            (folder / "inputs").write_bytes(inputs.tobytes())
            limits = {"memory_gib": memory_gib, "cpu_seconds": math.ceil(seconds * (os.cpu_count() or 1))}
            status = _run_child(folder, {"backend": backend, "classes": classes, **limits}, seconds)
            if status is None:
                raise UserError(f"{path} took longer than {seconds:g} seconds to open and run; try a smaller model")
            return _read_answer(folder, status, path, (len(inputs), classes), memory_gib)
    except UsageError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else quote(error)
        raise UserError(f"cannot open {path} in {tempfile.gettempdir()}: {reason}; set TMPDIR elsewhere") from error


def _run_child(folder: Path, arguments: dict, seconds: float) -> int | None:
    """Run the child in `folder` and return its exit status, negative for a signal; None if time ran out.

    It is gone when this returns, or raises (KeyboardInterrupt), with everything it may have started.
    """
    command = [sys.executable, "-P", str(Path(__file__).with_name("foreign_child.py").resolve()), json.dumps(arguments)]
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment |= {"KERAS_BACKEND": arguments["backend"], "KERAS_HOME": str(folder), "TMPDIR": str(folder)}
    environment |= {"XDG_CACHE_HOME": str(folder), "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    # The pipe to its standard input is how the child learns that we are gone; what it prints is nobody's business.
    child = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _kill_group(child)


def _kill_group(child: subprocess.Popen) -> None:
    """End the child and its descendants, even after it has ended itself: its group keeps its number."""
    # ProcessLookupError: nobody is left. macOS says PermissionError of a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    if child.stdin is not None:
        child.stdin.close()
    child.wait()


def _read_answer(folder: Path, status: int, path: Path, shape: tuple[int, int], memory_gib: float) -> np.ndarray:
    if (folder / "refusal").is_file():
        with (folder / "refusal").open(encoding="utf-8", errors="replace") as refusal:
            raise UserError(f"{path} {quote(refusal.read(4000), limit=300)}")
    if status == 0 and (folder / "outputs").is_file() and (folder / "outputs").stat().st_size == 4 * math.prod(shape):
        outputs = np.fromfile(folder / "outputs", np.float32).reshape(shape)
        if np.isfinite(outputs).all():
            return outputs
    how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    reason = f"ended the process that opened it ({how}), perhaps by needing more than {memory_gib:g} GiB of memory"
    raise UserError(f"{path} {reason}; save it again, or try a smaller model")
