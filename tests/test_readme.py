"""The commands of README and docs/training.md: each names a program and options that exist, and the cheap ones run."""

import re
import shlex
import shutil

import pytest
from PIL import Image

import compare
import evaluate
import train
from keras_parity.cli import build_parser
from keras_parity.errors import UsageError
from tests.commands import ROOT, run_main

TEXT = "\n\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/training.md"))
PARSERS = {
    "python train.py": train.parse_arguments,
    "python evaluate.py": evaluate.parse_arguments,
    "python compare.py": compare.parse_arguments,
    "keras-parity": lambda arguments: build_parser().parse_args(arguments),
}
# What a user types that none of our parsers reads; `.ci/run` runs the first of each.
OTHERS = ("pip install ", "pytest")
# Options of pytest's own or of the plugin, which no parser above knows.
OTHER_OPTIONS = {"--parity-backends"}


def read_commands(document: str) -> list[str]:
    """Return the commands in a document's indented blocks, and in its fenced ones that are a shell's, one by one."""
    fenced = re.findall(r"^```(?:bash|console|sh)\n(.*?)^```", document, flags=re.MULTILINE | re.DOTALL)
    unfenced = re.sub(r"^```.*?^```", "", document, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?<=\n\n)(?:    .*\n)+", unfenced)
    lines = "".join([*indented, *fenced]).splitlines()
    commands = [part.strip() for line in lines for part in line.split(" && ")]
    words = r"(?:[A-Z_]+=\S+ )*(?:python|pip|pytest|keras-parity)\b"
    return [command for command in commands if re.match(words, command)]


def split_command(command: str) -> tuple[str, list[str]]:
    """Return a command's program, and its arguments without comments and environment variables."""
    words = [word for word in shlex.split(command, comments=True) if not re.match(r"[A-Z_]+=", word)]
    count = 2 if words[0] == "python" else 1
    return " ".join(words[:count]), words[count:]


def check_command(command: str) -> None:
    """Raise AssertionError unless a command is one of ours, and its options are known to it."""
    if command.startswith(OTHERS):
        return
    program, arguments = split_command(command)
    assert program in PARSERS, f"the README shows an unknown command: {command}"
    try:
        PARSERS[program](arguments)
    except (SystemExit, UsageError) as exit_:
        raise AssertionError(f"{program} does not take: {command}") from exit_


def documented_options(document: str) -> set[str]:
    """Return every `--option` that a document names in its text."""
    return set(re.findall(r"(?<=`)--[a-z][a-z-]+", document))


def known_options(capsys) -> set[str]:
    """Return every option that the help of our commands shows."""
    for program, command in (*((name, []) for name in PARSERS if name.endswith(".py")), ("keras-parity", ["check"])):
        with pytest.raises(SystemExit):
            PARSERS[program]([*command, "--help"])
    return set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) | OTHER_OPTIONS


COMMANDS = list(dict.fromkeys(read_commands(TEXT)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists_with_its_options(command):
    """What the README shows can be typed."""
    check_command(command)


@pytest.mark.parametrize(
    "command", ["python train.py --model mnist_cnn --smok", "python tain.py --list", "keras-parity chek model.keras"]
)
def test_a_misspelt_command_would_be_noticed(command):
    """The check above can fail."""
    (found,) = read_commands(f"Text\n\n    KERAS_BACKEND=jax {command}  # a comment\n\nmore text\n")

    with pytest.raises(AssertionError):
        check_command(found.removeprefix("KERAS_BACKEND=jax "))


def test_the_two_commands_that_do_everything_are_read():
    """The first block's four commands are among those that are checked."""
    assert 'pip install -e ".[zoo]"' in COMMANDS
    assert "KERAS_BACKEND=jax python train.py --model mnist_cnn" in COMMANDS
    assert "pytest" in COMMANDS
    assert len(COMMANDS) >= 10


def test_every_option_in_the_text_exists(capsys):
    """A flag that the README's text names is one of some command's."""
    known = known_options(capsys)

    assert documented_options(TEXT) <= known
    assert not documented_options("and `--no-such-flag` too") <= known


@pytest.fixture(scope="module")
def folder(workers, tmp_path_factory):
    """A folder with all that the README's commands name: a run, a picture, a `.keras` file."""
    folder = tmp_path_factory.mktemp("readme")
    arguments = ["--model", "mnist_cnn", "--smoke", "--no-figures", "--backend", "jax"]
    arguments += ["--out", "runs/mnist_cnn-jax-seed1"]
    code, _, error = workers["jax"].run(run_main, "train", arguments, str(folder))
    assert code == 0, error
    shutil.copy(folder / "runs/mnist_cnn-jax-seed1/model.keras", folder / "model.keras")
    digit = Image.new("L", (40, 30), 255)
    digit.paste(0, (18, 5, 22, 25))  # a one
    digit.save(folder / "digit.png")
    return folder


CHEAP = [
    command
    for command in COMMANDS
    if command.partition("python ")[2].startswith(("train.py", "evaluate.py")) and "--tsne" not in command
]


@pytest.mark.parametrize("command", CHEAP)
def test_the_commands_run(workers, folder, command):
    """Training commands run as trials, without figures; the others as they stand."""
    program, arguments = split_command(command)
    backend = re.search(r"(?:--backend |KERAS_BACKEND=)(\w+)", command)
    backend = backend.group(1) if backend else "jax"
    if "--model" in arguments:
        arguments += [flag for flag in ("--smoke", "--no-figures") if flag not in arguments]
    if "--resume" in arguments:
        arguments += ["--no-figures"]
    if "--backend" not in arguments:
        arguments += ["--backend", backend]

    code, _, error = workers[backend].run(run_main, program.removeprefix("python ")[:-3], arguments, str(folder))

    # The folder's run is a finished one, so that going on needs more epochs.
    finished = "--resume" in arguments and "--epochs" not in arguments
    assert code == (2 if finished else 0), error
    assert not finished or "has finished its" in error
