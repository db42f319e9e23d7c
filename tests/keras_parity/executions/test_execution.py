"""The interface of executions: capabilities are asked for together, and each runs Python where it computes."""

import sys

import pytest

from keras_parity.executions import BackendExecution, Capability, Execution, ExecutionKind


def test_it_can_what_it_has_all_the_capabilities_for():
    """Nothing wanted is always to be had."""
    able, unable = BackendExecution("jax"), BackendExecution("openvino")

    assert able.can(Capability.GRADIENTS, Capability.FLOAT64)
    assert not unable.can(Capability.GRADIENTS)
    assert unable.can()


def test_it_runs_in_this_python_unless_it_says_otherwise():
    """An interpreter of its own is what another kind may have."""
    assert list(BackendExecution("jax").interpreter) == [sys.executable]


def test_an_execution_must_say_what_it_can_and_how_it_starts():
    """The interface alone runs nothing."""
    with pytest.raises(TypeError, match="abstract"):
        Execution("jax")


def test_a_kind_has_no_defaults_of_its_own():
    """A check compares it where the user names it."""

    class Kind(ExecutionKind):
        examples = ()

        def owns(self, name):
            return False

        def find(self, name):
            return None

    assert list(Kind().defaults()) == []
