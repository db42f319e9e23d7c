"""The document is made from the catalogue: a row for each divergence, and counts that add up."""

import re

from keras_parity.known import CATALOGUE
from keras_parity.known.document import render_document
from tests.commands import ROOT


def test_every_divergence_has_a_row_with_a_link_to_its_script():
    """Relative to the folder of the document; no other links."""
    document = render_document()

    links = re.findall(r"^\| \[([\w-]+)\]\((divergences/\w+\.py)\)", document, re.MULTILINE)
    assert sorted(name for name, _ in links) == sorted(CATALOGUE)
    assert all((ROOT / "docs" / link).is_file() for _, link in links)


def test_a_row_has_five_cells_whatever_is_in_its_text():
    """A bar within a text is escaped."""
    rows = [line for line in render_document().splitlines() if line.startswith("| [")]

    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_the_counts_are_those_of_the_catalogue():
    """What is recognised on edge draws, on ordinary data and by no check is all there is."""
    counts = dict(re.findall(r"^\| ([^|]+) \| (\d+) \|$", render_document(), re.MULTILINE))

    parts = [
        "recognised on edge draws alone: a warning",
        "recognised on ordinary data, too",
        "no check can show it",
    ]
    assert int(counts["all"]) == len(CATALOGUE) == sum(int(counts[part]) for part in parts)
