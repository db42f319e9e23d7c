"""The outcome and its reason, from what the ledger holds and who is left."""

import pytest

from keras_parity.comparison.outcome import conclude
from keras_parity.draws import Draw
from keras_parity.judge import Difference, raised
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.verdict import Outcome
from tests.keras_parity.comparison.checks import make_check

OUTPUT = Quantity(Kind.OUTPUT)


def checked(*layers: str, compared: int = 10, ordinary: bool = True, **state):
    """Return a check that has compared something and found JAX wrong in some layers."""
    check = make_check()
    check.ledger.compared, check.ledger.finite = compared, True
    for layer in layers:
        check.ledger.see(layer)
        difference = Difference(OUTPUT, "jax", ("jax", "torch"), Cause.SEMANTIC, 1e-3, 1e4, "by far")
        check.ledger.add(Place(layer, "Conv2D"), difference, "inference", Draw("blank", ordinary, []))
    for name, value in state.items():
        setattr(check.ledger, name, value)
    return check


@pytest.mark.parametrize(
    ("check", "outcome", "reason"),
    [
        (checked(), Outcome.AGREE, "tensorflow, jax, torch agree on all 10 quantities compared"),
        (checked("a", "b"), Outcome.DISAGREE, "the backends disagree at a: jax is alone, and 1 more"),
        (
            checked("a", ordinary=False),
            Outcome.DISAGREE,
            "the backends disagree at a: jax is alone (on edge inputs only)",
        ),
        (checked(compared=0), Outcome.INCONCLUSIVE, "nothing could be compared: "),
        (checked(finite=False), Outcome.INCONCLUSIVE, "nothing could be compared: no output of the model was finite"),
        (checked(unjudged="c raises"), Outcome.INCONCLUSIVE, "not all could be compared: c raises"),
        (checked(raised_everywhere="no"), Outcome.INCONCLUSIVE, "the model raises on every backend: no"),
        (checked("a", raised_everywhere="no"), Outcome.DISAGREE, "the backends disagree at a"),
    ],
)
def test_the_outcome_has_a_reason(check, outcome, reason):
    """A difference weighs more than what could not be compared; nothing compared is no agreement."""
    verdict = conclude(check, 1.5)

    assert verdict.outcome is outcome
    assert verdict.reason.startswith(reason)
    assert (verdict.seconds, verdict.request) == (1.5, check.request)


def test_who_did_not_finish_makes_it_inconclusive():
    """Unless something differs."""
    check = checked()
    check.participants.fail("torch", "it died")

    verdict = conclude(check, 1.0)

    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "torch did not finish: it died")
    assert verdict.failures == {"torch": "it died"}


def test_one_backend_alone_compares_nothing():
    """Whatever it has computed."""
    verdict = conclude(make_check(names=("jax",)), 1.0)

    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        "only one backend is here to compare (jax); install a second one",
    )


def test_a_crash_is_a_finding_where_others_lived_and_one_crash_a_note():
    """A process that crashes again in the same place is wrong there."""
    check = checked()
    check.participants.crashes["jax"] = ("conv", "the jax worker crashed (SIGSEGV)")
    check.participants.restarted["torch"] = "the torch worker crashed (SIGABRT)"

    verdict = conclude(check, 1.0)

    [finding] = verdict.findings
    assert (finding.layer, finding.execution, finding.cause, finding.mode) == ("conv", "jax", Cause.ERROR, "running")
    assert verdict.notes[0].startswith("torch crashed once and in a fresh process not again")


def test_a_crash_everywhere_is_nobodys_fault():
    """There is nobody to compare with."""
    check = checked()
    for name in check.participants.names:
        check.participants.crashes[name] = ("conv", "crashed")

    assert conclude(check, 1.0).findings == []


def test_nobody_is_called_alone_where_two_raise():
    """Both are named, and the third is no party to it."""
    check = checked()
    for name in ("jax", "tensorflow"):
        error = raised(Quantity(Kind.OUTPUT), name, "ValueError: no")
        check.ledger.add(Place("cut", "Cut"), error, "inference", Draw("ordinary 1", True, []))

    verdict = conclude(check, 1.0)

    assert verdict.reason == "the backends disagree at cut: jax and tensorflow raise an error"
    assert [finding.message for finding in verdict.findings] == [
        f"cut: {name} raises where torch does not, on the output (error raised): ValueError: no"
        for name in ("jax", "tensorflow")
    ]


def test_a_known_divergence_is_named_and_explained():
    """In the finding and in a note."""
    check = checked()
    quantity = Quantity(Kind.GRADIENT, "input")
    difference = Difference(quantity, "jax", ("jax", "torch"), Cause.SEMANTIC, 1.0, 1e7, "by far")
    check.ledger.add(Place("leaky", "LeakyReLU"), difference, "training", Draw("blank", False, []))
    for worker in check.participants.crew.values():
        worker.versions = {"keras": "3.15.1", "tensorflow": "2.21.0", "jax": "0.10.2", "torch": "2.13.0"}

    verdict = conclude(check, 1.0)

    assert verdict.outcome is Outcome.AGREE
    assert verdict.findings[0].known is not None
    assert f"known as {verdict.findings[0].known} (Keras 3.15.1)" in verdict.notes[0]
