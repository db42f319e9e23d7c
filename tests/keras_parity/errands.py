"""What the tests of the crew have a worker do: `worker.ask(errand(echo, 1))`."""

import ctypes
import importlib
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from keras_parity.errors import NoModel
from keras_parity.executions import BackendExecution
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.tasks import Task
from keras_parity.worker.performing import performs


@dataclass(frozen=True)
class Errand(Task[Any]):
    """Call a function of this module, or of another one that a worker can import."""

    performed_in: ClassVar[str] = "tests.keras_parity.errands"
    function: Callable
    args: tuple
    kwargs: dict


def errand(function: Callable, *args, **kwargs) -> Errand:
    """Return the task of calling a function."""
    return Errand(function, args, kwargs)


@performs(Errand)
def run(task: Errand) -> Any:
    """Run an errand."""
    return task.function(*task.args, **task.kwargs)


class BareExecution(BackendExecution):
    """A process that imports no keras before it is asked to."""

    def start_task(self, memory_limit_bytes: int | None) -> Task[dict[str, str]]:
        """Start nothing."""
        return errand(start_nothing)


NUMPY, BARE = BackendExecution("numpy"), BareExecution("numpy")


def start_nothing() -> dict:
    """Start a worker without keras, for tests of what does not depend on it."""
    return {}


def backend() -> str:
    """Return the backend that keras runs on here."""
    import keras

    return keras.backend.backend()


def compile_on_jax() -> float:
    """Compile a program as a check's worker does."""
    import jax

    import keras_parity.worker.stages  # noqa: F401 - chooses where programs are kept

    return float(jax.jit(lambda x: x + 1)(1.0))


def echo(*args, **kwargs):
    """Return what was given."""
    return args[0] if len(args) == 1 and not kwargs else (args, kwargs)


def call_by_name(module: str, name: str) -> object:
    """Return what a function of a module gives here."""
    return getattr(importlib.import_module(module), name)()


def apply(function, *args):
    """Return what a function gives here."""
    return function(*args)


def arrays() -> dict[str, np.ndarray]:
    """Return arrays of every kind that a trace may hold."""
    import ml_dtypes

    kinds = ["float16", "float32", "float64", "complex64", "int8", "uint16", "int64", "bool", ml_dtypes.bfloat16]
    kinds += [ml_dtypes.float8_e4m3fn, ml_dtypes.int4]
    table = np.arange(12).reshape(3, 4)
    made = {np.dtype(kind).name: (table % 2).astype(kind) for kind in kinds}
    made |= {"transposed": table.T, "strided": table[:, ::2], "empty": np.zeros((0, 3)), "scalar": np.array(2.5)}
    return made | {"text": np.array(["a", "bc"]), "large": np.arange(2_000_000)}


def plain_values() -> dict:
    """Return what an answer may be made of besides arrays."""
    nested = {"tuple": (1, None, True), "set": {1, 2}, "bytes": b"x", "complex": 1j, "slice": slice(1, None)}
    return nested | {"number": np.float32(1.5), "dtype": np.dtype("int8"), "own": [Quantity(Kind.OUTPUT), Kind.MASK]}


class Bomb:
    """Runs a command in whoever unpickles it."""

    def __init__(self, path: str):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def bomb(path: str) -> Bomb:
    """Return a value that makes a folder when it is unpickled without care."""
    return Bomb(path)


def forge(data: bytes) -> None:
    """Write bytes to the socket to the parent, as a model that broke through would, and wait."""
    for descriptor in range(3, 100):
        try:
            connection = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        if connection.family == socket.AF_UNIX:
            connection.sendall(data)
    time.sleep(60)


def forged_answer(value: object) -> bytes:
    """Return the bytes of a message that holds a value."""
    data = pickle.dumps(value)
    return (1).to_bytes(8, "little") + len(data).to_bytes(8, "little") + data


def print_garbage() -> str:
    """Write megabytes to both streams, from Python and from C, and return an answer all the same."""
    print("x" * 3_000_000)
    os.write(1, b"\x80\x04" * 500_000)
    os.write(2, b"\xff" * 1_000_000)
    ctypes.CDLL(None).puts(b"from C")
    return "answer"


def end(how: str) -> None:
    """End this process in one of several ways, after a last word."""
    print("my last word", file=sys.stderr)
    if how == "exit code":
        os._exit(3)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "abort":
        os.abort()
    elif how == "exit":
        sys.exit("that is all")
    elif how == "loop":
        re.match(r"(a+)+$", "a" * 60 + "b")  # within C, never letting go of the interpreter


def fail(where: str, how: str) -> str:
    """Fail in one of several ways on one backend; return the backend on the others."""
    if backend() == where:
        if how == "raise":
            raise ValueError("not here")
        if how == "hang":
            time.sleep(60)
        os._exit(1)
    return backend()


def fail_with(error: Exception) -> None:
    """Raise an error."""
    raise error


def lack_a_model() -> None:
    """Raise what a worker raises that holds no model."""
    raise NoModel


def start_a_child() -> int:
    """Start a process that sleeps; return its id."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid


def wait_after(path: str) -> None:
    """Create a file as a sign, then wait for a minute."""
    Path(path).touch()
    time.sleep(60)


def leave_place(path: str) -> None:
    """Leave a path where the parent reads it."""
    from keras_parity.worker.place import leave_place

    leave_place(path)


def surroundings(*names: str) -> tuple[str, list[str], dict[str, str | None]]:
    """Return the working folder, the path of modules and some environment variables."""
    return os.getcwd(), list(sys.path), {name: os.environ.get(name) for name in names}


def tensorflow_is_imported() -> bool:
    """Say whether TensorFlow has been imported here."""
    return "tensorflow" in sys.modules


def import_tensorflow() -> tuple[int, int, list]:
    """Return how many threads TensorFlow has here, and the accelerators it sees."""
    import tensorflow as tf

    threading = tf.config.threading
    threads = threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
    return *threads, [device.name for device in tf.config.get_visible_devices("GPU")]


def allocate(mebibytes: int) -> int:
    """Return how many MiB the backend allocated and computed with."""
    import keras

    return keras.ops.convert_to_numpy(keras.ops.ones((mebibytes, 2**18)) + 1).nbytes // 2**20


def try_to_start(name: str) -> None:
    """Ask this process, which runs one backend, to be another's worker."""
    from keras_parity.protocol.tasks import StartKeras
    from keras_parity.worker.process import start_keras

    start_keras(StartKeras(name, None))


def describe(source) -> tuple[str, list[str], int]:
    """Build a model; return its class, its layers' classes and its number of parameters."""
    from keras_parity.worker.building import build_model

    model = build_model(source)
    return type(model).__name__, [type(layer).__name__ for layer in model.layers], model.count_params()


def weights(source) -> list[np.ndarray]:
    """Build a model; return its weights."""
    from keras_parity.worker.building import build_model

    return build_model(source).get_weights()


def save_models(folder: str) -> list[np.ndarray]:
    """Save `stock.keras`, `compiled.keras`, `own.keras` and `whole.keras` to a folder; return the first's weights.

    The last two need the module `own_layers`, which must be on the path.
    """
    import keras
    from own_layers import Net, Scale

    given = keras.Input((4,), name="given")
    hidden = keras.ops.relu(keras.layers.Dense(3)(given) * 2.0)
    stock = keras.Model(given, hidden[:, 1:] + np.ones(2, "float32"))
    stock.save(f"{folder}/stock.keras")
    inner = keras.Sequential([given, keras.layers.Dense(4)])
    inner.compile("adam", "mse")
    keras.Sequential([keras.Input((4,)), inner]).save(f"{folder}/compiled.keras")
    keras.Sequential([keras.Input((4,)), Scale(), keras.layers.Dense(2)]).save(f"{folder}/own.keras")
    whole = Net()
    whole(np.ones((1, 4), "float32"))
    whole.save(f"{folder}/whole.keras")
    return stock.get_weights()
