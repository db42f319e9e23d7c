"""Who takes part in a check: a worker that fails is left out, and two must be left."""

import pytest

from keras_parity.crew import Crew
from keras_parity.participants import Participants, TooFewLeft
from tests.keras_parity import errands
from tests.keras_parity.errands import BareExecution, errand


@pytest.fixture
def three():
    """Three participants whose workers import no keras."""
    executions = tuple(BareExecution(name) for name in ("one", "two", "three"))
    with Crew(executions) as crew:
        yield Participants(executions, crew, time_limit=20)


def test_who_fails_is_left_out_with_the_first_reason(three):
    """The others' answers are kept."""
    answers = three.ask_each(
        {"one": errand(errands.echo, 1), "two": errand(errands.end, "kill"), "three": errand(abs, -3)}
    )

    assert answers == {"one": 1, "three": 3}
    assert three.active == ("one", "three")
    three.fail("two", "another reason")
    assert "was killed" in three.failures["two"]


def test_a_worker_that_lost_its_model_is_told_by_the_type_of_its_answer():
    """The same words of a model's own are what it raised."""
    executions = tuple(BareExecution(name) for name in ("one", "two", "three", "four"))
    with Crew(executions) as crew:
        four = Participants(executions, crew, time_limit=20)

        four.ask_each(
            {
                "one": errand(errands.lack_a_model),
                "two": errand(errands.fail_with, RuntimeError("this worker holds no model")),
                "three": errand(abs, -3),
                "four": errand(abs, -4),
            }
        )

    assert four.failures == {
        "one": "its process has ended in another task, as where memory runs out",
        "two": "RuntimeError: this worker holds no model",
    }


def test_fewer_than_two_end_the_check(three):
    """Nothing is left to compare."""
    with pytest.raises(TooFewLeft):
        three.ask_each({name: errand(errands.end, "kill") for name in ("one", "two")})


def test_of_a_large_model_tasks_begin_one_after_the_other(three):
    """None begins before its answer is asked for."""
    three.one_at_a_time = True
    begun = three.begin({name: errand(errands.echo, name) for name in three.names})
    assert not any(three.crew[name].alive for name in three.names)

    assert begun.wait() == {name: name for name in three.names}


def test_closing_starts_no_worker(three):
    """A worker that was never asked holds no model."""
    three.close()

    assert not any(three.crew[name].alive for name in three.names)


def test_an_interrupt_ends_the_workers_at_once(three, tmp_path):
    """Whatever they are doing: here, waiting for a minute."""
    begun = three.begin({name: errand(errands.wait_after, str(tmp_path / name)) for name in three.names})

    three.interrupt()

    with pytest.raises(TooFewLeft):
        begun.answers()
