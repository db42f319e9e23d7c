"""How the search goes: the simplest way first, and only what shows the same difference counts."""

import types

import pytest

from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.reduce.output import NoReproducer
from keras_parity.reduce.search import Reduction, _ways
from tests.keras_parity.verdicts import REQUEST, finding

GRADIENT = Quantity(Kind.GRADIENT, "kernel")


def reduction(**changes) -> Reduction:
    """Return the work on a finding, with nobody to ask."""
    return Reduction(REQUEST, finding(**changes), None, print)


def test_the_simplest_way_is_tried_first():
    """Forward before backward, inference before training, ones before positions."""
    assert list(_ways(False, "inference")) == [(False, "inference", "ones")]
    assert list(_ways(True, "training")) == [
        (False, "inference", "ones"),
        (False, "training", "ones"),
        (True, "inference", "ones"),
        (True, "inference", "positions"),
        (True, "training", "ones"),
        (True, "training", "positions"),
    ]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"quantity": Quantity(Kind.MASK)}, True),
        ({"execution": "torch"}, False),
        ({"cause": Cause.NAN}, False),
        ({"quantity": GRADIENT}, False),
    ],
    ids=str,
)
def test_another_difference_of_the_call_does_not_count(changes, same):
    """The same backend, the same cause, the same direction."""
    assert reduction()._is_same(finding(**changes)) is same


def test_an_error_is_the_same_by_its_class():
    """Its text names shapes, which shrink."""
    work = reduction(cause=Cause.ERROR, detail="ValueError: 3 is not 4")

    assert work._is_same(finding(cause=Cause.ERROR, detail="ValueError: 1 is not 2"))
    assert not work._is_same(finding(cause=Cause.ERROR, detail="TypeError: 3 is not 4"))


def test_who_is_blamed_does_not_drive_and_the_finding_is_shown_until_a_call_is():
    """The driver runs the model whose calls are taken out."""
    work = reduction(execution="tensorflow")

    assert work._driver == "jax"
    assert work.shown is work.finding


def test_a_file_is_no_call():
    """What comes back otherwise from a file has no smallest call."""
    with pytest.raises(NoReproducer, match="is no layer"):
        reduction(layer="(reload)")._extract()


def test_a_script_that_prints_the_same_alone_is_no_reproducer(monkeypatch):
    """The last word has a fresh process for each backend."""
    work = reduction()
    case = types.SimpleNamespace(tensors=())
    monkeypatch.setattr("keras_parity.reduce.search.shrink", lambda *_: case)
    monkeypatch.setattr("keras_parity.reduce.search.spell_target", lambda _: "call")
    monkeypatch.setattr("keras_parity.reduce.search.run_script", lambda _, backend, **__: f"{backend} f ()\n1.0")
    for name in ("_start", "_render"):
        monkeypatch.setattr(Reduction, name, lambda *_: "text")
    monkeypatch.setattr(Reduction, "try_case", lambda _, found: found)

    with pytest.raises(NoReproducer, match="in processes of their own the backends print the same"):
        work.reduce(None)
