"""Tests of the command line: what reaches the check, what is written, and the exit codes."""

import importlib
import inspect
import io
import json
import shlex
import subprocess
import sys
import types

import numpy as np
import pytest

from keras_parity import cli
from keras_parity.errors import UsageError
from keras_parity.report.json_text import parse_json
from keras_parity.report.terminal import render_terminal
from keras_parity.verdict import Outcome
from tests.commands import ROOT
from tests.keras_parity.verdicts import agreeing, disagreeing, hostile, inconclusive

HEAVY = ("tensorflow", "jax", "torch", "keras", "numpy")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Run in an empty folder: no `parity.toml` of anybody's is found."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def checks(monkeypatch):
    """Put a check in the place of the real one: it notes its arguments and returns `checks.verdict`, or raises it."""
    fake = types.SimpleNamespace(calls=[], verdict=agreeing())

    def check(*args, **kwargs):
        fake.calls.append((args, kwargs))
        if isinstance(fake.verdict, BaseException):
            raise fake.verdict
        return fake.verdict

    monkeypatch.setitem(sys.modules, "keras_parity.checking", types.SimpleNamespace(check=check))
    return fake


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(agreeing(), 0), (disagreeing(), 1), (inconclusive(), 3)],
    ids=["agree", "disagree", "neither"],
)
def test_the_exit_code_is_the_outcome(checks, capsys, verdict, code):
    """And the screen goes to stdout."""
    checks.verdict = verdict

    assert cli.main(["check", "model.keras"]) == code
    assert capsys.readouterr().out == render_terminal(verdict)


def test_every_option_reaches_the_check(checks, tmp_path):
    """Names, numbers and JSON arrive as Python values."""
    np.savez("x.npz", image=np.ones((2, 3), "float32"))
    np.savez("y.npz", np.zeros(2), np.ones(2))
    (tmp_path / "known.toml").write_text("")
    command = (
        "check m:f --backends tensorflow,torch --kwargs '{\"a\": [1]}' --custom my.layers --inputs x.npz "
        '--targets y.npz --loss mse --optimizer \'{"class_name": "SGD", "config": {}}\' --metrics accuracy,auc '
        "--steps 0 --dtype float64 --seed 7 --batch-size 2 --inference-only --no-edge --special "
        "--time-limit 9.5 --accepted known.toml"
    )

    assert cli.main(shlex.split(command)) == 0

    ((args, kwargs),) = checks.calls
    inputs, targets = kwargs.pop("inputs"), kwargs.pop("targets")
    assert {name: array.shape for name, array in inputs.items()} == {"image": (2, 3)}
    assert [array.tolist() for array in targets] == [[0, 0], [1, 1]]
    assert args == ("m:f",)
    assert kwargs == {
        "backends": ("tensorflow", "torch"),
        "kwargs": {"a": [1]},
        "custom": "my.layers",
        "loss": "mse",
        "optimizer": {"class_name": "SGD", "config": {}},
        "metrics": ["accuracy", "auc"],
        "steps": 0,
        "dtype": "float64",
        "seed": 7,
        "batch_size": 2,
        "training": False,
        "edge": False,
        "special": True,
        "accepted": [],
        "time_limit": 9.5,
        "say": cli.say,
    }


def test_without_options_the_check_has_its_own_defaults(checks):
    """All parts are on, all backends are taken, nothing is accepted."""
    cli.main(["check", "m:f"])

    ((_, kwargs),) = checks.calls
    assert {name for name, value in kwargs.items() if value is None} == {
        "backends", "kwargs", "custom", "inputs", "targets", "loss", "optimizer", "accepted", "batch_size",
    }  # fmt: skip
    assert (kwargs["training"], kwargs["edge"], kwargs["special"], kwargs["metrics"]) == (True, True, False, ())


def test_the_real_check_takes_what_the_command_line_gives(request):
    """Each keyword is one of `keras_parity.check`'s own."""
    signature = inspect.signature(importlib.import_module("keras_parity.checking").check)
    checks = request.getfixturevalue("checks")

    cli.main(["check", "m:f"])

    ((args, kwargs),) = checks.calls
    assert signature.bind(*args, **kwargs).arguments["model"] == "m:f"


def test_one_array_is_not_wrapped(checks):
    """A model of one input gets an array, from either of NumPy's formats."""
    np.save("x.npy", np.ones(3))
    np.savez("y.npz", np.ones(3))

    cli.main(["check", "m:f", "--inputs", "x.npy", "--targets", "y.npz"])

    ((_, kwargs),) = checks.calls
    assert kwargs["inputs"].shape == kwargs["targets"].shape == (3,)


def test_json_is_all_there_is_on_stdout(checks, capsys):
    """Another program reads it; the command is in it."""
    checks.verdict = disagreeing()

    code = cli.main(["check", "my model.keras", "--json", "--report", "out"])

    output = capsys.readouterr()
    assert code == 1
    assert parse_json(output.out).environment["command"] == "keras-parity check 'my model.keras' --json --report out"
    assert output.err == "report: out/report.html\n"


def test_reports_are_written_where_asked(checks, tmp_path):
    """A page with its JSON and its summary, another summary, and JUnit's XML."""
    cli.main(["check", "m:f", "--report", "out", "--markdown", "ci/summary.md", "--junit", "ci/parity.xml"])

    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file())
    assert written == ["ci/parity.xml", "ci/summary.md", "out/report.html", "out/report.json", "out/report.md"]


def test_a_report_that_cannot_be_written_is_an_error(checks, capsys, tmp_path):
    """Its exit code is not that of an agreement."""
    (tmp_path / "file").write_text("")

    assert cli.main(["check", "m:f", "--junit", "file/parity.xml"]) == 2
    assert capsys.readouterr().err.startswith("error: cannot write file/parity.xml: ")


def test_the_working_folders_list_is_found(checks, tmp_path):
    """`parity.toml` counts where it is, without an option."""
    (tmp_path / "parity.toml").write_text(
        '[[accepted]]\nlayer = "a"\nbackend = "jax"\nreason = "known"\nuntil = "keras 4"\n'
    )

    cli.main(["check", "m:f"])

    ((_, kwargs),) = checks.calls
    assert [str(entry) for entry in kwargs["accepted"]] == ["a on jax"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("check", "the following arguments are required: MODEL"),
        ("", "the following arguments are required: COMMAND"),
        ("chekc m:f", "invalid choice"),
        ("check m:f --backends tensorflow", "name two or more"),
        ("check m:f --backends jax,jax", "each once"),
        ("check m:f --backends jax,theano", "'theano' is none of tensorflow, jax, torch, openvino"),
        ("check m:f --kwargs {", "this is no JSON"),
        ("check m:f --kwargs 3", "write a JSON object"),
        ("check m:f --steps -1", "--steps"),
        ("check m:f --batch-size 0", "write a whole number from 1 on, not '0'"),
        ("check m:f --time-limit nan", "write a number of seconds above 0"),
        ("check m:f --dtype float8", "invalid choice: 'float8'"),
        ("check m:f --back jax,torch", "unrecognized arguments"),
        ("check m:f --inputs none.npz", "error: none.npz is not there"),
        ("check m:f --accepted none.toml", "error: none.toml is not there"),
    ],
)
def test_wrong_usage_is_one_line_before_anything_starts(checks, capsys, arguments, message):
    """Exit code 2, no traceback, and no check."""
    try:
        code = cli.main(arguments.split())
    except SystemExit as exit_:
        code = exit_.code

    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert "Traceback" not in error
    assert checks.calls == []


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 cut"])
def test_a_damaged_file_of_arrays_is_refused(checks, capsys, tmp_path, content):
    """In one line."""
    (tmp_path / "x.npz").write_bytes(content)

    assert cli.main(["check", "m:f", "--inputs", "x.npz"]) == 2
    assert capsys.readouterr().err.startswith("error: cannot read x.npz as arrays: ")


def test_a_file_of_python_objects_is_refused(checks, capsys):
    """Reading one would run what is in it."""
    np.savez("x.npz", np.array([{}], dtype=object))

    assert cli.main(["check", "m:f", "--inputs", "x.npz"]) == 2
    assert checks.calls == []


def test_a_mistake_that_the_check_finds_is_one_line(checks, capsys):
    """As a model that is not there."""
    checks.verdict = UsageError("there is no m")

    assert cli.main(["check", "m:f"]) == 2
    assert capsys.readouterr().err == "error: there is no m\n"


def test_our_own_failure_is_no_disagreement(checks, capsys):
    """Python would exit with 1, which says that the backends disagree."""
    checks.verdict = RuntimeError("a defect")

    assert cli.main(["check", "m:f"]) == 3
    assert "RuntimeError: a defect" in capsys.readouterr().err


def test_an_interruption_is_no_outcome(checks, capsys):
    """Ctrl-C ends with the code that shells know."""
    checks.verdict = KeyboardInterrupt()

    assert cli.main(["check", "m:f"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_terminal_without_the_letters_gets_escapes(checks, monkeypatch):
    """An old terminal's encoding ends no check."""
    checks.verdict = hostile()
    checks.verdict.model = "modèle ∞"
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    code = cli.main(["check", "m:f"])

    sys.stdout.flush()
    assert code == Outcome.DISAGREE.exit_code
    assert b"mod\\xe8le \\u221e" in written.getvalue()


def test_reduce_gets_the_case_and_prints_the_scripts_path(monkeypatch, capsys):
    """Its options are those that name, build and train a model."""
    calls = []

    def reduce_to_script(model, **kwargs):
        calls.append((model, kwargs))
        return kwargs["out"]

    monkeypatch.setitem(sys.modules, "keras_parity.reduce", types.SimpleNamespace(reduce_to_script=reduce_to_script))
    command = "reduce m:f --backends jax,torch --kwargs {} --custom c --dtype float16 --seed 3 --out small.py"
    command += " --loss mae --optimizer sgd --metrics mse --steps 2"

    assert cli.main(command.split()) == 0

    ((model, kwargs),) = calls
    assert model == "m:f"
    assert str(kwargs.pop("out")) == "small.py"
    assert kwargs == {
        "backends": ("jax", "torch"), "kwargs": {}, "custom": "c", "dtype": "float16", "seed": 3, "say": cli.say,
        "loss": "mae", "optimizer": "sgd", "metrics": ["mse"], "steps": 2,
    }  # fmt: skip
    assert capsys.readouterr().out == "small.py\n"


def test_scan_gets_its_arguments_as_they_are(monkeypatch):
    """It has a parser of its own, `--help` included."""
    calls = []
    scan = types.SimpleNamespace(main=lambda arguments: calls.append(arguments) or 1)
    monkeypatch.setitem(sys.modules, "keras_parity.scan", scan)

    assert cli.main(["scan", "--help", "x"]) == 1
    assert calls == [["--help", "x"]]


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["reduce", "--help"], ["--version"]])
def test_help_imports_no_framework(arguments):
    """Nor NumPy: it answers at once on a machine that has none of them."""
    program = (
        "import atexit, json, sys\n"
        f"seen = lambda: [name for name in {HEAVY!r} if name in sys.modules]\n"
        "atexit.register(lambda: print(json.dumps(seen()), file=sys.stderr))\n"
        f"from keras_parity.cli import main\nmain({arguments!r})"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env={"PYTHONPATH": str(ROOT)}
    )

    assert finished.returncode == 0
    assert json.loads(finished.stderr) == []
    assert "keras-parity" in finished.stdout


def test_the_package_runs_as_a_module():
    """`python -m keras_parity` is the command."""
    finished = subprocess.run(
        [sys.executable, "-m", "keras_parity"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert finished.returncode == 2
    assert finished.stderr.startswith("usage: keras-parity ")


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"]])
def test_the_helps_example_is_a_right_command(checks, capsys, arguments):
    """It ends the help, and runs as it stands there."""
    with pytest.raises(SystemExit):
        cli.main(arguments)
    program, *example = shlex.split(capsys.readouterr().out.split("example:\n")[-1])

    assert program == "keras-parity"
    assert cli.main(example) == 0
    assert checks.calls[0][1]["kwargs"] == {"weights": None, "input_shape": [32, 32, 3]}
