"""A record grows by a line with each row, and goes on where it was left."""

import json
from dataclasses import dataclass

import pytest

from keras_parity.errors import UsageError
from keras_parity.scan.record import Record


@dataclass(frozen=True)
class Row:
    """A name and a number."""

    name: str
    number: int

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps([self.name, self.number])

    @classmethod
    def from_json(cls, line: str) -> "Row":
        """Return what `to_json` wrote."""
        return cls(*json.loads(line))


HEADER = {"dtype": "float32", "edge": False}


def test_rows_are_on_disk_at_once_and_read_again(tmp_path):
    """The folder is made; a row of a known name takes its place."""
    path = tmp_path / "deep" / "record.jsonl"
    record = Record(path, HEADER, Row)
    record.add(Row("a", 1))
    assert len(path.read_text().splitlines()) == 2

    record.add(Row("a", 2))

    assert Record(path, HEADER, Row).rows == {"a": Row("a", 2)}


def test_without_a_file_rows_are_kept_in_memory():
    """Nothing is written."""
    record = Record(None, HEADER, Row)
    record.add(Row("a", 1))

    assert record.rows == {"a": Row("a", 1)}


def test_half_a_line_is_dropped(tmp_path):
    """A killed run leaves one; the next row does not follow on it."""
    path = tmp_path / "record.jsonl"
    Record(path, HEADER, Row).add(Row("a", 1))
    with path.open("a") as file:
        file.write('["b", ')

    record = Record(path, HEADER, Row)
    record.add(Row("c", 3))

    assert list(Record(path, HEADER, Row).rows) == ["a", "c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"dtype": "float16", "edge": false}\n', "holds results with another dtype; delete it"),
        ("no JSON\n", "is no record of such results"),
        ("half a line", "is no record of such results"),
        (json.dumps(HEADER) + '\n["a"]\n', "is no record of such results"),
    ],
)
def test_another_file_is_refused(tmp_path, text, said):
    """Whatever it holds."""
    path = tmp_path / "record.jsonl"
    path.write_text(text)

    with pytest.raises(UsageError, match=said):
        Record(path, HEADER, Row)
