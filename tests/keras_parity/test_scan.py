"""The scan: its catalogue is complete, and it sees what a backend does differently or cannot do."""

import contextlib
import dataclasses
import json
import math
import re
from pathlib import Path

import pytest

from keras_parity.crew import shared_crew
from keras_parity.errors import UsageError
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.scan.catalogue import CATALOGUE
from keras_parity.scan.configuration import matches
from keras_parity.scan.document import group_by_name, read_scripts
from keras_parity.scan.exclusions import EXCLUSIONS
from keras_parity.scan.record import Record
from keras_parity.scan.survey import AGREES, DIFFERS, RAISES, RAISES_EVERYWHERE, Row, survey, to_row
from keras_parity.scan.values import draw_inputs
from keras_parity.verdict import Cause, Finding, Outcome, Verdict
from tests.keras_parity.errands import errand

SINE = CATALOGUE["ops.sin(x) on normal float[3, 5]"]
HEADER = {"dtype": "float32", "backends": ["tensorflow", "jax", "torch"], "versions": {"keras": "3.15.1"}}


def name_all() -> list[str]:
    """Return Keras's public names. Runs in a worker."""
    from keras_parity.worker.scanning import public_names

    return public_names()


@pytest.fixture(scope="module")
def public_names():
    """Every public name of the installed Keras."""
    return set(shared_crew()["jax"].ask(errand(name_all)))


def names_of(configurations) -> set[str]:
    """Return the public names that the configurations use."""
    return set().union(*(configuration.subjects for configuration in configurations))


def scan_sine(patches=None) -> Row:
    """Return the row of `ops.sin`."""
    [row] = survey([SINE], None, "float32", patches=patches)
    return row


@contextlib.contextmanager
def sine_that_is_shifted():
    """A backend whose sine is a little off."""
    from keras.src import backend

    own = backend.numpy.sin
    backend.numpy.sin = lambda x: own(x) + 1e-3
    try:
        yield
    finally:
        backend.numpy.sin = own


@contextlib.contextmanager
def no_sine():
    """A backend without a sine."""
    from keras.src import backend

    def refuse(x):
        raise NotImplementedError("this backend has no sine")

    own = backend.numpy.sin
    backend.numpy.sin = refuse
    try:
        yield
    finally:
        backend.numpy.sin = own


def test_every_public_name_is_in_the_catalogue_or_excluded_with_a_reason(public_names):
    """A layer that a new Keras adds cannot be forgotten."""
    missing = public_names - names_of(CATALOGUE.values()) - set(EXCLUSIONS)

    assert missing == set()
    assert all(EXCLUSIONS.values())


def test_a_forgotten_name_is_missed(public_names):
    """The test above can fail."""
    rest = [configuration for configuration in CATALOGUE.values() if "ops.erfinv" not in configuration.subjects]

    missing = public_names - names_of(rest) - set(EXCLUSIONS)

    assert missing == {"ops.erfinv"}


def test_catalogue_and_exclusions_name_nothing_that_keras_lacks(public_names):
    """A name that Keras drops, or that is both compared and excluded, is an error."""
    used = names_of(CATALOGUE.values())

    assert used - public_names == set()
    assert set(EXCLUSIONS) - public_names == set()
    assert used & set(EXCLUSIONS) == set()


def test_configurations_are_counted_under_the_least_common_name():
    """A helper such as `ops.abs` does not hide what a configuration is about."""
    groups = group_by_name(list(CATALOGUE.values()))

    assert any(configuration.expression == "ops.abs(ops.qr(x)[0])" for configuration in groups["ops.qr"])


def test_inputs_are_the_same_whatever_else_is_scanned():
    """Values depend on the configuration alone, and both precisions start from the same numbers."""
    first, again, double = (draw_inputs(SINE, dtype)[0] for dtype in ("float32", "float32", "float64"))

    assert (first == again).all()
    assert (first == double).all()
    assert double.dtype == "float64"


def test_an_operation_that_agrees_is_reported_as_such():
    """The findings below are not found everywhere."""
    row = scan_sine()

    assert row.result == AGREES
    assert row.findings == []


def test_a_planted_divergence_is_reported_with_its_backend():
    """A sine that is off by a thousandth on one backend is a difference of meaning there."""
    row = scan_sine({"jax": sine_that_is_shifted})

    assert (row.result, row.backends) == (DIFFERS, ("jax",))
    assert {finding["cause"] for finding in row.findings} == {"semantic"}


def test_an_operation_that_one_backend_lacks_is_a_named_outcome():
    """Neither a crash nor a difference."""
    row = scan_sine({"torch": no_sine})

    assert (row.result, row.backends) == (RAISES, ("torch",))
    assert "no sine" in row.findings[0]["message"]


def test_an_operation_that_every_backend_refuses_is_told_apart():
    """Where nobody can do it, nobody is blamed."""
    row = scan_sine(dict.fromkeys(("tensorflow", "jax", "torch"), no_sine))

    assert (row.result, row.backends) == (RAISES_EVERYWHERE, ())


def test_a_killed_scan_loses_half_a_line_at_most(tmp_path):
    """The row that was being written is dropped, the others are kept."""
    path = tmp_path / "scan.jsonl"
    Record(path, HEADER, Row).add(Row("one", AGREES, (), ""))
    with path.open("a") as file:
        file.write('{"name": "two", "resu')

    record = Record(path, HEADER, Row)
    record.add(Row("three", AGREES, (), ""))

    assert list(Record(path, HEADER, Row).rows) == ["one", "three"]


def test_a_record_of_other_versions_is_refused(tmp_path):
    """Rows of two versions of Keras never share a document."""
    path = tmp_path / "scan.jsonl"
    Record(path, HEADER, Row)

    with pytest.raises(UsageError, match="another versions; delete it"):
        Record(path, HEADER | {"versions": {"keras": "3.16.0"}}, Row)


def test_a_file_that_is_no_record_is_refused(tmp_path):
    """A user's file is not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("mine\n")

    with pytest.raises(UsageError, match="is no record of such results"):
        Record(path, HEADER, Row)

    assert path.read_text() == "mine\n"


def test_an_error_on_some_backends_is_no_difference():
    """A row says which of the two it is."""
    sine = ("sin", "Sin", "jax", (), Quantity(Kind.OUTPUT), "training", Cause.ERROR, "given")
    raising = Finding(*sine, True, math.nan, math.nan, "")
    apart = dataclasses.replace(raising, cause=Cause.SEMANTIC)

    rows = [to_row("one", Verdict(Outcome.DISAGREE, "", "", findings=[finding])) for finding in (raising, apart)]

    assert [row.result for row in rows] == [RAISES, DIFFERS]


def test_brackets_in_a_pattern_are_plain_characters():
    """Names hold brackets, which would be a set of characters to a shell's pattern."""
    assert matches(SINE.name, "ops.sin(x) on normal float[3,*")
    assert not matches(SINE.name, "ops.sin(x) on normal float[4,*")


def test_a_script_is_linked_to_the_rows_that_it_explains(tmp_path):
    """Its docstring says which configurations it is about."""
    (tmp_path / "sine.py").write_text('"""The sine is off.\n\nWrong: jax.\nScan: ops.sin(x) on normal*\n"""\n')

    [script] = read_scripts(tmp_path)

    assert (script.title, script.alone) == ("The sine is off.", "jax.")
    assert script.explains(Row(SINE.name, DIFFERS, ("jax",), ""))
    assert not script.explains(Row("ops.cos(x) on normal float[3, 5]", DIFFERS, ("jax",), ""))


def test_a_row_survives_its_json():
    """A number that is not one is written as null."""
    row = Row("one", DIFFERS, ("jax",), "", [{"max_abs_error": float("nan")}], 0.5)

    values = json.loads(row.to_json())

    assert values["findings"] == [{"max_abs_error": None}]
    assert Row.from_json(row.to_json()).backends == ("jax",)


def test_every_script_explains_configurations_that_exist_and_stands_alone():
    """A renamed configuration would lose its explanation; a script runs with keras and numpy alone."""
    folder = Path(__file__).parents[2] / "docs" / "divergences"

    patterns = [pattern for script in read_scripts(folder) for pattern in script.patterns]
    imported = {
        line
        for path in folder.glob("*.py")
        for line in path.read_text().splitlines()
        if re.match("import |from ", line)
    }

    assert [pattern for pattern in patterns if not any(matches(name, pattern) for name in CATALOGUE)] == []
    assert imported == {"import keras", "import numpy as np", "from keras import ops"}
