"""Tests of the command `keras-parity scan`: what it refuses, lists and writes."""

import subprocess
import sys

import pytest

from keras_parity import cli

SINE = "ops.sin(x) on normal float[3, 5]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "ops.sin(", "--only", "ops.sinn"], "no configuration matches 'ops.sinn'"),
        (["--onyl", "ops.sin("], "there is no option --onyl; did you mean --only?"),
        (["--backends", "jax,tensorfow"], "'tensorfow' is none of tensorflow, jax, torch"),
        (["--dtype", "float31"], "invalid choice: 'float31'"),
        (["--only", "ops.sin(", "--out", "/proc/scan.md"], "cannot write /proc/scan.md"),
    ],
)
def test_wrong_use_is_refused_before_anything_runs(arguments, said, capsys):
    """A misspelt name does not pass for a clean scan, not even beside a right one."""
    assert cli.main(["scan", *arguments]) == 2

    assert said in capsys.readouterr().err


def test_several_patterns_add_up(capsys):
    """`--only` may be repeated."""
    cli.main(["scan", "--list", "--only", SINE, "--only", "ops.cosh(x) on edges"])

    assert len(capsys.readouterr().out.splitlines()) == 2


def test_listing_imports_no_framework():
    """The parent process of a scan stays light."""
    code = (
        "import sys; from keras_parity.cli import main; main(['scan', '--list', '--only', 'ops.sin(x)']); "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert SINE in done.stdout
    assert done.stdout.endswith("[]\n")


def test_a_scan_writes_the_document_and_goes_on_where_it_stopped(tmp_path, capsys):
    """What the record holds is not checked again."""
    document = tmp_path / "scan.md"
    arguments = ["scan", "--only", SINE, "--out", str(document)]

    assert cli.main(arguments) == 0
    first = capsys.readouterr().err
    assert cli.main(arguments) == 0
    second = capsys.readouterr().err

    assert f"agrees: {SINE}" in first
    assert "1 of 1 are in the record already" in second
    assert "| `ops.sin` | 1 | 1 |" in document.read_text()
