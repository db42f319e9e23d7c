"""The parent's side of a worker: one process at a time, tasks in their order, an error for each that has no answer."""

import pickle

import pytest

from keras_parity.crew.worker import Worker, answer_or_error, encode_task
from keras_parity.errors import RemoteError, WorkerDied, WorkerTimeout
from tests.keras_parity import errands
from tests.keras_parity.errands import BARE, errand


@pytest.fixture
def worker():
    """A worker without keras."""
    worker = Worker(BARE)
    yield worker
    worker.close()


def test_it_is_started_by_the_first_task_and_anew_after_a_restart(worker):
    """What earlier tasks have left is gone."""
    assert not worker.alive
    first = worker.ask(errand(errands.call_by_name, "os", "getpid"))
    assert worker.pid == first

    worker.restart()

    assert not worker.alive
    assert worker.ask(errand(errands.call_by_name, "os", "getpid")) != first


def test_tasks_are_performed_in_their_order(worker):
    """All are sent at once."""
    futures = [worker.submit(errand(errands.echo, number)) for number in range(20)]

    assert [future.result() for future in futures] == list(range(20))


def test_a_slow_task_costs_its_own_answer_alone(worker, tmp_path):
    """The next one finds a new process."""
    with pytest.raises(WorkerTimeout, match="no answer within 1 seconds"):
        worker.ask(errand(errands.wait_after, str(tmp_path / "sign")), time_limit=1)

    assert worker.ask(errand(errands.echo, 1)) == 1


def test_an_error_is_an_answer_or_an_exception_as_the_caller_likes(worker):
    """It names the execution; anything else than a worker's error is raised."""
    error = answer_or_error(worker.submit(errand(int, "x")))

    assert isinstance(error, RemoteError)
    assert (error.execution, error.type_name, error.text) == (
        "numpy",
        "ValueError",
        "invalid literal for int() with base 10: 'x'",
    )


def test_closing_fails_what_waits(worker, tmp_path):
    """Both the task under way and the one behind it."""
    futures = [worker.submit(errand(errands.wait_after, str(tmp_path / name))) for name in "ab"]

    worker.close()

    for future in futures:
        with pytest.raises(WorkerDied, match="closed before it answered"):
            future.result(timeout=20)


def test_a_request_carries_the_path_and_the_folder(tmp_path, monkeypatch):
    """The worker finds the same modules; a folder that was removed is none."""
    monkeypatch.syspath_prepend(str(tmp_path))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    path, folder, _ = pickle.loads(encode_task(errand(errands.echo))[0])
    assert (path[0], folder) == (str(tmp_path), str(gone))

    gone.rmdir()

    assert pickle.loads(encode_task(errand(errands.echo))[0])[1] is None
