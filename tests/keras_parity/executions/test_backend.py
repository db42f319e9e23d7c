"""A Keras backend as an execution: its environment, its first task, and whether it is installed."""

import pytest

from keras_parity.errors import UsageError
from keras_parity.executions.backend import BackendExecution, BackendKind
from keras_parity.protocol.tasks import StartKeras


def test_its_process_runs_keras_on_it_and_leaves_memory_for_the_others(monkeypatch):
    """On the CPU where the user names no device, and on the user's device where one is named."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    on_the_cpu = BackendExecution("jax").environment(2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    on_a_device = BackendExecution("jax").environment(2)

    assert on_the_cpu["KERAS_BACKEND"] == "jax"
    assert on_the_cpu["CUDA_VISIBLE_DEVICES"] == "-1"
    assert on_the_cpu["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert on_the_cpu["PYTHONHASHSEED"] == "0"
    assert on_a_device["CUDA_VISIBLE_DEVICES"] == "1"


def test_its_first_task_imports_keras_within_the_limit():
    """The worker refuses another backend than this one."""
    assert BackendExecution("torch").start_task(2**30) == StartKeras("torch", 2**30)


def test_what_is_not_installed_is_refused_with_what_to_do(monkeypatch):
    """And is no default; a name that is no backend's is another kind's affair."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "jax" else name)
    kind = BackendKind()

    with pytest.raises(UsageError, match="'jax' is not installed; run: pip install jax"):
        kind.find("jax")
    assert "jax" not in [execution.name for execution in kind.defaults()]
    assert kind.find("torch") == BackendExecution("torch")
    assert kind.find("theano") is None
