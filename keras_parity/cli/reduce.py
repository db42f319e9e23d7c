"""`keras-parity reduce`: write the smallest script that still disagrees."""

import argparse
from pathlib import Path

from keras_parity.cli.asking import add_request_options, request_options
from keras_parity.cli.screen import say, show

EXAMPLE = "keras-parity reduce my_pkg.models:build_unet --backends tensorflow,torch --out script.py\n"
ABOUT = "write the smallest script that still disagrees"
DESCRIPTION = (
    "Make a model on which backends disagree as small as it gets, and write it as a script that needs nothing but "
    "keras and numpy. It takes the options of the check that found the disagreement."
)
EPILOG = f"example:\n  {EXAMPLE}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_request_options(parser)
    parser.add_argument("--out", type=Path, default=Path("script.py"), metavar="FILE", help="default script.py")


def run(options: argparse.Namespace, command: str) -> int:
    """Write the script, print its path, and return the exit code."""
    asked = request_options(options)
    from keras_parity.reduce import reduce_to_script
    from keras_parity.report import check_writable
    from keras_parity.request import make_request

    check_writable(options.out)
    script = reduce_to_script(make_request(options.model, **asked), out=options.out, say=say)
    show(f"{script}\n")
    return 0
