"""What a verdict says of a configuration, as a row; and a run does what the record lacks."""

import math

import pytest

from keras_parity.protocol.cause import Cause
from keras_parity.scan import survey
from keras_parity.scan.configuration import normal, on
from keras_parity.scan.record import Record
from keras_parity.scan.survey import (
    AGREES,
    DIFFERS,
    RAISES,
    RAISES_EVERYWHERE,
    UNDECIDED,
    Row,
    plain,
    run,
    to_row,
)
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive

ERROR = {"cause": Cause.ERROR, "rounding_units": math.nan, "max_abs_error": math.nan}


@pytest.mark.parametrize(
    ("verdict", "result", "backends"),
    [
        (agreeing(), AGREES, ()),
        (disagreeing(), DIFFERS, ("jax",)),
        (disagreeing(finding(execution=None)), DIFFERS, ()),
        (disagreeing(finding(**ERROR)), RAISES, ("jax",)),
        (disagreeing(finding(**ERROR), finding(execution="torch")), DIFFERS, ("jax", "torch")),
        (inconclusive(), RAISES, ("torch",)),
        (inconclusive(failures={}), UNDECIDED, ()),
        (inconclusive(failures={}, raised_everywhere=True), RAISES_EVERYWHERE, ()),
        (inconclusive(failures=dict.fromkeys(("tensorflow", "jax", "torch"), "no")), RAISES_EVERYWHERE, ()),
    ],
)
def test_the_result_is_the_strongest_thing_to_say(verdict, result, backends):
    """A difference before an error; an error everywhere is no difference."""
    row = to_row("name", verdict)

    assert (row.result, row.backends) == (result, backends)


def test_a_backend_that_died_is_among_the_findings_once():
    """With its words on one line and without colours."""
    row = to_row("name", inconclusive(failures={"torch": "\x1b[31mit\n died"}, seconds=1.0))

    assert [(found["backend"], found["message"]) for found in row.findings] == [("torch", "it died")]
    assert plain("[1mbold[0m") == "bold"


def test_a_row_comes_back_from_json():
    """NaN is null there, and nothing else is lost."""
    row = to_row("name", disagreeing(finding(**ERROR)))

    back = Row.from_json(row.to_json())

    assert back.findings[0]["rounding_units"] is None
    assert (back.name, back.result, back.backends, back.seconds) == (row.name, row.result, row.backends, row.seconds)


def test_a_run_checks_what_the_record_lacks(monkeypatch):
    """And returns all rows that were asked for, in their order."""
    configurations = on(normal(3), "ops.sin(x)", "ops.cos(x)")
    known = Row(configurations[0].name, AGREES, (), "")
    record = Record(None, {}, Row)
    record.add(known)
    checked = []

    def fake(left, **options):
        checked.append(([configuration.expression for configuration in left], options))
        yield Row(left[0].name, DIFFERS, ("jax",), "", seconds=1.0)

    monkeypatch.setattr(survey, "survey", fake)
    said = []
    rows = run(configurations, record, said.append, backends=None, dtype="float32")

    assert checked == [(["ops.cos(x)"], {"backends": None, "dtype": "float32"})]
    assert [row.result for row in rows.values()] == [AGREES, DIFFERS]
    assert said == [
        "1 of 2 are in the record already",
        f"[1/1] differs (jax): {configurations[1].name}, 1.0 s",
    ]
