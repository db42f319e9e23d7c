"""Draw the rooms of the code, or count what describes a code base.

    python -m benchmarks.architecture --svg docs/architecture.svg
    python -m benchmarks.architecture --count HEAD~9 . path/to/site-packages/structlog

`--count` takes revisions of this repository, `.` for the working tree, and folders of other packages.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.architecture.counts import count, find_arrows
from benchmarks.architecture.drawing import render_drawing
from benchmarks.architecture.graph import read_modules
from benchmarks.architecture.rooms import find_tops, package_rooms, project_room

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.architecture", description=__doc__.split("\n")[0])
    parser.add_argument("--svg", type=Path, help="write the drawing here")
    parser.add_argument("--count", nargs="+", metavar="WHAT", help="revisions, `.`, and folders of packages")
    options = parser.parse_args(arguments)
    if not options.svg and not options.count:
        parser.error("nothing to do: give --svg or --count")
    if options.svg:
        options.svg.write_text(render_project(ROOT), encoding="utf-8")
    if options.count:
        try:
            columns = {what: count_what(what) for what in options.count}
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        print(render_table(columns), end="")
    return 0


def render_project(root: Path) -> str:
    """Return the drawing of the project in a folder."""
    modules = read_modules(root, find_tops(root))
    return render_drawing({project_room(name) for name in modules}, find_arrows(modules, project_room))


def count_what(what: str) -> dict[str, int]:
    """Return the numbers of a revision, of the working tree or of another package.

    Raises:
        ValueError: If there is no such revision or package.
    """
    folder = Path(what).resolve()
    if folder == ROOT:
        return count(read_modules(ROOT, find_tops(ROOT)), project_room)
    if (folder / "__init__.py").exists():
        return count(read_modules(folder.parent, [folder.name]), package_rooms(folder.name))
    command = ["git", "archive", f"{what}^{{commit}}", "--", "."]
    archive = subprocess.run(command, cwd=ROOT, capture_output=True)
    if archive.returncode:
        raise ValueError(f"{what!r} is neither the folder of a package nor a revision of this repository")
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(scratch, filter="data")
        return count(read_modules(Path(scratch), find_tops(Path(scratch))), project_room)


def render_table(columns: dict[str, dict[str, int]]) -> str:
    """Return the numbers as a Markdown table, one column for each code base."""
    names = [Path(what).name or "this tree" for what in columns]
    rows = [f"| | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for description in next(iter(columns.values())):
        rows.append(f"| {description} | {' | '.join(f'{numbers[description]:,}' for numbers in columns.values())} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
