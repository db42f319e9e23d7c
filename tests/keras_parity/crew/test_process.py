"""A worker's process: it is asked, it is ended with all it has started, and its last words are kept."""

import os
import time

import pytest

from keras_parity.crew.process import Process, last_line
from keras_parity.crew.worker import encode_task
from keras_parity.protocol import messages
from tests.keras_parity import errands
from tests.keras_parity.errands import BARE, errand


@pytest.fixture
def process():
    """A process without keras."""
    process = Process(BARE, 1)
    yield process
    process.kill()
    process.hang_up()


def ask(process: Process, function, *args, seconds: float = 30):
    """Return a process's answer to an errand."""
    return messages.decode(process.exchange(encode_task(errand(function, *args)), time.monotonic() + seconds))


def test_it_answers_and_leaves_where_it_is(process):
    """In a file that the parent reads without asking."""
    assert process.running
    assert ask(process, errands.call_by_name, "os", "getpid") == messages.Done(process.pid)
    ask(process, errands.leave_place, "encoder/attention")

    assert process.last_place() == "encoder/attention"


def test_one_that_ends_tells_its_exit_code_and_its_last_words(process):
    """What is read is its end; no answer comes."""
    with pytest.raises((EOFError, OSError)):
        ask(process, errands.end, "exit code")

    assert process.collect() == 3
    assert "my last word" in process.last_words()
    assert not process.running


def test_a_deadline_leaves_the_process_to_its_caller(process, tmp_path):
    """Who asks decides whether to end it."""
    with pytest.raises(TimeoutError):
        ask(process, errands.wait_after, str(tmp_path / "sign"), seconds=2)
    assert process.running

    process.kill()

    assert not process.running
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_the_line_that_says_most_is_found():
    """Neither a frame of Python's fault handler nor what aborted after it said why."""
    words = "I0000 greeting\nterminate: no memory\nFatal Python error: Aborted\n\nCurrent thread 0x1\n  File x\n"

    assert last_line(words) == "terminate: no memory"
    assert last_line("\n  \n") == ""
