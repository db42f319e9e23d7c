"""Every task is a frozen value that names the module of the worker that performs it, and that module does."""

import dataclasses
import subprocess
import sys

import pytest

from keras_parity.protocol import reducing, tasks
from tests.commands import ROOT

TASKS = [
    kind
    for module in (tasks, reducing)
    for kind in vars(module).values()
    if isinstance(kind, type)
    and issubclass(kind, tasks.Task)
    and kind is not tasks.Task
    and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", TASKS, ids=lambda kind: kind.__name__)
def test_a_task_is_frozen_and_names_a_module_of_the_worker(kind):
    """Both sides may keep it; the parent never imports who performs it."""
    assert dataclasses.fields(kind) is not None
    assert kind.__dataclass_params__.frozen
    path = ROOT / f"{kind.performed_in.replace('.', '/')}.py"
    assert kind.performed_in.startswith("keras_parity.worker.")
    assert f"{kind.__name__})\n" in path.read_text(encoding="utf-8")  # @performs(tasks.Kind)


def test_the_tasks_need_no_framework():
    """The parent imports them; a task that imported keras would bring it there."""
    program = "import sys, keras_parity.protocol.tasks; print([n for n in ('keras', 'jax') if n in sys.modules])"

    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
