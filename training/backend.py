"""Choosing and starting a backend: everything that must happen before keras is first imported.

Keras fixes its backend at import, so one process holds one backend for life. PyTorch is imported before TensorFlow: the
other order crashes some builds.
"""

import importlib.util
import os
import sys
import tempfile
from contextlib import contextmanager

from foundation.errors import UserError
from keras_parity.backend_process import backend_environment
from keras_parity.errors import UsageError
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.platform_support import refuse_windows


def choose_backend(flag: str | None = None) -> str:
    """Return the name of the backend to run on, without importing it.

    Args:
        flag: The value of `--backend`; None leaves the choice to the environment variable `KERAS_BACKEND`, and without
            one to Keras's own default, TensorFlow.

    Raises:
        UserError: If the name is unknown or its package is not installed; on Windows.
    """
    try:
        refuse_windows()
    except UsageError as error:
        raise UserError(str(error)) from None
    name = flag or os.environ.get("KERAS_BACKEND") or "tensorflow"
    if name not in TRAINING_BACKENDS:
        origin = "--backend" if flag else "KERAS_BACKEND"
        raise UserError(f"{origin} is {name!r}; choose one of {', '.join(TRAINING_BACKENDS)}")
    for package in ("keras", name, "tensorflow"):  # TensorFlow feeds every backend through tf.data
        if importlib.util.find_spec(package) is None:
            raise UserError(f'the package {package!r} is not installed; run: pip install -e ".[zoo]"')
    return name


def start_backend(name: str) -> None:
    """Import keras on the backend `name`, quietly, with the settings that were measured to be fast.

    Args:
        name: One of `TRAINING_BACKENDS`.

    Raises:
        UserError: If keras was already imported on another backend.
    """
    os.environ.update(backend_environment(name))
    with _hidden_stderr():
        if name == "torch":
            import torch  # noqa: F401
        import keras
        import tensorflow as tf

        if name == "tensorflow":
            tf.config.list_physical_devices()  # looks for a GPU, aloud, which is better done while nobody listens
        else:
            # TensorFlow serves only tf.data here: no accelerator, and no pool of threads that fights the backend's.
            tf.config.set_visible_devices([], "GPU")
            try:
                tf.config.threading.set_intra_op_parallelism_threads(1)
                tf.config.threading.set_inter_op_parallelism_threads(1)
            except RuntimeError:
                pass  # TensorFlow has already run something in this process (a notebook); its threads are then fixed
    if keras.backend.backend() != name:
        raise UserError(f"keras already runs on {keras.backend.backend()} in this process; start a new one for {name}")

    from training.acceleration import accelerate

    accelerate(name)


@contextmanager
def _hidden_stderr():
    """Keep the native libraries' greetings off the screen; show them after all if the block raises.

    TensorFlow's C++ side writes several lines to file descriptor 2 at import, whatever the log level is.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            sink.seek(0)
            os.write(2, sink.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
