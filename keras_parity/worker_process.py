"""The program of a worker: a process whose Keras runs on one backend and that calls the functions it is told to.

`keras_parity.workers` runs this file as a script. Requests and answers travel over a socket of their own, so nothing
that a model, or a library in C, prints can be mistaken for an answer. The process ends when its parent does.
"""

import contextlib
import ctypes
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

MAX_TEXT = 20_000  # characters of an exception's text or traceback that are sent

# Keras imports the first two if it finds them, for wrappers and plots that no check uses; a callback of Keras's, and
# TensorFlow's converter for phones, do the same with JAX. They are hidden for the time of the import, which then takes,
# with Keras 3.15 on two idle cores, 0.9 s in place of 1.9 on JAX, 2.1 for 3.6 on PyTorch, 2.0 for 3.9 on TensorFlow.
# (Keras's NumPy backend does use JAX.)
UNUSED = {"tensorflow": ("sklearn", "matplotlib", "jax"), "torch": ("sklearn", "matplotlib", "jax")}
UNUSED_ELSEWHERE = ("sklearn", "matplotlib")


def main(descriptor: int, parent: int) -> None:
    """Answer the requests of the parent until it is gone.

    Args:
        descriptor: The file descriptor of the socket to it.
        parent: Its process id.
    """
    _end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    faulthandler.enable()  # a crash in C says where it was
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    requests: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(connection, requests), daemon=True).start()
    while True:
        answer = _answer(requests.get())
        try:
            messages.send(connection, answer)
        except OSError:
            os._exit(1)  # the parent is gone
        del answer  # a large model's takes hundreds of megabytes


def start_keras(backend: str, memory_limit_bytes: int | None) -> dict[str, str]:
    """Import keras on `backend` and return the versions of what computes here.

    Args:
        backend: A Keras backend.
        memory_limit_bytes: The limit on this process's private memory; None for none.
    """
    if memory_limit_bytes:
        # RLIMIT_DATA counts private writable memory, which every backend allocates from. RLIMIT_AS would count mapped
        # libraries and reserved addresses too, gigabytes of them.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    if backend != "tensorflow":
        sys.meta_path.insert(0, _ShyTensorFlow())
    hidden = [name for name in UNUSED.get(backend, UNUSED_ELSEWHERE) if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        module = importlib.import_module(backend)  # PyTorch first: after TensorFlow it crashes in some builds
        import keras
    finally:
        for name in hidden:
            del sys.modules[name]
    # A worker of another library was once seen to run TensorFlow when PyTorch had been asked for.
    assert keras.backend.backend() == backend, f"keras runs on {keras.backend.backend()}"
    return {"python": sys.version.split()[0], "keras": keras.__version__, backend: str(module.__version__)}


def _end_with_parent(parent: int) -> None:
    """Have the system kill this process when the parent's thread that started it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("500")  # when the machine runs out of memory: rather this process than the parent
    if os.getppid() != parent:  # it ended before we could ask
        os._exit(1)


def _read_requests(connection: socket.socket, requests: queue.SimpleQueue) -> None:
    """Put what the parent sends into the queue; end the process, whatever it is doing, when the parent hangs up."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            requests.put(messages.receive(connection))
    os.killpg(0, signal.SIGKILL)  # the group: whatever a model may have started goes too


def _answer(request: list[bytearray]) -> list:
    """Return the message that answers a request: `("value", result)` or `("error", type, text, traceback)`."""
    try:
        function, path, folder, arguments = pickle.loads(request[0])
        if path != sys.path:
            sys.path[:] = path
        if folder is not None:
            os.chdir(folder)
        args, kwargs = pickle.loads(arguments, buffers=request[1:])  # may import from the path
        module, _, name = function.partition(":")
        return messages.encode(("value", getattr(importlib.import_module(module), name)(*args, **kwargs)))
    except BaseException as error:  # SystemExit too: what a model raises is an answer
        trace = "".join(traceback.format_exception(error))
        return messages.encode(("error", type(error).__name__, _text(error)[:MAX_TEXT], trace[-MAX_TEXT:]))


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception of the model's own may fail at that
        return ""


class _ShyTensorFlow(importlib.abc.MetaPathFinder):
    """Lets TensorFlow, where it is not the backend, see no accelerator and use one thread, whoever imports it."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_tame(module):
            execute(module)
            module.config.set_visible_devices([], "GPU")
            module.config.threading.set_intra_op_parallelism_threads(1)
            module.config.threading.set_inter_op_parallelism_threads(1)

        spec.loader.exec_module = execute_and_tame
        return spec


if __name__ == "__main__":
    _descriptor, _parent, _path = json.loads(sys.argv[1])
    sys.path[:] = _path
from keras_parity import messages  # noqa: E402  # run as a script, it is found on the parent's path

if __name__ == "__main__":
    main(_descriptor, _parent)
