"""One long-lived process per backend, shared by the whole test session, since a process holds one backend for life."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


class BackendWorker:
    """Runs functions in a process where Keras uses one backend.

    Args:
        backend: The Keras backend of that process.
    """

    def __init__(self, backend: str):
        self.backend = backend
        # "spawn": a forked child would inherit the parent's frameworks and threads.
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_choose_backend, initargs=(backend,))

    def run(self, function, *args, **kwargs):
        """Return `function(*args, **kwargs)`, computed there; an exception is raised here.

        Args:
            function: A module-level function of an importable module, one that imports keras inside, not at the top.
            *args: Picklable.
            **kwargs: Picklable.
        """
        return self._pool.submit(function, *args, **kwargs).result()

    def close(self):
        """End the process, which takes a second or two; nobody waits for it."""
        self._pool.shutdown(wait=False)


def _choose_backend(backend: str):
    os.environ["KERAS_BACKEND"] = backend
    from training.backend import start_backend

    start_backend(backend)
    import keras

    # A reused pool worker has been seen to run another backend than the one asked for, without an error.
    assert keras.backend.backend() == backend
