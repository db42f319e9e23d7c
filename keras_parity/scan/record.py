"""Results of a long run, kept as they come, so that an interrupted one can go on."""

import json
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from keras_parity.errors import UsageError


class _Row(Protocol):
    @property
    def name(self) -> str: ...

    def to_json(self) -> str: ...

    @classmethod
    def from_json(cls, line: str) -> Self: ...


Kept = TypeVar("Kept", bound=_Row)


class Record(Generic[Kept]):
    """A file of JSON lines that grows by a line with each row.

    Args:
        path: The file; None keeps the rows in memory alone.
        header: What the rows were made with; rows of another header are refused.
        row_type: The rows' class, with `name`, `to_json()` and `from_json(line)`.

    Raises:
        UsageError: If the file holds something else.
    """

    def __init__(self, path: Path | None, header: dict[str, Any], row_type: type[Kept]):
        self.path = path
        self.header = header
        self.rows: dict[str, Kept] = {}
        if path is None:
            return
        if path.exists() and path.stat().st_size:
            self._read(path, row_type)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(header) + "\n")

    def _read(self, path: Path, row_type: type[Kept]) -> None:
        text = path.read_text()
        complete = text[: text.rfind("\n") + 1]  # a killed run may have left half a line
        try:
            first, *rest = complete.splitlines()
            found = json.loads(first)
            self.rows = {row.name: row for row in map(row_type.from_json, rest)}
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{path} is no record of such results; name another --json file") from error
        if found != self.header:
            changed = ", ".join(key for key in self.header if found.get(key) != self.header[key])
            raise UsageError(
                f"{path} holds results with another {changed or 'header'}; delete it or name another --json file"
            )
        if complete != text:
            path.write_text(complete)

    def add(self, row: Kept) -> None:
        """Keep a row, on disk at once."""
        self.rows[row.name] = row
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(row.to_json() + "\n")
