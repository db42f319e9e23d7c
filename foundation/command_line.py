"""What the scripts' command lines share: near flags for unknown ones, one line for an error, any encoding on stdout."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence

from foundation.errors import UserError
from foundation.spelling import find_near


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed command line; ends the process on a wrong one.

    An unknown flag is named first, with the one that was probably meant. (argparse would first ask for the required
    flag that it was meant to be.)

    Args:
        parser: Knows the flags.
        arguments: After the program's name; None for those of this process.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    known = [flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")]
    for word in given:
        flag = word.partition("=")[0]
        if flag.startswith("--") and flag not in (*known, "--") and " " not in word:
            near = find_near(flag, known)
            parser.error(f"there is no flag {flag}; " + (f"did you mean {near[0]}?" if near else "--help shows all"))
    return parser.parse_args(given)


def run_command(action: Callable[[], int], interrupted: str) -> int:
    """Return the exit code of a command, after one line on stderr for what its user has to mend.

    Args:
        action: Does what was asked for and returns the exit code.
        interrupted: What to say after Ctrl-C.
    """
    try:
        return action()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return 130


def print_anywhere() -> None:
    """Have stdout write `?` for a character that its encoding lacks, as ASCII does most, where it would raise."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
