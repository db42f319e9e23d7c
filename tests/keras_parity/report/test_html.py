"""The page's sections: what there is to say is there, and nothing else; names are text."""

import re

from keras_parity.report.html import render_html
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive


def headings(page: str) -> list[str]:
    """Return the headings of a page's sections."""
    return re.findall(r"<h2>(.*?)</h2>", page)


def test_an_agreement_has_no_culprits_and_no_failures():
    """The picture, and what it was measured with."""
    assert headings(render_html(agreeing())) == ["Where the errors are", "Settings", "Environment"]


def test_a_section_is_there_for_each_thing_to_say():
    """In the order of what matters."""
    verdict = disagreeing(
        finding(), finding("b", accepted="it is meant so"), notes=["a note"], failures={"torch": "it died"}
    )

    assert headings(render_html(verdict))[:5] == [
        "What could not be compared",
        "1 culprit",
        "Where the errors are",
        "Accepted differences",
        "Notes",
    ]


def test_edge_draws_are_set_apart_from_ordinary_data():
    """Below the others, under words that say so."""
    page = render_html(disagreeing(finding("edge", ordinary=False), finding("ordinary")))

    first, _, second = page.partition("Edge draws alone")
    assert "<h3>ordinary" in first
    assert "<h3>edge" in second
    assert "Edge draws alone" not in render_html(disagreeing())


def test_names_and_last_words_are_text():
    """Whatever a model is called."""
    page = render_html(inconclusive(model="<b>bold</b>", failures={"<i>": "a <u> in it\nnext"}))

    assert "<b>bold" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "a &lt;u&gt; in it\nnext" in page


def test_settings_are_put_into_words():
    """Yes, no and none; structures on one line."""
    page = render_html(agreeing(used={"threshold": 500.0, "flag": True, "list": [1, 2], "nothing": None}))

    for name, value in (("threshold", "500"), ("flag", "yes"), ("list", "1, 2"), ("nothing", "none")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page
