"""Having the workers that a test session shares run a test's functions, and what those draw, computed here."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_parity.crew import Worker, shared_crew
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.tasks import CloseCase, OpenCase, RunModel, SetWeights
from keras_parity.source import describe_source
from tests.keras_parity.errands import errand


def ask(backend: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a function of a test's module gives in the worker of a backend."""
    return shared_crew()[backend].ask(errand(function, *args, **kwargs))


def everywhere(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return what it gives on each backend."""
    return {backend: ask(backend, function, *args, **kwargs) for backend in TRAINING_BACKENDS}


@contextmanager
def holding(backend: str, build: Callable[..., Any], kernel: np.ndarray, inputs: np.ndarray) -> Iterator[Worker]:
    """Yield the worker of a backend, which holds the calls of a run of the model that a function builds."""
    worker = shared_crew()[backend]
    worker.ask(OpenCase(describe_source(build), "float32", seed=1))
    worker.ask(SetWeights([kernel]))
    worker.ask(RunModel([inputs], False, True))
    yield worker
    worker.ask(CloseCase())


def keyed(*key: Any) -> np.random.Generator:
    """Return the generator that a worker draws from for a seed and a key."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
