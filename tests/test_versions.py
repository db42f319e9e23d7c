"""The program that tries versions of Keras says what a check said, and calls nothing sound that is not."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import versions
from benchmarks.versions import Trial, describe, render, run_check, try_python
from keras_parity.report.json_text import render_json
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive

SOUND = agreeing()
WRONG = disagreeing(finding("slip", "jax"), finding("slip", "jax", draw="large"))
REFUSED = "keras 4.0.0: the watch has no effect any more"


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
        {"keras": "3.15.1", "torch": ""}, describe(SOUND), "at slip, jax", works=True
    )


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        ("build_sound", WRONG),
        ("build_sound", inconclusive()),
        ("build_sound", REFUSED),
        ("build_wrong", SOUND),
        ("build_wrong", REFUSED),
        ("build_wrong", disagreeing(finding("dense", "jax"))),
        ("build_wrong", disagreeing(finding("slip", "jax"), finding("dense", None))),
        ("build_wrong", disagreeing(finding("slip", None))),
    ],
)
def test_a_version_does_not_work_where_one_check_says_something_else(checks, builder, said):
    """The twin: a false alarm, a refusal, a fault that is missed or is found elsewhere."""
    checks[builder] = said

    assert not try_python(Path("python")).works


@pytest.mark.parametrize(
    ("requirement", "wanted"),
    [
        (versions.require_keras("3.12"), ["keras==3.12.*"]),
        (versions.require_keras("3.12.4"), ["keras==3.12.4"]),
        (versions.require_keras("nightly"), ["keras-nightly>=0.dev0"]),
        ("jax==0.9.*", ["jax==0.9.*", "jaxlib==0.9.*"]),
        ("tensorflow==2.20.*", ["tensorflow==2.20.*"]),
    ],
)
def test_an_environment_holds_one_version_of_one_package(monkeypatch, tmp_path, requirement, wanted):
    """With JAX comes its library; what else there is follows on the path."""
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))

    python = versions.make_environment(tmp_path / "environment", requirement)

    assert python.exists()
    assert commands[0][commands[0].index("--no-deps") + 1 :] == wanted
    [rest] = (tmp_path / "environment").glob("lib/python*/site-packages/rest.pth")
    assert "site-packages" in rest.read_text()


def test_of_two_backends_neither_is_alone(checks):
    """In an environment without PyTorch the layer must be found, and no backend can be named."""
    request = replace(WRONG.request, executions=("tensorflow", "jax"))
    checks["build_wrong"] = replace(disagreeing(finding("slip", None)), request=request)

    assert try_python(Path("python")).works


def test_the_table_has_a_row_for_each_environment():
    """What is not installed is a dash, and what does not work stands out."""
    trials = [
        Trial({"keras": "3.15.1", "python": "3.11.7", "numpy": "2.4.6"}, "agrees, 3 units", "at slip, jax", True),
        Trial({"keras": "4.0.0", "python": "3.13.0", "jax": "0.12.0"}, REFUSED, "a | b", False),
    ]

    rows = [line for line in render(trials, "2026-11-26").splitlines() if line.startswith("| ")][2:]

    assert rows == [
        "| 3.15.1 | 3.11.7 | 2.4.6 | – | – | – | agrees, 3 units | at slip, jax | yes |",
        "| 4.0.0 | 3.13.0 | – | – | 0.12.0 | – | keras 4.0.0: the watch has no effect any more | a / b | **no** |",
    ]


def test_a_verdict_is_read_as_the_command_writes_it(monkeypatch):
    """And where it writes none, its last line stands for it."""
    printed = [render_json(WRONG), ""]
    done = lambda *_, **__: subprocess.CompletedProcess([], 1, printed.pop(0), "Traceback\nthe last line\n")  # noqa: E731
    monkeypatch.setattr(subprocess, "run", done)

    assert run_check(Path("python"), "build_wrong").findings == WRONG.findings
    assert run_check(Path("python"), "build_wrong") == "the last line"
