"""What the scripts share: an unknown flag is named, an error is one line, and no terminal's encoding ends a command."""

import os
import subprocess
import sys

import pytest

import compare
import evaluate
import train
from foundation.command_line import run_command
from foundation.errors import UserError
from tests.commands import ROOT

SCRIPTS = {"train.py": train, "evaluate.py": evaluate, "compare.py": compare}


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("train.py", ["--modle", "mnist_cnn"], "there is no flag --modle; did you mean --model?"),
        ("train.py", ["--model=mnist_cnn", "--lerning-rate=1"], "there is no flag --lerning-rate; --help shows all"),
        ("train.py", ["--model", "mnist_cnn", "--epoch", "3"], "there is no flag --epoch; did you mean --epochs?"),
        ("evaluate.py", ["run", "--data-set", "iris"], "there is no flag --data-set; did you mean --dataset?"),
        ("evaluate.py", ["--jsn"], "there is no flag --jsn; did you mean --json?"),
        ("compare.py", ["--modle", "mnist_cnn"], "there is no flag --modle; did you mean --model?"),
        ("compare.py", ["--model", "lenet", "--sb", "10"], "there is no flag --sb; did you mean --sweep-batch?"),
    ],
)
def test_an_unknown_flag_is_named_with_the_near_one(script, arguments, message, capsys):
    """Not the flag that it was meant to be, which argparse would ask for first."""
    with pytest.raises(SystemExit) as exit_:
        SCRIPTS[script].parse_arguments(arguments)

    assert exit_.value.code == 2
    assert f"{script}: error: {message}\n" in capsys.readouterr().err


def test_a_value_that_looks_like_no_flag_is_none(capsys):
    """A negative number, and a text with a blank, are values as ever."""
    with pytest.raises(SystemExit):
        compare.parse_arguments(["--model", "lenet", "--margin", "-1"])
    assert "percentage points" in capsys.readouterr().err
    assert train.parse_arguments(["--model", "--a b"]).model == "--a b"


@pytest.mark.parametrize(
    "command", [["train.py", "--list"], ["train.py", "--help"], ["compare.py", "--help"], ["evaluate.py", "--help"]]
)
def test_an_ascii_terminal_gets_the_output_without_a_traceback(command):
    """What the encoding lacks becomes a question mark."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}

    result = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True)

    assert result.returncode == 0, result.stderr
    assert b"Traceback" not in result.stderr
    assert result.stdout.decode("ascii")


def test_without_it_such_a_terminal_would_end_the_command():
    """The test above can fail: Python itself raises."""
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}

    code = "from foundation.command_line import print_anywhere{}; print('┃ é')"
    results = [
        subprocess.run([sys.executable, "-c", code.format(call)], cwd=ROOT, env=environment, capture_output=True)
        for call in ("; print_anywhere()", "")
    ]

    assert [result.returncode for result in results] == [0, 1]
    assert results[0].stdout == b"? ?\n"


def test_an_error_of_the_users_is_one_line(capsys):
    """Exit code 2 for it, 130 after Ctrl-C; any other exception is ours and keeps its traceback."""

    def fail(error):
        def action():
            raise error

        return action

    assert run_command(lambda: 3, "stopped") == 3
    assert run_command(fail(UserError("the disk is full")), "stopped") == 2
    assert run_command(fail(KeyboardInterrupt()), "stopped") == 130
    assert capsys.readouterr().err == "error: the disk is full\nstopped\n"
    with pytest.raises(ZeroDivisionError):
        run_command(fail(ZeroDivisionError()), "stopped")
