"""A Keras backend of the installed Keras, as `jax`."""

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass

from keras_parity.backend_process import backend_environment
from keras_parity.errors import UsageError
from keras_parity.executions.execution import Capability, Execution, ExecutionKind
from keras_parity.names import BACKENDS, TRAINING_BACKENDS
from keras_parity.protocol.tasks import StartKeras, Task

# Several backends compute side by side, on one device.
_SIDE_BY_SIDE = {
    "PYTHONHASHSEED": "0",  # a model that is built from a set must not come in another order in each process
    # On one GPU each takes the memory it needs, not all there is.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}
_ON_THE_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
# OpenVINO computes in float32 at most, whatever it is told, and forward alone.
_INFERENCE_ALONE = frozenset(BACKENDS) - frozenset(TRAINING_BACKENDS)


@dataclass(frozen=True)
class BackendExecution(Execution):
    """The installed Keras on one backend, in a process of its own."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """All but for OpenVINO, which has no gradients and no float64."""
        return frozenset() if self.name in _INFERENCE_ALONE else frozenset(Capability)

    def environment(self, threads: int | None) -> dict[str, str]:
        """Return a backend process's environment, on the CPU where the user names no device."""
        on_the_cpu = {} if "CUDA_VISIBLE_DEVICES" in os.environ else _ON_THE_CPU
        return backend_environment(self.name, threads, _SIDE_BY_SIDE | on_the_cpu)

    def start_task(self, memory_limit_bytes: int | None) -> Task[dict[str, str]]:
        """Return the task that imports keras."""
        return StartKeras(self.name, memory_limit_bytes)


class BackendKind(ExecutionKind):
    """The backends that Keras has, found without importing any."""

    @property
    def examples(self) -> Sequence[str]:
        """All of them."""
        return BACKENDS

    def owns(self, name: str) -> bool:
        """Return whether it is a backend's name."""
        return name in BACKENDS

    def find(self, name: str) -> Execution | None:
        """Return the backend of this name; see `ExecutionKind`."""
        if not self.owns(name):
            return None
        if not _is_installed(name):
            raise UsageError(f"the backend {name!r} is not installed; run: pip install {name}")
        return BackendExecution(name)

    def defaults(self) -> list[Execution]:
        """Return the installed backends."""
        return [BackendExecution(name) for name in BACKENDS if _is_installed(name)]


def _is_installed(backend: str) -> bool:
    return importlib.util.find_spec(backend) is not None
