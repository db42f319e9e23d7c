"""A saved model is read by the next execution, and whose fault a difference is shows in its own file."""

import numpy as np
import pytest

from keras_parity.comparison.reloading import compare_reloading
from keras_parity.draws import Draw
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Reloaded, Value
from keras_parity.protocol.tasks import ReloadModel, SaveModel
from tests.keras_parity.comparison.checks import make_check, tasks_of

KERNEL = Quantity(Kind.WEIGHT, "kernel")
DRAW = Draw("ordinary 1", True, [])
ONES = {KERNEL: Value(np.ones(2), "float32")}
TWOS = {KERNEL: Value(np.full(2, 2.0), "float32")}


def compare(wrong, saved=lambda name: name.encode()):
    """Return a check after reloading, where `wrong` tells of a reader and a file whether the weights are others."""

    def reload(name, task):
        answer = wrong(name, task.contents.decode())
        return answer if isinstance(answer, Raised) else Reloaded(ONES, TWOS if answer else ONES)

    check = make_check({SaveModel: lambda name, _: saved(name), ReloadModel: reload})
    compare_reloading(check, DRAW)
    return check


def found(check) -> list[tuple]:
    """Return who is blamed for what."""
    return [(finding.execution, finding.quantity, finding.cause) for finding in check.ledger.findings]


def test_each_reads_the_next_ones_file():
    """And what was compared is counted."""
    check = compare(lambda *_: False)

    assert {name: task.contents for name, task in tasks_of(check, ReloadModel)} == {
        "tensorflow": b"jax",
        "jax": b"torch",
        "torch": b"tensorflow",
    }
    assert (found(check), check.ledger.compared) == ([], 3)


def test_who_reads_wrongly_is_blamed():
    """The writer reads its own file well."""
    assert found(compare(lambda reader, _: reader == "jax")) == [("jax", KERNEL, Cause.SEMANTIC)]


def test_who_writes_wrongly_is_blamed():
    """The writer does not find it in its own file either."""
    check = compare(lambda _, writer: writer == "torch")

    assert found(check) == [("torch", KERNEL, Cause.SEMANTIC)]
    assert "and torch from its own" in check.ledger.findings[0].detail


def test_what_is_lost_everywhere_is_a_note():
    """It is no difference between backends."""
    check = compare(lambda *_: True)

    assert found(check) == []
    assert "comes back otherwise, or not at all, on every backend" in check.ledger.notes[0]


@pytest.mark.parametrize(("names", "findings"), [(("jax",), 1), (("tensorflow", "jax", "torch"), 0)])
def test_who_cannot_save_is_blamed_unless_nobody_can(names, findings):
    """The others read each other's files."""
    check = compare(lambda *_: False, lambda name: Raised("no") if name in names else name.encode())

    assert len(found(check)) == findings
    assert bool(check.ledger.notes) is not bool(findings)


def test_a_file_that_one_cannot_load_is_an_error():
    """Its own."""
    assert found(compare(lambda reader, _: Raised("no") if reader == "torch" else False)) == [
        ("torch", Quantity(Kind.LOADING), Cause.ERROR)
    ]


@pytest.mark.parametrize(("step", "blamed"), [(1e-7, []), (1e-2, ["jax"])])
def test_outputs_of_merged_weights_may_be_rounded_otherwise(step, blamed):
    """The file holds a sum of weights, on every backend; one gives an output a rounding away, or more."""
    output = Quantity(Kind.OUTPUT, "[0]")
    own = ONES | {output: Value(np.ones(3, np.float32), "float32")}

    def reload(name, _):
        moved = np.full(3, 1 + (step if name == "jax" else 0), np.float32)
        return Reloaded(own, TWOS | {output: Value(moved, "float32")})

    check = make_check({SaveModel: lambda name, _: name.encode(), ReloadModel: reload})
    compare_reloading(check, DRAW)

    assert [execution for execution, _, _ in found(check)] == blamed


def test_who_cannot_read_its_own_file_is_blamed_beside_the_writer():
    """Two that lose a weight in any file; the third is sound."""
    check = compare(lambda reader, _: Raised("it holds 1 weight, not 2") if reader != "torch" else False)

    assert {finding.execution for finding in check.ledger.findings} == {"tensorflow", "jax"}
    assert all(finding.cause is Cause.ERROR for finding in check.ledger.findings)
