"""The benchmarks write their tables where the documents expect them; nothing here is timed."""

import pytest

from benchmarks.markers import excerpt, replace_between_markers
from benchmarks.speed import compare, render
from tests.commands import ROOT
from training.environment import describe_environment

SECONDS = {
    "ours tensorflow": [2.0, 1.0, 4.0],
    "native tensorflow": [2.0, 2.0, 2.0],
    "ours jax": [4.0, 4.0, 4.0],
    "native jax": [4.0, 5.0, 3.0],
    "ours torch": [1.0, 1.0, 1.0],
    "native torch": [1.0, 0.5, 4.0],
}


def test_a_ratio_is_the_median_of_the_turns():
    """Each turn's native seconds over ours; a ratio of medians would let a busy moment in."""
    rows = {(row["ours"], row["native"]): row for row in compare(SECONDS)}

    row = rows["ours tensorflow", "native tensorflow"]
    assert (row["least"], row["median"], row["greatest"]) == (0.5, 1.0, 2.0)
    assert rows["ours tensorflow", "native torch"]["median"] == 0.5
    assert len(rows) == 4


def test_the_tables_name_what_they_were_measured_on():
    """Both conditions, all sides, the machine, the versions and the command."""
    side = {"seconds": SECONDS, "ratios": compare(SECONDS)}

    text = render(
        {
            "environment": describe_environment(None),
            "examples": 1000,
            "turns": 3,
            "log on": side,
            "log off": side,
        }
    )

    assert text.count("| ours torch | 1,000 | 1,000 | 1,000 |") == 2
    assert "| ours torch / native torch | 1.00 | 0.50 | 4.00 | 0.90 |" in text
    assert "keras 3." in text
    assert "`python -m benchmarks.speed --examples 1000 --turns 3 --docs docs/speed.md`" in text


def test_a_table_replaces_the_one_before(tmp_path):
    """What stands between the markers is replaced, and nothing else."""
    path = tmp_path / "doc.md"
    path.write_text("before\n<!-- a begins -->\nold\n<!-- a ends -->\nafter\n")

    replace_between_markers(path, "a", "| new |")
    replace_between_markers(path, "a", "| newer |")

    assert path.read_text() == "before\n<!-- a begins -->\n| newer |\n<!-- a ends -->\nafter\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text", ["nothing", "<!-- a begins -->", "<!-- a ends --><!-- a begins -->", 2 * "<!-- a begins --><!-- a ends -->"]
)
def test_a_document_without_its_markers_is_left_alone(tmp_path, text):
    """A table is not written where nobody expects it."""
    path = tmp_path / "doc.md"
    path.write_text(text)

    with pytest.raises(ValueError, match="must have one line <!-- a begins -->"):
        replace_between_markers(path, "a", "new")

    assert path.read_text() == text


@pytest.mark.parametrize(
    ("document", "program"),
    [
        ("README.md", "benchmarks.accuracy"),
        ("README.md", "benchmarks.parity"),
        ("docs/systems.md", "benchmarks.accuracy"),
        ("docs/systems.md", "benchmarks.parity"),
        ("docs/speed.md", "benchmarks.speed"),
        ("docs/speed.md", "benchmarks.tensorflow_settings"),
    ],
)
def test_the_documents_have_the_markers(tmp_path, document, program):
    """Each program finds its place, so that an hour of measuring is not lost at its end."""
    copy = tmp_path / "copy.md"
    copy.write_text((ROOT / document).read_text(encoding="utf-8"), encoding="utf-8")

    replace_between_markers(copy, program, "a table")

    assert f"<!-- {program} begins -->\na table\n<!-- {program} ends -->" in copy.read_text(encoding="utf-8")


def test_the_readme_has_the_first_rows_of_a_table():
    """With its heading, and without what stands below it."""
    table = "\n".join(["| name |", "| --- |", *(f"| {row} |" for row in range(9)), "", "Written by a program."])

    assert excerpt(table).splitlines()[:7] == ["| name |", "| --- |", *(f"| {row} |" for row in range(5))]
    assert "Written" not in excerpt(table)


def settings_of_a_check(name):
    """Return what `benchmarks.parity` asks the engine for, and the loss that it names."""
    from benchmarks import parity

    asked = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "check", lambda what, **settings: asked.update(settings, what=what))
        _, parameters = parity.check_system(name)
    loss = getattr(parity, asked["loss"].partition(":")[2])
    return asked["what"], asked["kwargs"], parameters, type(loss).__name__


def test_a_variant_is_checked_with_its_own_arguments_and_its_recipes_loss(workers):
    """The engine builds it as `train.py` does."""
    found = workers["jax"].run(settings_of_a_check, "lenet-narrow")

    loss = "SparseCategoricalCrossentropy"
    assert found == ("models.lenet:build", {"channels": (5, 15)}, 58_154, loss)
    assert workers["jax"].run(settings_of_a_check, "lenet")[1:] == ({}, 61_706, loss)
