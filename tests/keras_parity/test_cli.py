"""Tests of the command line: what reaches the check, what is written, and the exit codes."""

import inspect
import io
import json
import shlex
import subprocess
import sys
import types
from dataclasses import replace

import numpy as np
import pytest

from keras_parity import cli
from keras_parity.errors import UsageError
from keras_parity.executions import installed_executions
from keras_parity.protocol.source import ModelSource
from keras_parity.report.json_text import parse_json
from keras_parity.report.terminal import render_terminal
from keras_parity.request import CheckRequest
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

    def run_check(request, crew, say):
        fake.calls.append(request)
        if isinstance(fake.verdict, BaseException):
            raise fake.verdict
        return fake.verdict

    def describe_source(model, kwargs, custom):
        return ModelSource(model, "file" if model.endswith(".keras") else "function", reference=model, custom=custom)

    monkeypatch.setattr("keras_parity.comparison.run_check", run_check)
    monkeypatch.setattr("keras_parity.request.describe_source", describe_source)
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
    command = (
        "check m:f --backends tensorflow,torch --kwargs '{\"a\": [1]}' --custom my.layers --inputs x.npz "
        '--targets y.npz --loss mse --optimizer \'{"class_name": "SGD", "config": {}}\' --metrics accuracy,auc '
        "--steps 0 --dtype float64 --seed 7 --batch-size 2 --inference-only --no-edge --special --no-reload "
        "--time-limit 9.5 --class-weight '{\"1\": 2}'"
    )

    assert cli.main(shlex.split(command)) == 0

    (request,) = checks.calls
    assert {name: array.shape for name, array in request.inputs.items()} == {"image": (2, 3)}
    assert [array.tolist() for array in request.targets] == [[0, 0], [1, 1]]
    assert request.source.label == "m:f"
    assert replace(request, inputs=None, targets=None) == CheckRequest(
        ModelSource("m:f", "function", reference="m:f", custom="my.layers"),
        ("tensorflow", "torch"),
        kwargs={"a": [1]},
        inputs_file="x.npz",
        targets_file="y.npz",
        loss="mse",
        optimizer={"class_name": "SGD", "config": {}},
        metrics=("accuracy", "auc"),
        class_weight={1: 2.0},
        steps=0,
        dtype="float64",
        seed=7,
        batch_size=2,
        training=False,
        edge=False,
        special=True,
        reload=False,
        time_limit=9.5,
    )


def test_without_options_the_check_has_its_own_defaults(checks):
    """All parts are on, all backends are taken, nothing is chosen for the model."""
    cli.main(["check", "m:f"])

    (request,) = checks.calls
    names = tuple(execution.name for execution in installed_executions())
    assert request == CheckRequest(ModelSource("m:f", "function", reference="m:f"), names)


def test_the_real_check_takes_what_the_command_line_gives(monkeypatch):
    """Each argument is one of `run_check`'s own."""
    from keras_parity import comparison

    bound = []
    signature = inspect.signature(comparison.run_check)
    monkeypatch.setattr("keras_parity.request.describe_source", lambda *_: ModelSource("m:f", "function"))
    monkeypatch.setattr(comparison, "run_check", lambda *a, **k: bound.append(signature.bind(*a, **k)) or agreeing())

    assert cli.main(["check", "m:f"]) == 0
    assert bound[0].arguments["request"].source.label == "m:f"


def test_one_array_is_not_wrapped(checks):
    """A model of one input gets an array, from either of NumPy's formats."""
    np.save("x.npy", np.ones(3))
    np.savez("y.npz", np.ones(3))

    cli.main(["check", "m:f", "--inputs", "x.npy", "--targets", "y.npz"])

    (request,) = checks.calls
    assert request.inputs.shape == request.targets.shape == (3,)


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


@pytest.mark.parametrize("option", ["--junit", "--markdown", "--report"])
def test_a_report_that_cannot_be_written_is_refused_before_the_check(checks, capsys, tmp_path, option):
    """A long check is not run for nothing; and its exit code is not that of an agreement."""
    (tmp_path / "file").write_text("")

    assert cli.main(["check", "m:f", option, "file/parity"]) == 2
    assert capsys.readouterr().err.startswith("error: cannot write file/parity")
    assert checks.calls == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_a_ci_services_summary_is_added_to(checks, tmp_path, monkeypatch):
    """Every step of a job writes to the same file; any other file is replaced."""
    for name in ("summary.md", "other.md"):
        (tmp_path / name).write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))

    for name in ("summary.md", "other.md"):
        cli.main(["check", "m:f", "--markdown", name])

    assert (tmp_path / "summary.md").read_text().startswith("before\n### ")
    assert (tmp_path / "other.md").read_text().startswith("### ")


@pytest.mark.parametrize(
    ("verdict", "code"), [(UsageError("there is no m"), 2), (RuntimeError("a defect"), 3), (KeyboardInterrupt(), 130)]
)
def test_without_a_verdict_json_is_one_object_too(checks, capsys, verdict, code):
    """A program that reads it must not meet an empty text."""
    checks.verdict = verdict

    assert cli.main(["check", "m:f", "--json"]) == code

    values = json.loads(capsys.readouterr().out)
    assert values["exit_code"] == code
    assert values["error"]


@pytest.mark.parametrize("arguments", ["check m:f --json --steps -1", "check m:f --json --specail", "check --json"])
def test_wrong_usage_is_one_json_object_too(checks, capsys, arguments):
    """The parser's own refusals as well."""
    assert cli.main(arguments.split()) == 2

    output = capsys.readouterr()
    values = json.loads(output.out)
    assert values["exit_code"] == 2
    assert output.err.endswith(f"error: {values['error']}\n")


def test_a_list_that_is_named_counts(checks, tmp_path):
    """And the working folder's own does not, then."""
    entry = '[[accepted]]\nlayer = "{}"\nbackend = "jax"\nquantity = "output"\nat_most = 1.0\nreason = "known"\n'
    (tmp_path / "known.toml").write_text(entry.format("conv_1") + 'until = "keras 4"\n')
    (tmp_path / "parity.toml").write_text(entry.format("dense") + 'until = "keras 4"\n')
    checks.verdict = disagreeing()

    assert cli.main(["check", "m:f", "--accepted", "known.toml"]) == 0
    assert cli.main(["check", "m:f"]) == 1


def test_the_working_folders_list_is_found(checks, tmp_path):
    """`parity.toml` counts where it is, without an option."""
    (tmp_path / "parity.toml").write_text(
        '[[accepted]]\nlayer = "conv_1"\nbackend = "jax"\nquantity = "output"\nat_most = 1.0\nreason = "known"\n'
        'until = "keras 4"\n'
    )
    checks.verdict = disagreeing()

    assert cli.main(["check", "m:f"]) == 0


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
        ("check m:f --loss-weights half", "this is no JSON"),
        ("check m:f --loss-weights 2", "write a JSON list of numbers, or an object of them, not '2'"),
        ('check m:f --loss-weights {"a":"b"}', "write a JSON list of numbers"),
        ("check m:f --steps -1", "--steps"),
        ("check m:f --batch-size 0", "write a whole number from 1 on, not '0'"),
        ("check m:f --time-limit nan", "write a number of seconds above 0"),
        ("check m:f --dtype float8", "invalid choice: 'float8'"),
        ("check m:f --backend jax,torch", "there is no option --backend; did you mean --backends?"),
        ("check m:f --modle x", "there is no option --modle"),
        ("check m:f --batch-sise=2", "there is no option --batch-sise; did you mean --batch-size?"),
        ("check m:f g", "'g' is one word too many"),
        ("reduce m:f --specail", "there is no option --specail; did you mean --special?"),
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


def test_reduce_takes_the_options_of_the_check(checks, monkeypatch, capsys):
    """Whatever shaped the check that found a difference shapes the one that is reduced."""
    reduced = []

    def reduce_to_script(request, out, say):
        reduced.append(request)
        return out

    monkeypatch.setattr("keras_parity.reduce.reduce_to_script", reduce_to_script)
    np.save("x.npy", np.ones((2, 3)))
    options = (
        "m:f --backends jax,torch --kwargs {} --custom c --dtype float16 --seed 3 --loss mae --optimizer sgd "
        "--metrics mse --steps 2 --batch-size 2 --special --no-edge"
    )
    cli.main(["check", *options.split()])
    capsys.readouterr()

    assert cli.main(["reduce", *options.split(), "--out", "small.py"]) == 0

    assert reduced == checks.calls
    assert capsys.readouterr().out == "small.py\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "--help"], ["reduce", "--help"], ["scan", "--help"], ["--version"]]
)
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
    assert checks.calls[0].kwargs == {"weights": None, "input_shape": [32, 32, 3]}
