"""The program of a worker: a process whose Keras runs on one backend and that calls the functions it is told to.

`keras_parity.crew` runs this file as a script. Requests and answers travel over a socket of their own, so nothing
that a model, or a library in C, prints can be mistaken for an answer. The process ends when its parent does.
"""

import contextlib
import faulthandler
import importlib
import importlib.abc
import importlib.util
import json
import os
import pickle
import queue
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

if __name__ == "__main__":  # run as a script, it finds this package on the parent's path
    _descriptor, _place, _parent, _path = json.loads(sys.argv[1])
    sys.path[:] = _path

from keras_parity.backend_process import be_killed_first, end_with_parent
from keras_parity.errors import NoModel, UnsupportedKeras, quote
from keras_parity.protocol import messages
from keras_parity.protocol.tasks import StartKeras
from keras_parity.worker.performing import perform, performs
from keras_parity.worker.place import leave_places_in

MAX_TEXT = 20_000  # characters of an exception's text or traceback that are sent

# Keras imports the first two if it finds them, for wrappers and plots that no check uses; a callback of Keras's, and
# TensorFlow's converter for phones, do the same with JAX. They are hidden for the time of the import, which then takes,
# with Keras 3.15 on two idle cores, 0.9 s in place of 1.9 on JAX, 2.1 for 3.6 on PyTorch, 2.0 for 3.9 on TensorFlow.
# (Keras's NumPy backend does use JAX.)
UNUSED = {"tensorflow": ("sklearn", "matplotlib", "jax"), "torch": ("sklearn", "matplotlib", "jax")}
UNUSED_ELSEWHERE = ("sklearn", "matplotlib")


def main(descriptor: int, place: int, parent: int) -> None:
    """Answer the requests of the parent until it is gone.

    Args:
        descriptor: The file descriptor of the socket to it.
        place: That of the file in which this process leaves where it is.
        parent: Its process id.
    """
    end_with_parent(parent)
    be_killed_first()
    leave_places_in(place)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    faulthandler.enable()  # a crash in C says where it was
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    requests: queue.SimpleQueue[list[bytearray]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(connection, requests), daemon=True).start()
    while True:
        answer = _answer(requests.get())
        try:
            messages.send(connection, answer)
        except OSError:
            os._exit(1)  # the parent is gone
        del answer  # a large model's takes hundreds of megabytes


@performs(StartKeras)
def start_keras(task: StartKeras) -> dict[str, str]:
    """Import keras and return the versions of what computes here.

    Raises:
        RuntimeError: If keras runs on another backend here.
        UnsupportedKeras: If something that the engine does to Keras has no effect in this version.
    """
    backend, memory_limit_bytes = task.backend, task.memory_limit_bytes
    if memory_limit_bytes:
        # RLIMIT_DATA counts private writable memory, which every backend allocates from. RLIMIT_AS would count mapped
        # libraries and reserved addresses too, gigabytes of them.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    if backend != "tensorflow":
        sys.meta_path.insert(0, _ShyTensorFlow())
    hidden = [name for name in UNUSED.get(backend, UNUSED_ELSEWHERE) if name not in sys.modules]
    modules: dict[str, Any] = sys.modules  # None in the place of a module: it cannot be imported
    modules.update(dict.fromkeys(hidden))
    try:
        module = importlib.import_module(backend)  # PyTorch first: after TensorFlow it crashes in some builds
        import keras
    finally:
        for name in hidden:
            del sys.modules[name]
    if keras.backend.backend() != backend:  # seen once in a process that another library had started
        raise RuntimeError(f"keras runs on {keras.backend.backend()}, not on {backend}")
    try:
        from keras_parity.worker.canary import prove_patches
    except (ImportError, AttributeError) as error:  # Keras has no part of that name any more
        raise UnsupportedKeras(keras.__version__, quote(error, 150)) from error
    prove_patches()
    return {"python": sys.version.split()[0], "keras": keras.__version__, backend: str(module.__version__)}


def _read_requests(connection: socket.socket, requests: "queue.SimpleQueue[list[bytearray]]") -> None:
    """Put what the parent sends into the queue; end the process, whatever it is doing, when the parent hangs up."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            requests.put(messages.receive(connection))
    os.killpg(0, signal.SIGKILL)  # the group: whatever a model may have started goes too


def _answer(request: list[bytearray]) -> list[messages.Part]:
    """Return the message that answers a request: what performing the task gave, or the failure to."""
    try:
        path, folder, task = pickle.loads(request[0])
        if path != sys.path:
            sys.path[:] = path
        if folder is not None:
            os.chdir(folder)
        answer = perform(pickle.loads(task, buffers=request[1:]))  # may import from the path
        return messages.encode(messages.Done(answer))
    except BaseException as error:  # SystemExit too: what a model raises is an answer
        trace = "".join(traceback.format_exception(error))
        text, no_model = _text(error)[:MAX_TEXT], isinstance(error, NoModel)
        failure = messages.Failure(type(error).__name__, text, trace[-MAX_TEXT:], no_model)
        return messages.encode(failure)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception of the model's own may fail at that
        return ""


class _ShyTensorFlow(importlib.abc.MetaPathFinder):
    """Lets TensorFlow, where it is not the backend, see no accelerator and use one thread, whoever imports it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)  # who asked may only want to know, as JAX's cache of programs does
        if spec is None or spec.loader is None:
            return spec
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_tame(module: Any) -> None:
            execute(module)
            module.config.set_visible_devices([], "GPU")
            module.config.threading.set_intra_op_parallelism_threads(1)
            module.config.threading.set_inter_op_parallelism_threads(1)

        loader.exec_module = execute_and_tame
        return spec


if __name__ == "__main__":
    main(_descriptor, _place, _parent)
