"""A kind of execution is one file and one entry: a toy kind is found by its name, compared, and blamed by it."""

from dataclasses import dataclass

import pytest

from keras_parity import executions
from keras_parity.accepted import read_accepted
from keras_parity.backend_process import backend_environment
from keras_parity.cli import build_parser
from keras_parity.errors import UsageError
from keras_parity.executions import Capability, Execution, ExecutionKind, find_executions
from keras_parity.protocol.tasks import StartKeras, Task
from keras_parity.reduce.output import run_script


@dataclass(frozen=True)
class EagerJax(Execution):
    """JAX without its compiler."""

    capabilities = frozenset(Capability)

    def environment(self, threads: int | None) -> dict[str, str]:
        """Return JAX's environment, with compiling switched off."""
        return backend_environment("jax", threads) | {"JAX_DISABLE_JIT": "1"}

    def start_task(self, memory_limit_bytes: int | None) -> Task[dict[str, str]]:
        """Start keras on JAX."""
        return StartKeras("jax", memory_limit_bytes)


class EagerKind(ExecutionKind):
    """The name `jax+eager`."""

    examples = ("jax+eager",)

    def owns(self, name: str) -> bool:
        """Return whether it is that name."""
        return name in self.examples

    def find(self, name: str) -> Execution | None:
        """Return the execution of that name."""
        return EagerJax(name) if self.owns(name) else None


@pytest.fixture
def eager_kind(monkeypatch):
    """The registry with the toy kind in it."""
    monkeypatch.setattr(executions, "KINDS", [*executions.KINDS, EagerKind()])


def build():
    """Build a small model."""
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(2)])


def shift_first():
    """Return a context in which the layer `first` gives too much."""
    import contextlib

    import keras

    @contextlib.contextmanager
    def shifted():
        own = keras.layers.Dense.call
        keras.layers.Dense.call = lambda self, x, **_: own(self, x) + 0.01 * (self.name == "first")
        try:
            yield
        finally:
            keras.layers.Dense.call = own

    return shifted()


def test_a_new_kind_is_compared_and_blamed_by_its_name(eager_kind):
    """It agrees with JAX as it is; a fault planted in it alone is its own."""
    from keras_parity.comparison import run_check
    from keras_parity.crew import Crew
    from keras_parity.request import make_request

    request = make_request(build, ["jax", "jax+eager"], steps=1, edge=False, reload=False)
    with Crew(["jax", "jax+eager"]) as crew:
        clean = run_check(request, crew, print)
        faulty = run_check(request, crew, print, {"jax+eager": shift_first})

    assert clean.outcome.value == "agree", clean
    assert faulty.outcome.value == "disagree"
    assert {finding.layer for finding in faulty.findings} == {"first"}
    assert {name for finding in faulty.findings for name in finding.executions} == {"jax", "jax+eager"}


def test_a_new_kind_is_taken_wherever_a_name_is(eager_kind, tmp_path):
    """On the command line, in `parity.toml`, and by what runs a reduced script; no list of names stands elsewhere."""
    options = build_parser().parse_args(["check", "m:f", "--backends", "jax,jax+eager"])
    entry = 'layer = "first"\nbackend = "jax+eager"\nquantity = "output"\nreason = "a try"\nuntil = "keras 9.0"\n'
    (tmp_path / "parity.toml").write_text(f"[[accepted]]\n{entry}")
    script = "import os; print(os.environ['KERAS_BACKEND'], os.environ['JAX_DISABLE_JIT'])"

    assert options.backends == ("jax", "jax+eager")
    assert read_accepted(tmp_path / "parity.toml")[0].execution == "jax+eager"
    assert run_script(script, "jax+eager", ()) == "jax 1"


def test_a_name_of_no_kind_is_refused():
    """Without the toy kind its name stands for nothing; the message names what is there."""
    with pytest.raises(UsageError, match=r"no backend 'jax\+eager'; choose among"):
        find_executions(["jax+eager"])


def test_a_name_given_twice_is_one_execution():
    """Nothing is compared with itself."""
    assert [execution.name for execution in find_executions(["jax", "torch", "jax"])] == ["jax", "torch"]
