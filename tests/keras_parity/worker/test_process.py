"""The program of a worker: every request has an answer, and importing keras leaves no trace of how."""

import pytest

from keras_parity.crew import Worker, shared_crew
from keras_parity.errors import RemoteError
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.tasks import StartKeras, Task
from keras_parity.worker.process import MAX_TEXT
from tests.keras_parity.errands import BARE, errand
from tests.keras_parity.worker.asking import ask


@pytest.fixture(scope="module")
def worker():
    """A worker without keras."""
    worker = Worker(BARE)
    yield worker
    worker.close()


def complain(length: int) -> None:
    """Raise with a long text. Runs in a worker."""
    raise ValueError("x" * length)


class Mute(Exception):  # noqa: N818 - a model's own
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def complain_mutely() -> None:
    """Raise it. Runs in a worker."""
    raise Mute


def leave() -> None:
    """End as a script does. Runs in a worker."""
    raise SystemExit("that is all")


def answer_with_code():
    """Return what cannot be pickled. Runs in a worker."""
    return lambda: 0


def hidden() -> list[str]:
    """Return the modules that cannot be imported, since they are hidden. Runs in a worker."""
    import sys

    return [name for name in ("sklearn", "matplotlib", "jax") if sys.modules.get(name, "not imported") is None]


def limits() -> tuple[bool, bool]:
    """Return whether Ctrl-C is ignored, and whether a crash leaves no memory image. Runs in a worker."""
    import resource
    import signal

    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN, resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def test_a_long_text_is_cut(worker):
    """The class, and the beginning."""
    with pytest.raises(RemoteError) as caught:
        worker.ask(errand(complain, 10 * MAX_TEXT))

    assert caught.value.type_name == "ValueError"
    assert len(caught.value.text) == MAX_TEXT
    assert len(caught.value.traceback) == MAX_TEXT


@pytest.mark.parametrize(
    ("raising", "name", "text"), [(complain_mutely, "Mute", ""), (leave, "SystemExit", "that is all")]
)
def test_whatever_is_raised_is_an_answer(worker, raising, name, text):
    """The process lives on."""
    pid = worker.ask(errand(abs, -1)) and worker.pid

    with pytest.raises(RemoteError) as caught:
        worker.ask(errand(raising))

    assert (caught.value.type_name, caught.value.text) == (name, text)
    assert worker.pid == pid


def test_an_answer_that_cannot_be_pickled_is_a_failure(worker):
    """Of its own; nothing is sent by halves."""
    with pytest.raises(RemoteError, match="ickl"):
        worker.ask(errand(answer_with_code))

    assert worker.ask(errand(abs, -2)) == 2


def test_ctrl_c_is_the_parents_business(worker):
    """And a crash fills no disk."""
    assert worker.ask(errand(limits)) == (True, True)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_second_start_gives_the_same_versions_and_hides_nothing_for_good(backend):
    """What is not needed is hidden for the time of the import alone."""
    first = shared_crew()[backend].ask(StartKeras(backend, None))

    assert first.keys() == {"python", "keras", backend}
    assert first == shared_crew()[backend].versions
    assert ask(backend, hidden) == []


def test_a_task_that_nobody_performs_is_refused(worker):
    """The module that it names is looked at first."""
    with pytest.raises(RemoteError, match="LookupError: keras_parity.worker.performing performs no Unknown"):
        worker.ask(Unknown())


class Unknown(Task[None]):
    """A task of no module."""

    performed_in = "keras_parity.worker.performing"
