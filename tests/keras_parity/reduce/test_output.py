"""A script runs as its reader will run it, and what it prints tells the odd backend or not."""

import pytest

from keras_parity.reduce import output
from keras_parity.reduce.output import NoReproducer, run_script, tells_apart


def test_a_script_sees_its_backend_and_the_users_modules(tmp_path):
    """In a process of its own."""
    (tmp_path / "mine.py").write_text("WORD = 'found'")
    text = "import os, mine; print(os.environ['KERAS_BACKEND'], mine.WORD)"

    assert run_script(text, "torch", [str(tmp_path)]) == "torch found"


def test_a_script_that_fails_is_no_reproducer():
    """The last line of its complaint is told."""
    with pytest.raises(NoReproducer, match="fails on jax: ValueError: no such axis"):
        run_script("raise ValueError('no such axis')", "jax", ())


def test_a_script_that_gives_no_answer_is_ended(monkeypatch):
    """It must not keep anybody waiting."""
    monkeypatch.setattr(output, "_LIMIT_SECONDS", 0.5)

    with pytest.raises(NoReproducer, match="no answer on jax within 0.5 seconds"):
        run_script("import time; time.sleep(60)", "jax", ())


def printed(**numbers: str) -> dict[str, str]:
    """Return what backends print."""
    return {name: f"{name} float32 (2,)\n{text}" for name, text in numbers.items()}


@pytest.mark.parametrize(
    ("numbers", "dtype", "apart"),
    [
        ({"a": "[1. 1.0001]", "b": "[1. 1.]", "c": "[1. 1.]"}, "float32", True),
        ({"a": "[1. 1.0001]", "b": "[1. 1.]", "c": "[1. 1.]"}, "mixed_float16", False),
        ({"a": "[1. 1.0002]", "b": "[1. 1.]", "c": "[1. 1.0001]"}, "float32", False),
        ({"a": "[1. 1. 1.]", "b": "[1. 1.]", "c": "[1. 1.]"}, "float32", True),
        ({"a": "[1.e-30 0.]", "b": "[1.e-30 0.]", "c": "[1.e-30 0.]"}, "float32", False),
    ],
    ids=["beyond rounding", "float16's rounding", "no farther than the others", "more numbers", "the same"],
)
def test_the_odd_one_must_stand_out_from_rounding_and_from_the_others(numbers, dtype, apart):
    """Measured relative to the largest number, in units of the policy's dtype."""
    assert tells_apart(printed(**numbers), "a", dtype) is apart


def test_what_raises_on_one_alone_stands_apart():
    """It prints a sentence in the place of numbers."""
    texts = printed(b="[1. 1.]", c="[1. 1.]") | {"a": "a raises ValueError: no"}

    assert tells_apart(texts, "a", "float32")
    assert not tells_apart(texts, "b", "float32")
