"""The books of a check: each finding once, the worst of its kind, in the model's order."""

import dataclasses

import numpy as np

from keras_parity.draws import Draw
from keras_parity.judge import Difference, Error, Judgement, raised
from keras_parity.ledger import Ledger, Place
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.verdict import Cause

OUTPUT, GRADIENT = Quantity(Kind.OUTPUT), Quantity(Kind.GRADIENT, "kernel")
ORDINARY, BLANK = Draw("ordinary 1", True, []), Draw("blank", False, [])


def difference(units: float, cause: Cause = Cause.SEMANTIC) -> Difference:
    """Return a difference of JAX."""
    return Difference(OUTPUT, "jax", ("jax", "torch"), cause, 1e-7 * units, units, "as it is")


def test_the_worst_of_a_kind_is_kept_and_ordinary_data_comes_first():
    """A larger difference on blank images does not hide the one on ordinary data."""
    ledger = Ledger(("jax", "torch"))
    for units, draw in ((900, ORDINARY), (700, ORDINARY), (1e9, BLANK), (np.nan, BLANK)):
        ledger.add(Place("c1", "Conv2D"), difference(units), "inference", draw)
    ledger.add(Place("c1", "Conv2D"), difference(5, Cause.DTYPE), "inference", BLANK)

    assert [(f.rounding_units, f.ordinary) for f in ledger.findings] == [(900, True), (5, False)]


def test_the_worst_of_a_kind_tells_whether_whole_numbers_differ():
    """A finding that another one replaces counts no more."""
    ledger = Ledger(("jax", "torch"))
    ledger.add(Place("c1"), difference(900), "inference", ORDINARY)
    assert not ledger.whole_numbers_differ

    ledger.add(Place("c2"), dataclasses.replace(difference(900), whole_numbers=True), "inference", BLANK)
    assert ledger.whole_numbers_differ

    ledger.add(Place("c2"), difference(900), "inference", ORDINARY)
    assert not ledger.whole_numbers_differ


def test_findings_stand_in_the_order_of_the_model():
    """Whatever order they were made in; what is no layer comes last."""
    ledger = Ledger(("jax", "torch"))
    for path in ("first", "second"):
        ledger.see(path)
    for path in ("", "second", "first"):
        ledger.add(Place(path), difference(900), "training", ORDINARY)

    assert [finding.layer for finding in ledger.findings] == ["first", "second", "(model)"]


def test_errors_forward_and_backward_are_measured_apart():
    """The largest of each is kept."""
    ledger = Ledger(("jax", "torch"))
    errors = [Error(OUTPUT, "jax", 1e-7, 2.0), Error(OUTPUT, "jax", 1e-7, 3.0), Error(GRADIENT, "jax", 1e-7, 1.0)]

    ledger.keep(Place("c1", "Conv2D"), Judgement(errors=errors, compared=2), "training", ORDINARY)
    ledger.keep(Place("c1", "Conv2D"), Judgement(compared=5), "training", BLANK)

    assert [(m.direction, m.rounding_units) for m in ledger.measurements] == [("forward", 3.0), ("backward", 1.0)]
    assert ledger.compared == 2  # on ordinary data


def test_a_detour_of_float64_is_a_note():
    """One for each place and execution, which counts its results."""
    ledger = Ledger(("jax", "torch"))
    ledger.keep(Place("c1"), Judgement(detours=[("jax", OUTPUT), ("jax", GRADIENT)]), "training", ORDINARY)

    (note,) = ledger.all_notes
    assert "at c1, jax computes the output and 1 more of its results" in note


def test_what_cannot_be_judged_counts_on_ordinary_data_alone():
    """On an edge draw it is a note."""
    ledger = Ledger(("jax", "torch"))
    ledger.cannot_judge(Place("c1"), "raises", BLANK)
    assert ledger.unjudged is None

    ledger.cannot_judge(Place("c2"), "raises", ORDINARY)
    assert ledger.unjudged == "c2 raises"
    assert ledger.notes == ["c1 raises", "c2 raises"]


def test_who_raises_takes_no_part_in_what_the_others_differ_in():
    """PyTorch raises; JAX and TensorFlow differ from each other, not all three."""
    ledger = Ledger(("tensorflow", "jax", "torch"))
    pair = Difference(OUTPUT, None, ("tensorflow", "jax"), Cause.SEMANTIC, 1e-3, 9e3, "")
    for what in (raised(OUTPUT, "torch", "ValueError: no"), pair):
        ledger.add(Place("(training)"), what, "training", ORDINARY)
    ledger.add(Place("elsewhere"), pair, "training", ORDINARY)

    taking_part = [finding.executions for finding in ledger.findings]
    assert taking_part == [("tensorflow", "jax", "torch"), ("tensorflow", "jax"), ("tensorflow", "jax", "torch")]


def test_who_raises_in_gradients_alone_takes_part_in_the_outputs():
    """Those are there, and were compared."""
    ledger = Ledger(("tensorflow", "jax", "torch"))
    output = Difference(OUTPUT, None, ("tensorflow", "jax"), Cause.SEMANTIC, 1e-3, 9e3, "")
    for what in (raised(GRADIENT, "torch", "ValueError: no"), output, dataclasses.replace(output, quantity=GRADIENT)):
        ledger.add(Place("c1"), what, "training", ORDINARY)

    taking_part = [finding.executions for finding in ledger.findings]
    assert taking_part == [("tensorflow", "jax", "torch"), ("tensorflow", "jax", "torch"), ("tensorflow", "jax")]


def test_of_two_that_are_inaccurate_each_stands_against_the_accurate_one():
    """Neither is alone: the third is right, and the first does not agree with it."""
    ledger = Ledger(("tensorflow", "jax", "torch"))
    for name in ("tensorflow", "torch"):
        wrong = Difference(OUTPUT, name, (name, "jax"), Cause.PRECISION, 1e-3, 9e3, "")
        ledger.add(Place("c1"), wrong, "training", ORDINARY)

    assert [finding.executions for finding in ledger.findings] == [("tensorflow", "jax"), ("jax", "torch")]
    assert ledger.findings[1].message.startswith("c1: torch differs from jax on the output (precision)")
