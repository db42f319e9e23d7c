"""The summary in Markdown: the verdict, a table, and no markup that a name brought along."""

import re

import pytest

from keras_parity.report.markdown import MOST_ROWS, prose, render_markdown
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive


@pytest.mark.parametrize(
    ("verdict", "heading"),
    [(agreeing(), "### ✅ agree: "), (disagreeing(), "### ❌ disagree: "), (inconclusive(), "### ❔ inconclusive: ")],
)
def test_the_outcome_comes_first(verdict, heading):
    """With a sign for whoever only glances."""
    assert render_markdown(verdict).startswith(heading)


def test_a_row_for_each_difference_and_a_count_of_the_rest():
    """A step's summary has a size limit."""
    text = render_markdown(disagreeing(*[finding(f"conv_{i}", layer_type=f"Conv{i}") for i in range(MOST_ROWS + 3)]))

    assert len(re.findall(r"^\| `conv_\d+` \|", text, re.MULTILINE)) == MOST_ROWS
    assert "3 more differences are in `report.html`" in text


def test_layers_of_one_class_that_differ_alike_are_one_row():
    """With the worst of them in numbers."""
    text = render_markdown(disagreeing(*[finding(f"norm_{i}", rounding_units=1e3 + i) for i in range(9)]))

    assert "| `norm_8`, `norm_7` and 7 more | jax" in text
    assert text.count("`norm_") == 2


def test_prose_has_no_markup():
    """Neither emphasis nor a link, a mention, or an address that turns into one."""
    assert prose("*a* [b](c) <d> @e #1") == r"\*a\* \[b\](c) \<d\> @<!-- -->e \#1"
    assert "www." not in prose("www.example.org")


def test_a_code_span_holds_backticks():
    """Its fence is longer than any run within."""
    text = render_markdown(disagreeing(finding("a``b|c")))

    assert r"| ```a``b\|c``` |" in text


def test_failures_notes_and_versions_are_told():
    """Last words in a block."""
    text = render_markdown(inconclusive(notes=["a note"]))

    assert "`torch` did not finish:\n\n```text\nTraceback" in text
    assert "Notes:\n\n- a note" in text
    assert "Compared tensorflow, jax, torch; keras 3.15.1" in text
