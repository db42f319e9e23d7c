"""What tests have a worker do: as if a new version of Keras had moved what the engine patches or reads."""

import contextlib
import os
import types
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from keras_parity.executions import BackendExecution
from keras_parity.protocol.tasks import StartKeras, Task
from tests.keras_parity.errands import errand


def refusal(moved: str) -> str | None:
    """Return what the proof of a worker's start says when one thing has moved; None if it is content."""
    from keras_parity.worker.canary import prove_patches

    with pytest.MonkeyPatch.context() as patch:
        _MOVES[moved](patch)
        try:
            prove_patches()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return None


def draw_twice_from(seed: int) -> list[list[float]]:
    """Return what an initialiser without a seed draws, after each of two seedings."""
    import random

    import keras

    from keras_parity.worker.keras_internals import seed_initializers

    drawn = []
    for _ in range(2):
        random.seed(seed)
        seed_initializers(seed)
        values = keras.random.uniform((3,)), keras.initializers.RandomUniform()((2,))
        drawn.append([float(number) for value in values for number in keras.ops.convert_to_numpy(value)])
    return drawn


@dataclass(frozen=True)
class MovedKeras(BackendExecution):
    """A backend whose worker starts on a Keras that was changed first.

    Attributes:
        start: Changes it, and starts.
    """

    start: Callable[[str], dict]

    def start_task(self, memory_limit_bytes: int | None) -> Task[dict[str, str]]:
        """Start so."""
        return errand(self.start, self.name)


def start_with_a_key_moved(backend: str) -> dict:
    """Start as a worker does, on a Keras that keeps its calls' context under another key."""
    _import_keras(backend)
    from keras_parity.worker import keras_internals, process

    keras_internals._CALL_CONTEXT_KEY = "moved"
    return process.start_keras(StartKeras(backend, None))


def start_with_a_class_gone(backend: str) -> dict:
    """Start as a worker does, on a Keras whose functional models are of another class."""
    _import_keras(backend)
    from keras.src.models import functional

    from keras_parity.worker import process

    del functional.Functional
    return process.start_keras(StartKeras(backend, None))


def _import_keras(backend: str) -> None:
    os.environ["KERAS_BACKEND"] = backend
    import keras  # noqa: F401


def _nothing(patch: pytest.MonkeyPatch) -> None:
    pass


def _promotion(patch):
    _disable(patch, "keras_internals", "float64_promotion")


def _policies(patch):
    _disable(patch, "keras_internals", "float64_policies")


def _constants(patch):
    _disable(patch, "precision", "_exact_constants")


def _attention(patch):
    _disable(patch, "precision", "_exact_attention")


def _wide_mode(patch):
    _disable(patch, "precision", "_wide_jax")


def _watch(patch):
    _disable(patch, "canary", "watching")


def _functions(patch):
    from keras_parity.worker import keras_internals

    own = keras_internals.backend_module
    patch.setattr(keras_internals, "backend_module", lambda name: types.SimpleNamespace(**vars(own(name))))


def _random_functions(patch):
    from keras_parity.worker import keras_internals

    own = keras_internals.backend_module
    copy = types.SimpleNamespace(**vars(own("random")))
    patch.setattr(keras_internals, "backend_module", lambda name: copy if name == "random" else own(name))


def _context(patch):
    from keras_parity.worker import keras_internals

    patch.setattr(keras_internals, "_CALL_CONTEXT_KEY", "moved")


def _masks(patch):
    from keras_parity.worker import keras_internals

    patch.setattr(keras_internals, "set_mask", lambda *_: None)


def _graph(patch):
    from keras_parity.worker import keras_internals

    patch.setattr(keras_internals, "nodes_of", lambda *_: [])


def _names(patch):
    from keras.src import api_export

    patch.delattr(api_export, "get_name_from_symbol")


def _disable(patch, module: str, name: str) -> None:
    """Let a context manager do nothing."""
    patch.setattr(f"keras_parity.worker.{module}.{name}", lambda *args: contextlib.nullcontext(*args))


_MOVES = {
    "nothing": _nothing,
    "promotion": _promotion,
    "policies": _policies,
    "constants": _constants,
    "attention": _attention,
    "wide mode": _wide_mode,
    "watch": _watch,
    "functions": _functions,
    "random functions": _random_functions,
    "context": _context,
    "masks": _masks,
    "graph": _graph,
    "names": _names,
}
