"""Writing a program's tables into a document, between two comments that name the program."""

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


def excerpt(table: str) -> str:
    """Return the first rows of a Markdown table, with a link to the document that has them all."""
    rows = [line for line in table.splitlines() if line.startswith("|")]
    return "\n".join([*rows[: 2 + _ROWS], "", "The first five rows of [the whole table](docs/systems.md)."])
