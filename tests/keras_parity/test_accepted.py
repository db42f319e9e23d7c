"""Tests of `parity.toml`: what it may say, and what it does to a verdict."""

import dataclasses
import math
from dataclasses import replace

import pytest

from keras_parity.accepted import Accepted, apply_accepted, read_accepted
from keras_parity.errors import UsageError
from keras_parity.protocol.cause import Cause
from keras_parity.verdict import Culprit, Outcome
from tests.keras_parity.verdicts import REQUEST, agreeing, disagreeing, finding, inconclusive

VERSIONS = {"keras": "3.15.1", "tensorflow": "2.21.0", "jax": "0.10.2", "torch": "2.13.0+cpu"}
KNOWN = Accepted("conv_1", "jax", "output", 2e-3, "known as issue 1", "keras", "3.16")
ENTRY = {
    "layer": '"conv_1"',
    "backend": '"jax"',
    "quantity": '"output"',
    "at_most": "2e-3",
    "reason": '"known as issue 1"',
    "until": '"keras 3.16"',
}


def _known(**changes) -> Accepted:
    return dataclasses.replace(KNOWN, **changes)


def _write(folder, *entries: dict):
    lines = [line for entry in entries for line in ["[[accepted]]", *(f"{k} = {v}" for k, v in entry.items())]]
    (folder / "parity.toml").write_text("\n".join(lines))
    return folder / "parity.toml"


def test_a_file_is_read(tmp_path):
    """Layer, backend, quantity, size, reason, the version it ends with, and optionally the model with its arguments."""
    other = ENTRY | {"backend": '"none"', "until": '"torch 2.14.1"', "model": '"m:f"', "kwargs": "{units = 4}"}
    other |= {"cause": '"semantic"'}

    accepted = read_accepted(_write(tmp_path, ENTRY, other))

    assert accepted == [
        KNOWN,
        Accepted(
            "conv_1",
            None,
            "output",
            2e-3,
            "known as issue 1",
            "torch",
            "2.14.1",
            "m:f",
            {"units": 4},
            cause=Cause.SEMANTIC,
        ),
    ]


def test_an_empty_file_accepts_nothing(tmp_path):
    """A project may start with one."""
    assert read_accepted(_write(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": None}, "entry 1: until is missing; an entry has layer, backend, quantity, reason, until"),
        ({"untill": '"keras 3.16"'}, "the key 'untill' is unknown; did you mean until?"),
        ({"zzz": "1"}, "the key 'zzz' is unknown; the keys are layer, backend"),
        ({"backend": '"Jax"'}, "backend 'Jax' is none of tensorflow, jax, torch, openvino, none"),
        ({"reason": '" "'}, "reason must be a text in quotes, and not empty"),
        ({"layer": "1"}, "layer must be a text in quotes"),
        ({"quantity": None}, "entry 1: quantity is missing"),
        ({"at_most": "-1.0"}, "at_most must be a number above 0"),
        ({"at_most": '"much"'}, "at_most must be a number above 0"),
        ({"cause": '"nan"'}, "cause 'nan' is none of error raised, structure, shape, dtype, NaN, semantic, precision"),
        ({"kwargs": "4"}, "kwargs must be a table"),
        ({"until": '"3.16"'}, "until '3.16' is not understood; write as \"keras 3.16\""),
        ({"until": '"numpy 3"'}, "until 'numpy 3' is not understood"),
        ({"until": '"keras soon"'}, "until 'keras soon' is not understood"),
        ({"reason": "bare"}, "cannot read .*parity.toml: Invalid value"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, changes, message):
    """The line names the file and the entry, and says what to write."""
    entry = {key: value for key, value in (ENTRY | changes).items() if value is not None}

    with pytest.raises(UsageError, match=message) as raised:
        read_accepted(_write(tmp_path, entry))

    assert "parity.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"accepted = 1", b"accepted = [1]", b"other = 1", b"\xff", b"[[accepted]"])
def test_what_is_no_list_of_entries_is_refused(tmp_path, content):
    """So is what is no TOML at all."""
    (tmp_path / "parity.toml").write_bytes(content)

    with pytest.raises(UsageError, match="parity.toml"):
        read_accepted(tmp_path / "parity.toml")


def test_an_entry_that_is_there_twice_is_refused(tmp_path):
    """Of two reasons one would never be seen."""
    with pytest.raises(UsageError, match="entry 2: conv_1 on jax, output up to 0.002 is there twice"):
        read_accepted(_write(tmp_path, ENTRY, ENTRY | {"reason": '"another"'}))


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    """A typing error in its path must not pass for an empty list."""
    with pytest.raises(UsageError, match="parity.toml is not there"):
        read_accepted(tmp_path / "parity.toml")


def test_an_accepted_difference_agrees():
    """It stays in the verdict with its reason, and is no culprit any more."""
    verdict = apply_accepted(disagreeing(), [KNOWN])

    assert verdict.outcome is Outcome.AGREE
    assert verdict.findings[0].accepted == "known as issue 1"
    assert verdict.culprits == []
    assert verdict.reason == "the only differences are the 1 that parity.toml accepts"


def test_the_verdict_given_is_not_changed():
    """The function is pure."""
    verdict = disagreeing()

    apply_accepted(verdict, [KNOWN])

    assert repr(verdict) == repr(disagreeing())


@pytest.mark.parametrize(
    "entry",
    [_known(layer="conv_2"), _known(execution="torch"), _known(execution=None), _known(quantity="mask of output")],
)
def test_another_layer_or_backend_is_not_accepted(entry):
    """The acceptance above is of that one difference, and an entry of another one is out of date besides."""
    verdict = apply_accepted(disagreeing(), [entry])

    assert verdict.outcome is Outcome.DISAGREE
    assert verdict.culprits == [Culprit("conv_1", "jax")]
    assert f"parity.toml accepts {entry}, which does not occur in model.keras" in verdict.reason


def test_what_is_not_accepted_still_disagrees():
    """One of two differences is accepted, the other is the only culprit."""
    verdict = apply_accepted(disagreeing(finding(), finding("conv_2")), [KNOWN])

    assert verdict.outcome is Outcome.DISAGREE
    assert verdict.culprits == [Culprit("conv_2", "jax")]
    assert verdict.reason == "a layer computes something else; of these, parity.toml accepts 1"


def test_an_entry_that_no_longer_occurs_is_an_error():
    """The list cannot rot."""
    verdict = apply_accepted(agreeing(), [KNOWN])

    assert verdict.outcome is Outcome.DISAGREE
    assert verdict.reason == (
        "parity.toml accepts conv_1 on jax, output up to 0.002, which does not occur in model.keras: remove the "
        "entry, or name the model it is for"
    )


@pytest.mark.parametrize(
    ("package", "version"), [("keras", "3.15"), ("keras", "3.15.1.0"), ("jax", "0.10.2"), ("torch", "2.13.0")]
)
def test_an_entry_whose_version_has_come_is_an_error(package, version):
    """Then somebody must look again, even where the difference is still there."""
    verdict = apply_accepted(disagreeing(), [_known(package=package, version=version)])

    assert verdict.outcome is Outcome.DISAGREE
    assert verdict.culprits == [Culprit("conv_1", "jax")]
    assert f"until {package} {version}, and this is {VERSIONS[package]}: look again" in verdict.reason


@pytest.mark.parametrize(
    ("package", "version"), [("keras", "3.15.2"), ("keras", "3.100"), ("jax", "0.11"), ("openvino", "1")]
)
def test_an_entry_whose_version_is_to_come_is_not(package, version):
    """Versions are compared as numbers; a package that is not there has not come."""
    verdict = apply_accepted(disagreeing(), [_known(package=package, version=version)])

    assert verdict.outcome is Outcome.AGREE


@pytest.mark.parametrize(
    "verdict",
    [
        agreeing(model="other.keras"),
        agreeing(request=replace(REQUEST, executions=("tensorflow", "torch")), measurements=[]),
    ],
    ids=["another model", "without the backend"],
)
def test_an_entry_that_cannot_show_is_left_out_of_account(verdict):
    """One file serves several models, and checks of two of the three backends."""
    entry = _known(model="model.keras")

    assert apply_accepted(verdict, [entry]).outcome is Outcome.AGREE


@pytest.mark.parametrize("part", ["training", "edge"])
def test_a_partial_check_does_not_complain(part):
    """What is seen in training alone cannot be missed by a check of inference: it is a note."""
    verdict = agreeing()
    verdict.request = replace(REQUEST, **{part: False})

    applied = apply_accepted(verdict, [KNOWN])

    assert applied.outcome is Outcome.AGREE
    assert applied.notes == [
        "parity.toml accepts conv_1 on jax, output up to 0.002, which this partial check did not show"
    ]


def test_an_inconclusive_check_stays_so():
    """Nothing was compared, so nothing is missing."""
    applied = apply_accepted(inconclusive(), [KNOWN])

    assert applied.outcome is Outcome.INCONCLUSIVE
    assert applied.reason == inconclusive().reason.rstrip(".")


def test_accepting_all_that_is_seen_does_not_excuse_a_dead_backend():
    """It could hide a difference that nobody has accepted."""
    applied = apply_accepted(disagreeing(failures={"torch": "killed"}), [KNOWN])

    assert applied.outcome is Outcome.INCONCLUSIVE
    assert applied.reason.startswith("torch did not finish; ")


def test_of_two_backends_that_differ_either_may_be_meant():
    """Two backends alone cannot say which of them is wrong; an entry for one of the two covers it."""
    pair = finding("conv_1", None, executions=("tensorflow", "jax"))

    assert apply_accepted(disagreeing(pair), [KNOWN]).outcome is Outcome.AGREE
    assert apply_accepted(disagreeing(pair), [_known(execution=None)]).outcome is Outcome.AGREE
    assert apply_accepted(disagreeing(pair), [_known(execution="torch")]).outcome is Outcome.DISAGREE


def test_a_difference_that_has_grown_is_not_hidden():
    """What was accepted at one size disagrees at a larger one, and the line says how large it is now."""
    grown = apply_accepted(disagreeing(finding(max_abs_error=7.0)), [KNOWN])

    assert grown.outcome is Outcome.DISAGREE
    assert "parity.toml accepts conv_1 on jax, output up to 0.002, and the difference has grown to 7" in grown.reason


def test_what_has_no_number_is_accepted_without_one():
    """A shape has no size: an entry with a size does not hide it; one without hides nothing that has one."""
    wordless = finding(cause=Cause.SHAPE, max_abs_error=math.nan, rounding_units=math.nan)

    assert apply_accepted(disagreeing(wordless), [_known(at_most=None)]).outcome is Outcome.AGREE
    assert apply_accepted(disagreeing(wordless), [KNOWN]).outcome is Outcome.DISAGREE
    assert apply_accepted(disagreeing(), [_known(at_most=None)]).outcome is Outcome.DISAGREE


@pytest.mark.parametrize("cause", [Cause.ERROR, Cause.NAN])
def test_an_error_raised_and_nan_are_accepted_by_their_cause_alone(cause):
    """Any fault may end in one; who accepts a difference, or another cause, has not seen it."""
    wordless = finding(cause=cause, max_abs_error=math.nan, rounding_units=math.nan)
    named = _known(at_most=None, cause=cause)

    for entry in (KNOWN, _known(at_most=None), _known(at_most=None, cause=Cause.SHAPE)):
        assert apply_accepted(disagreeing(wordless), [entry]).outcome is Outcome.DISAGREE
    told = apply_accepted(disagreeing(wordless), [_known(at_most=None)]).reason
    assert f'only an entry with cause = "{cause.value}" accepts it' in told
    assert apply_accepted(disagreeing(wordless), [named]).outcome is Outcome.AGREE
    assert apply_accepted(disagreeing(finding(), wordless), [KNOWN, named]).outcome is Outcome.AGREE
    assert apply_accepted(disagreeing(), [named]).outcome is Outcome.DISAGREE


def test_an_entry_for_other_arguments_is_left_out_of_account():
    """The same function builds many models."""
    entry = _known(kwargs={"units": 4})
    verdict = disagreeing(request=replace(REQUEST, kwargs={"units": 8}))

    assert apply_accepted(verdict, [entry]).outcome is Outcome.DISAGREE
    assert apply_accepted(disagreeing(request=replace(REQUEST, kwargs={"units": 4})), [entry]).outcome is Outcome.AGREE
