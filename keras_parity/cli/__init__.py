"""The command line: `keras-parity check`, `scan` and `reduce`, one module each.

Parses first and imports late, so that help and a typing error cost no framework. Results go to stdout, progress to
stderr.
"""

import json
import shlex
import sys
import traceback
from typing import Any

from keras_parity import __version__
from keras_parity.cli import check, reduce, scan
from keras_parity.cli.arguments import Parser
from keras_parity.cli.screen import show
from keras_parity.errors import UsageError
from keras_parity.platform_support import refuse_windows


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        refuse_windows()
        options = build_parser().parse_args(arguments)
        code: int = options.run(options, shlex.join(["keras-parity", *arguments]))
        return code
    except UsageError as error:
        return _fail(arguments, str(error), 2)
    except KeyboardInterrupt:
        return _fail(arguments, "interrupted", 130)
    except Exception:  # a defect of ours: Python's own exit code would say that the backends disagree
        traceback.print_exc()
        return _fail(arguments, "keras-parity itself failed, and nothing was decided", 3)


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="keras-parity",
        description="Does a Keras 3 model compute the same on every backend, and if not, which layer of which backend "
        "is alone?",
        epilog=check.EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"keras-parity {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(commands, "check", check, usage="keras-parity check MODEL [options]")
    _add(commands, "scan", scan, usage="keras-parity scan [options]")
    _add(commands, "reduce", reduce, usage="keras-parity reduce MODEL [options]")
    return parser


def _add(commands: Any, name: str, module: Any, usage: str) -> None:
    parser = commands.add_parser(
        name, usage=usage, help=module.ABOUT, description=module.DESCRIPTION, epilog=module.EPILOG
    )
    module.add_options(parser)
    parser.set_defaults(run=module.run, parser=parser)


def _fail(arguments: list[str], text: str, code: int) -> int:
    """Say why there is no verdict; as one JSON object on stdout where the user asked for JSON."""
    if "--json" in arguments and arguments[0] != "scan":  # whose option of that name takes a file
        show(json.dumps({"error": text, "exit_code": code}) + "\n")
    print(text if code == 130 else f"error: {text}", file=sys.stderr)
    return code
