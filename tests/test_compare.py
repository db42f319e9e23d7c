"""`compare.py` does what its help says: on a tiny system in a copy of the code, sound and with faults planted in it."""

import shutil
import subprocess
import sys

import pytest

import compare as script
from tests.commands import ROOT
from tests.comparing.checkout import compare, copy_code, outcomes

SEEDS = ["--model", "tiny", "--seeds", "3", "--margin", "3"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A comparison of sound backends: its folder, exit code, report and output."""
    folder = copy_code(tmp_path_factory.mktemp("sound"))
    return folder, *compare(folder, *SEEDS)


@pytest.fixture
def with_fault(sound, tmp_path):
    """Return a function that compares the sound runs with a fault planted into what PyTorch then computes."""

    def run(fault: str):
        folder = copy_code(tmp_path, fault)
        runs = sorted(str(path) for path in (sound[0] / "report" / "runs").iterdir())
        return compare(folder, "--from", *runs, "--out", "report", "--margin", "3")

    return run


def test_sound_backends_agree(sound):
    """All four questions, exit code 0, and a report whose page, Markdown and JSON are there."""
    folder, code, report, text = sound

    assert code == 0, text
    assert [(twin["backend"], twin["seed"]) for twin in report["twins"]] == [("jax", 1)] * 2
    assert outcomes(report) == dict.fromkeys(("function", "steps", "destination", "predictions"), "agree")
    assert "agree: JAX and PyTorch agree on tiny" in text
    assert report["speed"]["backends"]["jax"]["turns"] == 3
    assert len(report["speed"]["ratios"][0]["turns"]) == 3
    assert {"report.html", "report.md", "report.json", "runs"} <= {path.name for path in (folder / "report").iterdir()}
    assert "<b>red</b>" not in (folder / "report" / "report.html").read_text()


def test_finished_runs_are_not_made_again(sound):
    """The same command takes the runs that are there; against its own baseline nothing has got worse."""
    folder, code, report, _ = sound
    results = sorted((folder / "report" / "runs").glob("*/result.json"))
    written = [path.stat().st_mtime_ns for path in results]
    shutil.copy(folder / "report" / "report.json", folder / "baseline.json")

    again, repeated, text = compare(folder, *SEEDS, "--baseline", "baseline.json")

    assert again == code == 0, text
    assert [path.stat().st_mtime_ns for path in results] == written
    assert text.count("(was there)") == 8
    assert repeated["baseline"]["worse"] == []
    assert repeated["speed"]["ratios"] == report["speed"]["ratios"]


def test_a_fault_in_dropout_is_another_function(with_fault):
    """Question 1 finds it, by shared randomness, at once and alone with the steps that it changes."""
    code, report, text = with_fault("dropout")

    assert code == 1, text
    assert outcomes(report)["function"] == "disagree"
    assert "the function that the network computes" in report["sentence"]


def test_a_fault_in_the_optimiser_is_another_step(with_fault):
    """A learning rate that is a hundredth too large: question 2 and no other."""
    code, report, text = with_fault("optimiser")

    assert code == 1, text
    assert [name for name, outcome in outcomes(report).items() if outcome == "disagree"] == ["steps"]
    assert report["sentence"] == "JAX and PyTorch do not agree on tiny: they differ in the training steps."


def test_a_fault_in_the_data_order_is_another_step(with_fault):
    """Question 2 and no other, and it says where to look."""
    code, report, text = with_fault("data order")

    assert code == 1, text
    assert [name for name, outcome in outcomes(report).items() if outcome == "disagree"] == ["steps"]
    assert "look at the order of the data" in text


def test_a_fault_in_the_initialiser_is_another_destination_and_other_predictions(sound, tmp_path):
    """Questions 3 and 4; every step from shared weights is still the same."""
    folder = copy_code(tmp_path, "initialiser")
    for run in (sound[0] / "report" / "runs").glob("jax-*"):
        shutil.copytree(run, folder / "report" / "runs" / run.name)

    code, report, text = compare(folder, *SEEDS)

    assert code == 1, text
    assert outcomes(report) == {
        "function": "agree",
        "steps": "agree",
        "destination": "disagree",
        "predictions": "disagree",
    }


def test_a_backend_that_fails_is_reported_and_the_others_are_kept(tmp_path):
    """Its last words stand in the report; the verdict is inconclusive."""
    folder = copy_code(tmp_path, "construction")

    code, report, text = compare(folder, "--model", "tiny", "--smoke", "--backends", "tensorflow,jax,torch")

    assert code == 3, text
    assert "no such thing on PyTorch" in text
    assert outcomes(report)["steps"] == "agree"
    assert {run["backend"] for run in report["runs"]} == {"tensorflow", "jax"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "mnist_cn"], "did you mean mnist_cnn"),
        (["--model", "mnist_cnn", "--backends", "jax"], "name two or more"),
        (["--model", "mnist_cnn", "--backends", "jax,jax"], "name two or more"),
        (["--model", "mnist_cnn", "--backends", "jax,theano"], "'theano' is none of"),
        (["--model", "mnist_cnn", "--seeds", "0"], "whole number from 1 on"),
        (["--model", "mnist_cnn", "--margin", "-1"], "percentage points"),
        (["--model", "mnist_cnn", "--sweep-batch", "10,10"], "each batch size once"),
        (["--model", "mnist_cnn", "--baseline", "none.json"], "cannot read none.json"),
        (["--from", "a", "b"], "--from needs --out"),
        (["--from", "a", "b", "--out", "c", "--epochs", "3"], "--from compares runs as they are"),
        (["--from", "a", "b", "--out", "c"], "a is not a folder"),
        ([], "one of the arguments --model --from is required"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    """Exit code 2, before any framework is imported."""
    monkeypatch.chdir(tmp_path)

    try:
        code = script.main(arguments)
    except SystemExit as exit_:
        code = exit_.code

    assert code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert words in line


def test_the_example_of_the_help_is_a_command():
    """What a reader copies from there works."""
    result = subprocess.run(
        [sys.executable, "compare.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    example = result.stdout.split("example:\n")[1].split("\n")[0].split()
    assert example[:2] == ["python", "compare.py"]
    assert script.parse_arguments(example[2:]).smoke


def test_the_parent_imports_no_framework():
    """Neither to plan, nor to write a report."""
    code = (
        "import sys, compare, comparing.training_comparison, comparing.baseline, comparing.report.html\n"
        "import comparing.sweep\n"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
