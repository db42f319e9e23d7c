"""Writing a program's tables into a document, between two comments that name the program."""

import argparse
from pathlib import Path

# So many rows of a table are in the README.
_ROWS = 5


def replace_between_markers(path: Path, program: str, text: str) -> None:
    """Replace what stands between `<!-- PROGRAM begins -->` and `<!-- PROGRAM ends -->` in a file, in one step.

    Args:
        path: The document.
        program: The program's name, as `benchmarks.speed`.
        text: What shall stand there.

    Raises:
        ValueError: If the markers are not there, once each and in this order; the file stays as it was.
    """
    begin, end = f"<!-- {program} begins -->", f"<!-- {program} ends -->"
    document = path.read_text(encoding="utf-8")
    before, found, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found and found_end) or document.count(begin) + document.count(end) != 2:
        raise ValueError(f"{path} must have one line {begin} and one line {end} after it")
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
    draft.replace(path)


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the documents of a table, for `write_table`."""
    parser.add_argument("--docs", type=Path, metavar="FILE", help="replace the table between the markers of FILE")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="likewise, with the first rows")


def write_table(options: argparse.Namespace, program: str, table: str) -> None:
    """Write a table into the documents that the options name: whole, or its first rows.

    Args:
        options: What the options of `add_table_options` were given.
        program: The program's name, as in the markers.
        table: In Markdown.
    """
    if options.docs:
        replace_between_markers(options.docs, program, table)
    if options.readme:
        replace_between_markers(options.readme, program, excerpt(table))


def excerpt(table: str) -> str:
    """Return the first rows of a Markdown table, with a link to the document that has them all."""
    rows = [line for line in table.splitlines() if line.startswith("|")]
    return "\n".join([*rows[: 2 + _ROWS], "", "The first five rows of [the whole table](docs/systems.md)."])
