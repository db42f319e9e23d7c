"""Reading what a command line is given: the parser, and types for its options, each with one line for what is wrong."""

import argparse
import difflib
import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from keras_parity.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A parser that keeps its texts' line breaks, and names the option that an unknown one may stand for.

    What it refuses it raises, after a line on the usage, so that the command line says it in one way.
    """

    def __init__(self, **options: Any):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    # typeshed declares the method by overloads for each kind of namespace; ours are all the usual one.
    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> argparse.Namespace:  # type: ignore[override]
        """Return what was given.

        Raises:
            UsageError: If it makes no sense, as an unknown option.
        """
        known: argparse.Namespace
        known, rest = self.parse_known_args(args, namespace)
        if rest:
            self.refuse(rest, getattr(known, "parser", self))
        return known

    def error(self, message: str) -> NoReturn:
        """Say how the command is used, and raise what is wrong as a `UsageError`."""
        self.print_usage(sys.stderr)
        raise UsageError(message)

    def refuse(self, rest: Sequence[str], parser: argparse.ArgumentParser) -> NoReturn:
        """Refuse what was not understood, and name what may have been meant."""
        name = next((word for word in rest if word.startswith("-")), rest[0]).partition("=")[0]
        there = sorted(set(re.findall(r"--[a-z][a-z-]*", parser.format_help())))
        near = difflib.get_close_matches(name, there, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        parser.error(f"there is no option {name}{hint}" if name.startswith("-") else f"{name!r} is one word too many")


def read_count(text: str, least: int = 0) -> int:
    """Return a whole number from `least` on."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"write a whole number from {least} on, not {text!r}")
    return int(text)


def read_positive(text: str) -> int:
    """Return a whole number from 1 on."""
    return read_count(text, least=1)


def read_executions(text: str) -> tuple[str, ...]:
    """Return the names of two or more executions, with commas between them."""
    from keras_parity.executions import refuse_unknown

    def refuse(name: str) -> None:
        try:
            refuse_unknown(name)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return _read_names(text, refuse)


def read_backends(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return two or more of the `known` backends, named with commas between them."""

    def refuse(name: str) -> None:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")

    return _read_names(text, refuse)


def _read_names(text: str, refuse: Callable[[str], None]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        refuse(name)
    if len(set(names)) != len(names) or len(names) < 2:
        raise argparse.ArgumentTypeError("name two or more, each once, with commas between them")
    return names


def read_seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"write a number of seconds above 0, not {text!r}")
    return seconds


def read_json_object(text: str) -> dict[str, Any]:
    """Return a JSON object."""
    value = _read_json(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f'write a JSON object, as {{"classes": 10}}, not {text!r}')
    return value


def read_weights(text: str) -> list[Any] | dict[str, Any]:
    """Return a JSON list of numbers, or a JSON object that has them by output."""
    value: list[Any] | dict[str, Any] = _read_json(text)
    numbers: Any = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(numbers, list) or not all(type(number) in (int, float) for number in numbers):
        raise argparse.ArgumentTypeError(f"write a JSON list of numbers, or an object of them, not {text!r}")
    return value


def read_identifier(text: str) -> Any:
    """Return a name as it is, a JSON object or list as what it holds."""
    return _read_json(text) if text.lstrip().startswith(("{", "[")) else text


def read_identifiers(text: str) -> list[Any] | dict[str, Any]:
    """Return names with commas between them, what a JSON list holds, or a JSON object that has some by output."""
    if text.lstrip().startswith(("[", "{")):
        value: list[Any] | dict[str, Any] = _read_json(text)
        return [value] if isinstance(value, dict) and "class_name" in value else value
    return [name.strip() for name in text.split(",")]


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"this is no JSON, {error}: {text}") from None
