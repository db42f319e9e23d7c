"""What a command shows: progress on stderr, results on stdout."""

import sys


def say(line: str) -> None:
    """Tell the person at the keyboard how far it is."""
    print(line, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Write a result, with escapes for what the terminal's encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), end="", flush=True)
