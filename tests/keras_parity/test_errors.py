"""Errors say in one line what happened, survive their journey between processes, and print nothing dangerous."""

import pickle
import signal

import pytest

from keras_parity.errors import (
    RemoteError,
    UnsupportedKeras,
    WorkerDied,
    WorkerTimeout,
    a_or_an,
    describe_missing,
    quote,
)


@pytest.mark.parametrize(
    "error",
    [
        WorkerDied("jax", "it ended", "last words", -11, "dense"),
        WorkerTimeout("torch", "too slow"),
        RemoteError("jax", "ValueError", "no such axis", "Traceback"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_from_pickling_with_all_it_knows(error):
    """Their classes take other arguments than `Exception` hands on."""
    back = pickle.loads(pickle.dumps(error))

    assert type(back) is type(error)
    assert (str(back), vars(back)) == (str(error), vars(error))


@pytest.mark.parametrize(
    ("exit_code", "crashed"),
    [(-signal.SIGSEGV, True), (-signal.SIGABRT, True), (-signal.SIGKILL, False), (3, False), (None, False)],
)
def test_a_crash_is_told_from_an_end_from_outside(exit_code, crashed):
    """Out of memory, the system kills: the same again would end the same."""
    assert WorkerDied("jax", "it ended", exit_code=exit_code).crashed is crashed


@pytest.mark.parametrize(
    ("type_name", "text", "out_of_memory"),
    [
        ("MemoryError", "", True),
        ("RuntimeError", "[enforce fail] DefaultCPUAllocator: can't allocate memory", True),
        ("ResourceExhaustedError", "OOM when allocating tensor", True),
        ("XlaRuntimeError", "RESOURCE_EXHAUSTED: Out of memory", True),
        ("ValueError", "shapes do not match", False),
    ],
)
def test_each_backends_way_to_run_out_of_memory_is_known(type_name, text, out_of_memory):
    """A shape that does not fit is none of them."""
    assert RemoteError("torch", type_name, text).out_of_memory is out_of_memory


def test_a_quotation_is_one_short_line_without_control_codes():
    """Colours vanish; other controls and a half of a surrogate pair become question marks."""
    assert quote("\x1b[1mred\x1b[0m\n\n  line\x07\ud800") == "red line??"
    assert quote("x" * 100, limit=10) == "xxxxxxx..."


def test_a_missing_name_comes_with_the_one_that_was_meant():
    """Or with those there are, or with the word that there are none."""
    assert describe_missing("m", "bild", ["build", "other"]) == "the module m has no bild; did you mean build?"
    assert describe_missing("m", "zzz", ["b", "a"]) == "the module m has no zzz; it has a, b"
    assert describe_missing("m", "zzz", []) == "the module m has no zzz; it is empty"


def test_an_article_fits_its_noun_and_a_refusal_names_the_version():
    """A sentence that reads well."""
    assert (a_or_an("int"), a_or_an("str")) == ("an int", "a str")
    assert str(UnsupportedKeras("9.9", "no promotion")).startswith("keras 9.9: no promotion; ")
