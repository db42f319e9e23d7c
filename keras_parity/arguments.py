"""Reading what a command line is given: types for `argparse`, each with one line for what is wrong. No framework."""

import argparse
from collections.abc import Sequence


def read_count(text: str, least: int = 0) -> int:
    """Return a whole number from `least` on."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"write a whole number from {least} on, not {text!r}")
    return int(text)


def read_positive(text: str) -> int:
    """Return a whole number from 1 on."""
    return read_count(text, least=1)


def read_backends(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return two or more of the `known` backends, named with commas between them."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
    if len(set(names)) != len(names) or len(names) < 2:
        raise argparse.ArgumentTypeError("name two or more, each once, with commas between them")
    return names
