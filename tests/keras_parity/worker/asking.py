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

GENERATOR = np.random.default_rng(0)
# What a model takes, and weights of a dense layer: float64 that float32 holds exactly.
INPUTS = GENERATOR.standard_normal((4, 3)).astype(np.float32).astype(np.float64)
KERNEL, BIAS = (GENERATOR.standard_normal(shape).astype(np.float32).astype(np.float64) for shape in ((3, 2), (2,)))


def build() -> Any:
    """A dense layer and a dropout."""
    import keras

    given = keras.Input((3,), name="given")
    dense = keras.layers.Dense(2, name="dense")(given)
    return keras.Model(given, keras.layers.Dropout(0.5, name="dropout")(dense), name="model")


def ask(backend: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a function of a test's module gives in the worker of a backend."""
    return shared_crew()[backend].ask(errand(function, *args, **kwargs))


def everywhere(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return what it gives on each backend."""
    return {backend: ask(backend, function, *args, **kwargs) for backend in TRAINING_BACKENDS}


def open_case(worker: Worker, function: Callable[..., Any] = build, dtype: str = "float32") -> Any:
    """Open a case in a worker; return the description, or what building raised."""
    return worker.ask(OpenCase(describe_source(function), dtype, seed=1))


@contextmanager
def holding(backend: str, build: Callable[..., Any], kernel: np.ndarray, inputs: np.ndarray) -> Iterator[Worker]:
    """Yield the worker of a backend, which holds the calls of a run of the model that a function builds."""
    worker = shared_crew()[backend]
    open_case(worker, build)
    worker.ask(SetWeights([kernel]))
    worker.ask(RunModel([inputs], False, True))
    yield worker
    worker.ask(CloseCase())


def keyed(*key: Any) -> np.random.Generator:
    """Return the generator that a worker draws from for a seed and a key."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
