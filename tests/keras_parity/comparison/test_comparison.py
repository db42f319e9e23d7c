"""The order of a check's parts, and that it comes to a verdict whatever happens on the way."""

import pytest

from keras_parity.comparison import _passes, open_check, run_check
from keras_parity.comparison.passes import Passes
from keras_parity.draws import Draw
from keras_parity.protocol.results import Raised
from keras_parity.protocol.tasks import CloseCase, OpenCase
from keras_parity.verdict import Outcome
from tests.keras_parity.comparison.checks import died, make_check

DRAWS = [
    Draw("ordinary 1", True, []),
    Draw("ordinary 2", True, []),
    Draw("blank", False, []),
    Draw("batch of one", False, []),
]


def planned(training: bool, depends_on_mode: bool = True) -> list[tuple[str, str, bool, bool]]:
    """Return each pass's draw and mode, whether it goes backward, and whether everything is replayed."""
    check = make_check()
    passes = Passes(check, depends_on_mode=depends_on_mode)
    return [(p.draw.name, p.mode, p.backward, p.everything) for p in _passes(check, passes, DRAWS, training)]


def test_training_is_compared_on_every_draw_and_inference_on_those_that_find_more():
    """Only where something depends on the mode; another shape is not compiled for each layer."""
    assert planned(training=True) == [
        ("ordinary 1", "training", True, True),
        ("ordinary 1", "inference", True, False),
        ("ordinary 2", "training", True, True),
        ("blank", "training", True, True),
        ("blank", "inference", True, False),
        ("batch of one", "training", True, False),
    ]
    assert all(mode == "training" for _, mode, _, _ in planned(training=True, depends_on_mode=False))


def test_without_training_inference_is_compared_on_all_and_nothing_goes_backward():
    """Every layer, as there is no other pass."""
    assert planned(training=False) == [(draw.name, "inference", False, True) for draw in DRAWS]


def run(answers, **changes):
    """Return the verdict of a check on executions that answer so, and the check's crew."""
    check = make_check(answers, **changes)
    return run_check(check.request, check.participants.crew, lambda _: None), check


def test_a_check_that_ends_early_has_a_verdict_and_lets_the_workers_forget():
    """Here, no execution can build the model."""
    verdict, check = run({OpenCase: Raised("ValueError: no")})

    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        "the model raises on every backend: ValueError: no",
    )
    assert [name for name, task in check.asked if isinstance(task, CloseCase)] == ["tensorflow", "jax", "torch"]


def test_one_execution_alone_is_not_even_asked():
    """There is nothing to compare it with."""
    verdict, check = run({}, names=("jax",))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert check.asked == []


def test_workers_that_die_leave_a_verdict():
    """With who died."""
    verdict, _ = run({OpenCase: lambda name, _: died(name)})

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert set(verdict.failures) == {"tensorflow", "jax", "torch"}


def test_an_interrupt_ends_the_workers():
    """And goes on to whoever called."""

    def interrupt(name, task):
        raise KeyboardInterrupt

    check = make_check({OpenCase: interrupt})

    with pytest.raises(KeyboardInterrupt):
        run_check(check.request, check.participants.crew, lambda _: None)
    assert not any(worker.alive for worker in check.participants.crew.values())


def test_an_interrupt_of_whoever_opens_a_check_ends_the_workers():
    """As `reduce` does, which would otherwise wait for the stage that runs."""
    check = make_check()

    with pytest.raises(KeyboardInterrupt), open_check(check.request, check.participants.crew, print):
        raise KeyboardInterrupt
    assert not any(worker.alive for worker in check.participants.crew.values())


def test_a_check_opens_with_an_empty_ledger():
    """For the executions of the request."""
    check = make_check(names=("jax", "torch"))

    with open_check(check.request, check.participants.crew, print) as opened:
        assert opened.participants.names == opened.ledger.executions == ("jax", "torch")
        assert opened.ledger.findings == []
