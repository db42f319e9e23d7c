"""The command line: `keras-parity check`, `scan` and `reduce`.

Parses first and imports late, so that help and a typing error cost no framework. Results go to stdout, progress to
stderr.
"""

import argparse
import functools
import json
import shlex
import sys
import traceback
from pathlib import Path

from keras_parity import __version__
from keras_parity.accepted import BACKENDS, DEFAULT_FILE, Accepted, read_accepted
from keras_parity.arguments import read_backends, read_count, read_positive
from keras_parity.errors import UsageError

DTYPES = ("float32", "float64", "bfloat16", "float16", "mixed_float16", "mixed_bfloat16")
CHECK_EXAMPLE = """\
keras-parity check keras.applications:MobileNetV2 --kwargs '{"weights": null, "input_shape": [32, 32, 3]}' --report out
"""
REDUCE_EXAMPLE = "keras-parity reduce my_pkg.models:build_unet --backends tensorflow,torch --out script.py\n"
SCAN_EXAMPLE = "keras-parity scan --help\n"
EXIT_CODES = """\
exit codes: 0 the backends agree, 1 they disagree, 2 wrong usage, 3 inconclusive
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments[:1] == ["scan"]:  # it parses its own arguments, its help included
            from keras_parity.scan import main as scan

            return scan(arguments[1:])
        options = build_parser().parse_args(arguments)
        return options.run(options, shlex.join(["keras-parity", *arguments]))
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception:  # a defect of ours: Python's own exit code would say that the backends disagree
        traceback.print_exc()
        print("error: keras-parity itself failed, and nothing was decided", file=sys.stderr)
        return 3


def run_check(options: argparse.Namespace, command: str) -> int:
    """Check a model, print and write what `options` ask for, and return the outcome's exit code."""
    # What can be refused at once is looked at before anything starts.
    accepted = choose_accepted(options.accepted)
    inputs, targets = (path and read_arrays(path) for path in (options.inputs, options.targets))
    from keras_parity.checking import check
    from keras_parity.report import write_file, write_report

    verdict = check(
        options.model,
        backends=options.backends,
        kwargs=options.kwargs,
        custom=options.custom,
        inputs=inputs,
        targets=targets,
        loss=options.loss,
        optimizer=options.optimizer,
        metrics=options.metrics or (),
        steps=options.steps,
        dtype=options.dtype,
        seed=options.seed,
        batch_size=options.batch_size,
        training=not options.inference_only,
        edge=not options.no_edge,
        special=options.special,
        accepted=accepted,
        time_limit=options.time_limit,
        say=say,
    )
    verdict.environment["command"] = command
    if options.json:
        from keras_parity.report.json_text import render_json

        show(render_json(verdict))
    else:
        show(str(verdict))
    if options.report:
        say(f"report: {write_report(verdict, options.report)}")
    if options.markdown:
        from keras_parity.report.markdown import render_markdown

        write_file(options.markdown, render_markdown(verdict))
    if options.junit:
        from keras_parity.report.junit import render_junit

        write_file(options.junit, render_junit(verdict))
    return verdict.outcome.exit_code


def run_reduce(options: argparse.Namespace, command: str) -> int:
    """Write the smallest script that still disagrees and print its path."""
    from keras_parity.reduce import reduce_to_script

    script = reduce_to_script(
        options.model,
        backends=options.backends,
        kwargs=options.kwargs,
        custom=options.custom,
        dtype=options.dtype,
        seed=options.seed,
        loss=options.loss,
        optimizer=options.optimizer,
        metrics=options.metrics or (),
        steps=options.steps,
        out=options.out,
        say=say,
    )
    show(f"{script}\n")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _new_parser(
        None,
        prog="keras-parity",
        description="Does a Keras 3 model compute the same on every backend, and if not, which layer of which backend "
        "is alone?",
        epilog=f"{EXIT_CODES}\nexample:\n  {CHECK_EXAMPLE}",
    )
    parser.add_argument("--version", action="version", version=f"keras-parity {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_check(commands)
    _new_parser(commands, name="scan", help="compare every layer and operation of Keras", epilog=SCAN_EXAMPLE)
    _add_reduce(commands)
    return parser


def _add_check(commands) -> None:
    parser = _new_parser(
        commands,
        name="check",
        usage="keras-parity check MODEL [options]",
        help="compare a model between backends",
        description="Compare a model between backends: outputs, gradients, training steps, and each layer by itself.",
        epilog=f"{EXIT_CODES}\nexample:\n  {CHECK_EXAMPLE}",
    )
    _add_model(parser)
    case = parser.add_argument_group("what is computed; drawn or chosen to fit the model where it is not given")
    case.add_argument("--inputs", type=Path, metavar="FILE.npz", help="inputs, by name, or one after the other")
    case.add_argument("--targets", type=Path, metavar="FILE.npz", help="targets, likewise")
    _add_training(case)
    case.add_argument("--batch-size", type=read_positive, metavar="N", help="default 4, or 2 of a large model")
    case.add_argument("--inference-only", action="store_true", help="no loss, no gradients, no training")
    case.add_argument("--no-edge", action="store_true", help="ordinary inputs only: no blank, tied or huge ones")
    case.add_argument("--special", action="store_true", help="NaN, infinities and subnormal numbers too")
    case.add_argument(
        "--time-limit", type=_seconds, default=300.0, metavar="SECONDS", help="most time for one call; default 300"
    )
    output = parser.add_argument_group("what is written")
    output.add_argument("--report", type=Path, metavar="DIR", help="folder for report.html, report.json and report.md")
    output.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else")
    output.add_argument("--markdown", type=Path, metavar="FILE", help="a summary that a CI service can show")
    output.add_argument("--junit", type=Path, metavar="FILE", help="each layer as a test case")
    output.add_argument(
        "--accepted", type=Path, metavar="FILE", help=f"accepted divergences; default {DEFAULT_FILE}, where it exists"
    )
    parser.set_defaults(run=run_check)


def _add_reduce(commands) -> None:
    parser = _new_parser(
        commands,
        name="reduce",
        usage="keras-parity reduce MODEL [options]",
        help="write the smallest script that still disagrees",
        description="Make a model on which backends disagree as small as it gets, and write it as a script that needs "
        "nothing but keras and numpy.",
        epilog=f"example:\n  {REDUCE_EXAMPLE}",
    )
    _add_model(parser)
    _add_training(parser)
    parser.add_argument("--out", type=Path, default=Path("script.py"), metavar="FILE", help="default script.py")
    parser.set_defaults(run=run_reduce)


def _add_training(parser) -> None:
    """Add what a model is trained with."""
    parser.add_argument(
        "--loss", type=_identifier, metavar="NAME", help="a name, a JSON configuration, module:function"
    )
    parser.add_argument("--optimizer", type=_identifier, metavar="NAME", help="likewise")
    parser.add_argument("--metrics", type=_identifiers, metavar="NAMES", help="names with commas, or a JSON list")
    parser.add_argument("--steps", type=read_count, default=3, metavar="K", help="optimizer steps; default 3")


def _add_model(parser) -> None:
    """Add what names a model, and what every command needs to build it."""
    parser.add_argument("model", metavar="MODEL", help="a .keras file, or module:function that builds a model")
    parser.add_argument(
        "--backends",
        type=functools.partial(read_backends, known=BACKENDS),
        metavar="NAMES",
        help=f"two or more of {','.join(BACKENDS)}; default: as installed",
    )
    parser.add_argument("--kwargs", type=_json_object, metavar="JSON", help="arguments of the function")
    parser.add_argument("--custom", metavar="MODULE", help="module that registers the model's own classes")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", metavar="POLICY", help=", ".join(DTYPES))
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of inputs, weights and random layers; default 1"
    )


def choose_accepted(path: Path | None) -> list[Accepted] | None:
    """Return the accepted divergences of `path`, or of the working folder's own file; None where there is none."""
    if path is None and not Path(DEFAULT_FILE).is_file():
        return None
    return read_accepted(path or DEFAULT_FILE)


def read_arrays(path: Path):
    """Return what a NumPy file holds: one array, a list where they are numbered, else a dict by name.

    Raises:
        UsageError: If it cannot be read, or holds anything but plain arrays.
    """
    import numpy as np

    try:
        with open(path, "rb") as file:  # which NumPy leaves open where it is damaged
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            arrays = dict(content)
    except FileNotFoundError:
        raise UsageError(f"{path} is not there; write one with numpy.savez") from None
    except Exception as error:  # a damaged file raises almost anything
        raise UsageError(f"cannot read {path} as arrays: {' '.join(str(error).split())}") from error
    numbered = [f"arr_{i}" for i in range(len(arrays))]  # numpy.savez names them so
    if not arrays:
        raise UsageError(f"{path} holds no arrays")
    if sorted(arrays) != sorted(numbered):
        return arrays
    return arrays["arr_0"] if len(arrays) == 1 else [arrays[name] for name in numbered]


def say(line: str) -> None:
    """Tell the person at the keyboard how far it is."""
    print(line, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Write a result, with escapes for what the terminal's encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)


def _new_parser(commands, **options) -> argparse.ArgumentParser:
    """Return a parser, of a command where `commands` are given, that keeps its texts' line breaks."""
    options |= {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    return argparse.ArgumentParser(**options) if commands is None else commands.add_parser(**options)


def _json_object(text: str) -> dict:
    value = _json(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'write a JSON object, as {{"classes": 10}}, not {text!r}')
    return value


def _identifier(text: str):
    """Return a name as it is, a JSON object as a dict."""
    return _json_object(text) if text.lstrip().startswith("{") else text


def _identifiers(text: str) -> list:
    if text.lstrip().startswith(("[", "{")):
        value = _json(text)
        return value if isinstance(value, list) else [value]
    return [name.strip() for name in text.split(",")]


def _json(text: str):
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"this is no JSON, {error}: {text}") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"write a number of seconds above 0, not {text!r}")
    return seconds
