"""The ready workflow: it compares every system, and the commands in it are those that run here."""

import json
import os
import re
import subprocess

import pytest

import compare
import models
from keras_parity.workers import Workers
from tests.commands import ROOT
from tests.models.test_models import write_small_folder
from tests.workers import BACKENDS

WORKFLOW = (ROOT / ".github" / "workflows" / "parity.yml").read_text(encoding="utf-8")


def read_commands(name: str) -> str:
    """Return the shell commands of the workflow's step of that name, as a runner gets them."""
    step = re.search(rf"- name: {name}\n(.*?)(?=\n      - |\Z)", WORKFLOW, re.DOTALL).group(1)
    block = re.search(r"run: (?:\|\n)?(.*)", step, re.DOTALL).group(1)
    return "\n".join(line.strip() for line in block.splitlines())


def matrix() -> dict[str, int]:
    """Return the exit code that is expected of each system."""
    rows = re.findall(r"- \{ model: (\S+), expected: (\d) \}", WORKFLOW)
    return {name: int(code) for name, code in rows}


def test_every_system_is_compared():
    """A new system comes into the workflow, too; the one known to disagree is the only one."""
    assert sorted(matrix()) == models.names()
    assert [name for name, code in matrix().items() if code] == ["text_lstm"]


@pytest.fixture(scope="module")
def processes():
    """A process per backend for all trials: their starts would take most of the time."""
    with Workers() as workers:
        yield workers


@pytest.mark.parametrize("name", models.names())
def test_a_trial_of_every_system_ends_as_expected(processes, workers, tmp_path, name):
    """The verdict of `compare.py --smoke` is what the workflow expects, and nothing is worse than the baseline."""
    baseline = ROOT / "reports" / f"{name}-smoke.json"
    arguments = ["--model", name, "--smoke", "--baseline", str(baseline), "--out", str(tmp_path / "report")]
    if name == "apparel_cnn":
        workers["jax"].run(write_small_folder, str(tmp_path / "apparel"))
        arguments += ["--data-dir", str(tmp_path / "apparel")]

    code = compare.main(arguments, processes)

    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert code == matrix()[name], report["sentence"]
    assert report["baseline"]["worse"] == []
    assert {(run["backend"], run["seed"]) for run in report["runs"]} == {(backend, 1) for backend in BACKENDS}
    assert (tmp_path / "report" / "report.md").read_text().startswith("### ")


def test_the_commands_run(tmp_path):
    """Read from the file, given to the shell that a runner uses, for one system."""
    for name in ("compare.py", "reports"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = os.environ | {
        "MODEL": "mnist_cnn",
        "EXPECTED": "0",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }

    for step in ("Compare", "Show the summary"):
        command = ["bash", "-e", "-o", "pipefail", "-c", read_commands(step)]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

    assert (tmp_path / "summary.md").read_text().startswith("### ✅ agree: As far as a trial can tell")
    assert (tmp_path / "report" / "report.html").exists()


def test_an_unexpected_exit_code_fails_the_step(tmp_path):
    """The step's last command is the comparison of the exit codes: here that of a wrong name."""
    (tmp_path / "compare.py").symlink_to(ROOT / "compare.py")
    environment = os.environ | {"MODEL": "no_such_system", "EXPECTED": "0"}

    command = ["bash", "-e", "-o", "pipefail", "-c", read_commands("Compare")]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert result.returncode == 1
    assert "no system 'no_such_system'" in result.stderr
