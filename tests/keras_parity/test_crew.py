"""A worker answers on its backend, and whatever becomes of it costs its own answer and nothing else.

What does not depend on the backend is tried on a worker that starts without keras, in a quarter of a second.
"""

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil
import pytest

from keras_parity.crew import Crew, Worker, shared_crew
from keras_parity.crew.process import LAST_WORDS, last_line
from keras_parity.errors import RemoteError, UsageError, WorkerDied, WorkerTimeout
from keras_parity.executions import BackendExecution, installed_executions
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol import messages
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.tasks import Task
from tests.keras_parity import errands
from tests.keras_parity.errands import BARE, errand

ROOT = Path(__file__).parents[2]


def bare_worker(**settings) -> Worker:
    """Return a worker whose process does not import keras before it is asked to."""
    return Worker(BARE, **settings)


@pytest.fixture(scope="module")
def worker():
    """A worker without keras, shared by the tests of this file; whoever ends it leaves the next test a new one."""
    worker = bare_worker()
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def pool():
    """The workers of all backends that this test session shares."""
    return shared_crew()


def gone(pid: int) -> bool:
    """Say whether a process ends within ten seconds; a zombie has ended, only nobody has asked yet."""
    for _ in range(1000):
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
                continue
        return True
    return False


def test_each_worker_runs_its_own_backend(pool):
    """Three processes, three backends, each with its version."""
    answers = pool.everywhere(errand(errands.backend))

    assert answers == {name: name for name in TRAINING_BACKENDS}
    assert all(pool[name].versions.keys() == {"python", "keras", name} for name in TRAINING_BACKENDS)
    assert len({pool[name].pid for name in TRAINING_BACKENDS}) == 3


def test_a_worker_on_the_wrong_backend_does_not_start(worker):
    """The twin: a process where keras already runs on another backend refuses to be taken for this one."""
    assert worker.ask(errand(errands.backend)) == "numpy"

    with pytest.raises(RemoteError, match="keras runs on numpy"):
        worker.ask(errand(errands.try_to_start, "jax"))


def test_a_backend_that_cannot_be_imported_is_reported():
    """A worker that cannot start says so, with the reason, at each call."""
    broken = Worker(BackendExecution("no_such_backend"))

    for _ in range(2):
        with pytest.raises(WorkerDied, match="no_such_backend worker cannot start: ModuleNotFoundError"):
            broken.ask(errand(errands.echo, 1))
    assert not broken.alive


@pytest.mark.parametrize(("names", "said"), [(("jax", "theano"), "no backend 'theano'"), ((), None)])
def test_an_unknown_backend_is_refused_before_anything_starts(names, said):
    """A misspelt backend is the user's mistake; none at all is what the caller asked for."""
    if said is None:
        assert Crew(names).everywhere(errand(errands.backend)) == {}
        return
    with pytest.raises(UsageError, match=said):
        Crew(names)


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    """The message says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else name)

    with pytest.raises(UsageError, match="'torch' is not installed; run: pip install torch"):
        Crew(("jax", "torch"))
    assert "torch" not in [execution.name for execution in installed_executions()]


def test_arrays_come_back_bit_for_bit(worker):
    """Every dtype, order and shape survives both ways, and the result may be written to."""
    expected = errands.arrays()

    made, echoed = worker.ask(errand(errands.arrays)), worker.ask(errand(errands.echo, expected))

    for name, array in expected.items():
        for got in (made[name], echoed[name]):
            assert (got.dtype, got.shape, got.tobytes()) == (array.dtype, array.shape, array.tobytes())
            assert got.flags.writeable
    assert made["float32"].tobytes() != expected["float32"].astype("int32").tobytes()


def test_plain_values_and_our_own_come_back(worker):
    """An answer may hold Python's plain values and this package's dataclasses and enumerations."""
    assert worker.ask(errand(errands.plain_values)) == errands.plain_values()


class Attribute:
    """Is pickled as an attribute of something, as Python 3.11.2 does it with members of enumerations."""

    def __init__(self, *parts):
        self._parts = parts

    def __reduce__(self):
        """Return what makes it anew."""
        return getattr, self._parts


def test_an_attribute_comes_back_if_it_is_a_member_of_an_enumeration():
    """`getattr` would otherwise give a worker whatever it asks for."""
    assert messages.decode(messages.encode(Attribute(Kind, "MASK"))) is Kind.MASK
    for parts in ((Kind, "mro"), (Kind, "__class__"), (np.ndarray, "tofile")):
        with pytest.raises(messages.MessageError, match="is no member of an enumeration"):
            messages.decode(messages.encode(Attribute(*parts)))


def test_a_function_of_the_caller_travels(worker):
    """Arguments are pickled by value where no module holds them."""
    offset = 3

    assert worker.ask(errand(errands.apply, lambda x: x + offset, 4)) == 7


def test_an_answer_cannot_run_code_here(worker, tmp_path):
    """A pickle that calls a function is refused by the parent; the twin shows that it would have worked."""
    folder = tmp_path / "made"

    with pytest.raises(WorkerDied, match=r"damaged answer.*posix.mkdir is not among the plain values"):
        worker.ask(errand(errands.bomb, str(folder)))

    assert not folder.exists()
    pickle.loads(pickle.dumps(errands.Bomb(str(folder))))
    assert folder.exists()


FORGED = {
    "impossible count": b"\xff" * 64,
    "impossible length": (1).to_bytes(8, "little") + (2**62).to_bytes(8, "little"),
    "no parts": (0).to_bytes(8, "little"),
    "no pickle": errands.forged_answer(b"text")[:-3] + b"\xff\xff\xff",
    "another module": errands.forged_answer(subprocess.run),
    "a module of ours": errands.forged_answer(shared_crew),
}


@pytest.mark.parametrize("kind", FORGED)
def test_bytes_that_are_no_answer_are_refused(kind):
    """Impossible lengths, what is no pickle and what names a function never get past the parser; plain data does."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(FORGED[kind])
        with pytest.raises(messages.MessageError):
            messages.decode(messages.receive(ours, time.monotonic() + 5))

    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(errands.forged_answer({"plain": [1.5]}))
        assert messages.decode(messages.receive(ours, time.monotonic() + 5)) == {"plain": [1.5]}


@pytest.mark.parametrize("value", [7, [], ("value", 1), Kind.OUTPUT])
def test_an_answer_of_another_form_ends_the_worker(value, worker):
    """A right pickle of a wrong thing is damage too; the next call is answered by a new process."""
    with pytest.raises(WorkerDied, match="damaged answer"):
        worker.ask(errand(errands.forge, errands.forged_answer(value)), time_limit=20)

    assert worker.ask(errand(errands.echo, 1)) == 1


def test_a_forged_answer_of_the_right_form_is_only_data(worker):
    """The twin: what the parser takes is plain, so a lie is a wrong number and no more."""
    assert worker.ask(errand(errands.forge, errands.forged_answer(messages.Done(42)))) == 42
    worker.restart()


def test_what_a_worker_prints_disturbs_nothing(worker, capfd):
    """Megabytes of noise on both streams, from C too, neither block it nor reach the screen nor pile up."""
    assert worker.ask(errand(errands.print_garbage)) == "answer"

    assert capfd.readouterr() == ("", "")
    with pytest.raises(WorkerDied) as died:
        worker.ask(errand(errands.end, "exit code"))
    assert died.value.last_words.endswith("my last word\n")
    assert len(died.value.last_words) <= LAST_WORDS


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exit code", r"ended itself \(exit code 3\): my last word"),
        ("segfault", r"crashed \(SIGSEGV\): Fatal Python error: Segmentation fault"),
        ("abort", r"crashed \(SIGABRT\): my last word"),
        ("kill", r"was killed \(out of memory\?\): my last word"),
    ],
)
def test_a_death_is_told_with_its_last_words(how, said, worker):
    """However it ends, the call says how in one line, and the next one is answered by a new process."""
    before = worker.ask(errand(errands.echo, 0)), worker.pid

    with pytest.raises(WorkerDied, match=said) as died:
        worker.ask(errand(errands.end, how))

    assert str(died.value).isprintable()
    assert "my last word" in died.value.last_words
    assert worker.ask(errand(errands.echo, 1)) == 1
    assert worker.pid != before[1]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("why\nFatal Python error: Aborted\n\nCurrent thread 0x1:\n  File x\n", "why"),
        ("why\nI0000 00:00:1.2  3 port.cc:1] oneDNN is on\n", "why"),
        ("Fatal Python error: Aborted\n", "Fatal Python error: Aborted"),
        ("\x1b[31mwhy\x07\n\n", "why?"),
        ("", ""),
    ],
)
def test_the_line_that_says_why_is_found(words, line):
    """Neither a stack nor TensorFlow's greeting is the reason."""
    assert last_line(words) == line


def test_an_exception_is_told_and_the_worker_lives_on(worker):
    """SystemExit is an exception like any other here; the process is the same afterwards."""
    before = worker.ask(errand(errands.echo, 0)), worker.pid

    with pytest.raises(RemoteError) as raised:
        worker.ask(errand(errands.end, "exit"))

    assert (raised.value.type_name, raised.value.text) == ("SystemExit", "that is all")
    assert "errands.py" in raised.value.traceback
    assert worker.ask(errand(errands.echo, 1)) == 1
    assert worker.pid == before[1]


def test_a_task_that_nobody_performs_is_told(worker):
    """A module that is not there, or performs no such task, is an answer, not a hang."""
    for module in ("no_such_module", "json"):

        @dataclass(frozen=True)
        class Strange(Task[int]):
            performed_in: ClassVar[str] = module

        with pytest.raises(RemoteError, match="no_such_module|json performs no Strange"):
            worker.ask(Strange())


def test_errors_survive_pickling(worker):
    """A pool of the caller's own may carry them on."""
    with pytest.raises(RemoteError) as raised:
        worker.ask(errand(errands.end, "exit"))

    copy = pickle.loads(pickle.dumps(raised.value))

    assert (type(copy), str(copy), copy.execution, copy.text) == (
        RemoteError,
        "SystemExit: that is all",
        "numpy",
        "that is all",
    )


def test_a_loop_without_end_is_stopped_at_the_limit(worker):
    """Even within C, where no other thread of the worker runs."""
    worker.ask(errand(errands.echo, 0))
    pid, start = worker.pid, time.monotonic()

    with pytest.raises(WorkerTimeout, match="no answer within 0.5 seconds"):
        worker.ask(errand(errands.end, "loop"), time_limit=0.5)

    assert time.monotonic() - start < 30
    assert gone(pid)


def test_what_a_model_has_started_ends_with_the_worker(worker):
    """A process that a model leaves behind is in the worker's group; so it is when the worker ends by itself."""
    for how in ("close", "exit code"):
        child = worker.ask(errand(errands.start_a_child))
        assert psutil.pid_exists(child)
        if how == "close":
            worker.close()
        else:
            with pytest.raises(WorkerDied):
                worker.ask(errand(errands.end, how))

        assert gone(child)


@pytest.mark.parametrize("how", ["raise", "die", "hang"])
def test_the_others_answers_are_kept(how, pool):
    """One backend raises, dies or hangs: its entry is the reason, the others' are their results."""
    time_limit = 3.0 if how == "hang" else None
    pool.everywhere(errand(errands.backend))  # all are up, so the limit measures the call alone

    answers = pool.everywhere(errand(errands.fail, "jax", how), time_limit=time_limit)

    expected = {"raise": RemoteError, "die": WorkerDied, "hang": WorkerTimeout}[how]
    assert type(answers.pop("jax")) is expected
    assert answers == {"tensorflow": "tensorflow", "torch": "torch"}
    assert pool.everywhere(errand(errands.fail, "nowhere", how), executions=["jax"]) == {"jax": "jax"}


def test_a_worker_killed_between_two_calls_is_replaced(worker):
    """Nobody waited for an answer, so nobody is bothered."""
    worker.ask(errand(errands.echo, 0))
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    deadline = time.monotonic() + 10  # another thread may be collecting it just now
    while worker.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not worker.alive

    assert worker.ask(errand(errands.echo, 1)) == 1


def test_a_worker_killed_during_a_call_is_reported(worker, tmp_path):
    """By another user, by the system: the call fails at once."""
    waiting = worker.submit(errand(errands.wait_after, str(tmp_path / "sign")))
    while not (tmp_path / "sign").exists():
        time.sleep(0.01)

    os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(WorkerDied, match=r"was killed \(out of memory\?\)"):
        waiting.result(30)


def test_closing_fails_the_calls_under_way(worker, tmp_path):
    """The running call and the one behind it end at once with a reason; the worker can be used again."""
    running = worker.submit(errand(errands.wait_after, str(tmp_path / "sign")))
    behind = worker.submit(errand(errands.echo, 1))
    while not (tmp_path / "sign").exists():
        time.sleep(0.01)
    pid = worker.pid

    worker.close()

    for future in (running, behind):
        with pytest.raises(WorkerDied, match="was closed before it answered"):
            future.result(30)
    assert gone(pid)
    assert worker.ask(errand(errands.echo, 1)) == 1


def test_an_interrupt_while_waiting_frees_the_workers(tmp_path, monkeypatch):
    """Ctrl-C in a notebook must not leave a worker busy with what nobody waits for."""
    worker = bare_worker()
    worker.ask(errand(errands.echo, 0))
    pid = worker.pid
    alarm = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)

    with pytest.raises(KeyboardInterrupt):
        worker.ask(errand(errands.wait_after, str(tmp_path / "sign")))

    signal.signal(signal.SIGALRM, alarm)
    assert gone(pid)


def test_a_worker_outlives_the_thread_that_first_called_it(worker):
    """Linux ends a child with the thread that started it, if asked to; here that thread is the worker's own."""
    worker.restart()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(worker.ask(errand(errands.echo, 1))))
    thread.start()
    thread.join()
    pid = worker.pid
    time.sleep(0.3)

    assert answers == [1]
    assert worker.ask(errand(errands.echo, 2)) == 2
    assert worker.pid == pid


def test_calls_from_several_threads_are_answered_each_with_its_own(worker):
    """The answers do not get mixed up."""
    futures = [worker.submit(errand(errands.echo, number)) for number in range(50)]

    assert [future.result() for future in futures] == list(range(50))


def test_the_worker_follows_the_folder_and_the_path(worker, tmp_path, monkeypatch):
    """What the parent could import and open now, the worker can."""
    (tmp_path / "written_just_now.py").write_text("def answer(): return open('note').read()\n")
    (tmp_path / "note").write_text("here")
    with pytest.raises(RemoteError, match="written_just_now"):
        worker.ask(errand(errands.call_by_name, "written_just_now", "answer"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    assert worker.ask(errand(errands.call_by_name, "written_just_now", "answer")) == "here"
    assert worker.ask(errand(errands.surroundings))[:2] == (str(tmp_path), sys.path)


def test_the_users_settings_are_kept_and_gaps_filled(monkeypatch):
    """Threads and accelerators are the user's to choose; KERAS_BACKEND is not."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = ("OMP_NUM_THREADS", "NPROC", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "PYTHONHASHSEED")
    worker = bare_worker(threads=3)

    _, _, found = worker.ask(errand(errands.surroundings, *names))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    worker.restart()
    _, _, with_gpu = worker.ask(errand(errands.surroundings, *names))
    worker.close()

    assert found == dict(zip(names, ("7", "3", "numpy", "-1", "cpu", "0"), strict=True))
    assert (with_gpu["CUDA_VISIBLE_DEVICES"], with_gpu["JAX_PLATFORMS"]) == ("0", None)


def test_tensorflow_is_not_imported_where_it_is_not_the_backend(pool):
    """A start costs what it must; TensorFlow, should a model import it there, takes one thread and no accelerator."""
    for backend in ("jax", "torch"):  # a model of another test may have asked for it there
        pool[backend].restart()

    answers = pool.everywhere(errand(errands.tensorflow_is_imported))

    assert answers == {"tensorflow": True, "jax": False, "torch": False}
    assert pool["jax"].ask(errand(errands.import_tensorflow)) == (1, 1, [])
    assert pool["tensorflow"].ask(errand(errands.import_tensorflow))[:2] != (1, 1)
    pool["jax"].restart()


@pytest.mark.parametrize("backend", ["numpy", "jax"])  # by hand on PyTorch, and TensorFlow, which tries again for 10 s
def test_the_memory_limit_stops_an_allocation_and_not_the_worker(backend):
    """Too much is an exception that is known for what it is; less is computed before and after."""
    worker = Worker(BackendExecution(backend), memory_limit_bytes=2**30)

    assert worker.ask(errand(errands.allocate, 32)) == 32
    with pytest.raises(RemoteError) as raised:
        worker.ask(errand(errands.allocate, 2048))
    assert raised.value.out_of_memory
    assert worker.ask(errand(errands.allocate, 32)) == 32
    worker.close()
    assert not RemoteError("jax", "ValueError", "something else").out_of_memory


def run_users_script(code: str, *arguments: str, folder: Path, **options) -> subprocess.CompletedProcess:
    """Run a script of a user's own, which does not know the tests' folders but by PYTHONPATH."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, **options)


def test_a_script_without_a_main_guard_works_and_leaves_no_process(tmp_path):
    """The script runs once, nothing heavy is imported into it, and a file beside it may be named as one of Python's."""
    (tmp_path / "queue.py").write_text("raise SystemExit('the wrong queue')")

    done = run_users_script(
        """
        import sys; sys.path.pop(0)
        from keras_parity.crew import Worker
        from tests.keras_parity import errands
        from tests.keras_parity.errands import NUMPY, errand
        worker = Worker(NUMPY)
        print(worker.ask(errand(errands.backend)), worker.pid)
        print([name for name in ("keras", "jax", "torch", "tensorflow") if name in sys.modules])
        """,
        folder=tmp_path,
    )

    assert done.stderr == ""
    (backend, pid), imported = done.stdout.splitlines()[0].split(), done.stdout.splitlines()[1]
    assert (backend, imported) == ("numpy", "[]")
    assert gone(int(pid))


def test_a_program_may_end_while_a_worker_is_stuck(tmp_path):
    """An exception in the program is shown and ends it; it does not wait for the worker's time limit."""
    done = run_users_script(
        """
        import time
        from keras_parity.crew import Worker
        from tests.keras_parity import errands
        from tests.keras_parity.errands import BARE, errand
        worker = Worker(BARE)
        worker.ask(errand(errands.echo, 0))
        worker.submit(errand(errands.end, "loop"))
        print(worker.pid)
        raise RuntimeError("enough")
        """,
        folder=tmp_path,
    )

    assert "RuntimeError: enough" in done.stderr
    assert gone(int(done.stdout))


def heed_interrupts():
    """Undo what a shell does for programs in the background: they ignore Ctrl-C, and their children with them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("busy", ["wait", "loop"])
def test_no_worker_outlives_its_parent(stop, busy, tmp_path):
    """Killed or interrupted, busy in Python or in C: the worker ends with its parent, and says nothing of it."""
    code = f"""
        import os, sys
        sys.path.insert(0, {str(ROOT)!r})
        from keras_parity.crew import Worker
        from tests.keras_parity import errands
        from tests.keras_parity.errands import BARE, errand
        worker = Worker(BARE)
        worker.ask(errand(errands.echo, 0))
        print(worker.pid, flush=True)
        if {busy!r} == "loop":
            worker.ask(errand(errands.end, "loop"))
        worker.ask(errand(errands.wait_after, {str(tmp_path / "sign")!r}))
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(code))
    command = [sys.executable, str(tmp_path / "script.py")]
    parent = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    pid = int(parent.stdout.readline())
    time.sleep(0.3)

    parent.send_signal(stop)
    _, shown = parent.communicate(timeout=60)

    assert gone(pid)
    assert shown.count("Traceback") == (stop == signal.SIGINT)


def test_a_fork_of_the_program_does_not_end_its_workers(tmp_path):
    """A copy that ends runs the same clean-up; the workers are not its own, and it has shared ones of its own."""
    done = run_users_script(
        """
        import os, sys
        from keras_parity.crew import shared_crew
        from tests.keras_parity import errands
        from tests.keras_parity.errands import errand
        pool = shared_crew()
        worker = pool["jax"]
        worker.ask(errand(errands.backend))
        before = worker.pid
        if os.fork() == 0:
            sys.exit(shared_crew() is pool)
        print(os.wait()[1], worker.ask(errand(errands.backend)), worker.pid == before)
        """,
        folder=tmp_path,
    )

    assert done.stdout.split() == ["0", "jax", "True"], done.stderr


def test_under_xdist_each_process_has_its_own_workers_and_ends_them(tmp_path):
    """Two pytest processes at once, each with a worker; when they are gone, so are the workers."""
    (tmp_path / "test_two.py").write_text(
        textwrap.dedent("""
        import os, pytest
        from keras_parity.crew import shared_crew
        from tests.keras_parity import errands
        from tests.keras_parity.errands import errand

        @pytest.mark.parametrize("number", range(4))
        def test_backend(number):
            worker = shared_crew()["jax"]
            assert worker.ask(errand(errands.backend)) == "jax"
            open(f"{number}.txt", "w").write(f"{worker.pid} {os.environ['PYTEST_XDIST_WORKER']}")
        """)
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--dist", "each"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout
    for file in tmp_path.glob("*.txt"):
        assert gone(int(file.read_text().split()[0]))


def test_no_temporary_file_is_left(worker, tmp_path, monkeypatch):
    """A worker makes none, so one that is killed leaves none."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    worker.restart()

    worker.ask(errand(errands.echo, np.ones(1000)))
    with pytest.raises(WorkerDied):
        worker.ask(errand(errands.end, "kill"))
    worker.restart()

    assert list(tmp_path.iterdir()) == []
