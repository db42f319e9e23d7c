"""The program that tries versions of Keras says what a check said, and calls nothing sound that is not."""

from pathlib import Path

import pytest

from benchmarks import versions
from benchmarks.versions import Trial, render, try_python

SOUND = {"outcome": "agree", "measurements": [{"rounding_units": 3.2}, {"rounding_units": None}]}
WRONG = {
    "outcome": "disagree",
    "findings": [{"layer": "slip", "backend": "jax"}] * 2,
    "settings": {"backends": ["tensorflow", "jax", "torch"]},
}
REFUSED = {"outcome": "inconclusive", "reason": "keras 4.0.0: the watch has no effect any more"}


@pytest.fixture
def checks(monkeypatch):
    """Let checks say what a test wants: `checks["build_sound"] = ...`."""
    answers = {"build_sound": SOUND, "build_wrong": WRONG}
    monkeypatch.setattr(versions, "run_check", lambda _, builder: answers[builder])
    monkeypatch.setattr(versions, "read_versions", lambda _: {"keras": "3.15.1", "torch": ""})
    return answers


def test_a_version_works_where_both_checks_say_what_they_must(checks):
    """The sound network agrees, and the wrong layer is found on its backend."""
    assert try_python(Path("python")) == Trial(
        {"keras": "3.15.1", "torch": ""}, "agrees, 3 units", "at slip, jax", works=True
    )


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        ("build_sound", WRONG | {"reason": "conv differs"}),
        ("build_sound", REFUSED),
        ("build_wrong", SOUND),
        ("build_wrong", REFUSED),
        ("build_wrong", WRONG | {"findings": [{"layer": "dense", "backend": "jax"}]}),
        ("build_wrong", WRONG | {"findings": [*WRONG["findings"], {"layer": "dense", "backend": None}]}),
        ("build_wrong", WRONG | {"findings": [{"layer": "slip", "backend": None}]}),
    ],
)
def test_a_version_does_not_work_where_one_check_says_something_else(checks, builder, said):
    """The twin: a false alarm, a refusal, a fault that is missed or is found elsewhere."""
    checks[builder] = said

    assert not try_python(Path("python")).works


def test_of_two_backends_neither_is_alone(checks):
    """In an environment without PyTorch the layer must be found, and no backend can be named."""
    found = {"findings": [{"layer": "slip", "backend": None}], "settings": {"backends": ["tensorflow", "jax"]}}
    checks["build_wrong"] = WRONG | found

    assert try_python(Path("python")).works


def test_the_table_has_a_row_for_each_environment():
    """What is not installed is a dash, and what does not work stands out."""
    trials = [
        Trial({"keras": "3.15.1", "python": "3.11.7", "numpy": "2.4.6"}, "agrees, 3 units", "at slip, jax", True),
        Trial({"keras": "4.0.0", "python": "3.13.0", "jax": "0.12.0"}, REFUSED["reason"], "a | b", False),
    ]

    rows = [line for line in render(trials, "2026-11-26").splitlines() if line.startswith("| ")][2:]

    assert rows == [
        "| 3.15.1 | 3.11.7 | 2.4.6 | – | – | – | agrees, 3 units | at slip, jax | yes |",
        "| 4.0.0 | 3.13.0 | – | – | 0.12.0 | – | keras 4.0.0: the watch has no effect any more | a / b | **no** |",
    ]
