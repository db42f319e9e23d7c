"""The ready workflow: it compares every system, and the commands in it are those that run here."""

import os
import re
import subprocess

import models
from tests.commands import ROOT
from tests.parity.test_systems import OTHER_STEPS

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
    """A new system comes into the workflow, too; those known to disagree are the parity suite's."""
    assert sorted(matrix()) == models.names()
    assert {name for name, code in matrix().items() if code} == set(OTHER_STEPS)


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
