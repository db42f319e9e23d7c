"""Fixtures shared by all tests."""

import os

import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.workers import BackendWorker


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache of the test session's own, so that the user's is neither needed nor touched; prepared when first used."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"  # pytest-xdist's share one
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_PARITY_CACHE", str(folder))
        # What one process has compiled for JAX, those after it need not compile again.
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder / "jax"))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
        yield folder


@pytest.fixture(scope="session")
def workers(cache):
    """One process per backend, started when first used: `workers["jax"].run(function, ...)`."""
    started = {}

    class Workers:
        def __getitem__(self, backend: str) -> BackendWorker:
            if backend not in started:
                started[backend] = BackendWorker(backend)
            return started[backend]

        def run_everywhere(self, function, *args, **kwargs) -> dict:
            """Return `{backend: function(*args, **kwargs)}` of every backend."""
            return {backend: self[backend].run(function, *args, **kwargs) for backend in TRAINING_BACKENDS}

    yield Workers()
    for worker in started.values():
        worker.close()


@pytest.fixture(scope="session", params=TRAINING_BACKENDS)
def worker(request, workers):
    """The process of one backend; a test that asks for it runs on all three."""
    return workers[request.param]
