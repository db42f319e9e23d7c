"""The document: each row in its section, each script with what it explains, and counts that add up."""

import pytest

from keras_parity.scan.configuration import normal, on
from keras_parity.scan.document import Script, group_by_name, read_scripts, render_document
from keras_parity.scan.survey import AGREES, DIFFERS, RAISES, UNDECIDED, Row
from tests.keras_parity.verdicts import ENVIRONMENT

SINE, COSINE, ROUND = on(normal(3), "ops.sin(x)", "ops.cos(x)", "ops.round(ops.sin(x))")
HEADER = {"dtype": "float32", "backends": ["jax", "torch"]}
MACHINE = {**ENVIRONMENT, "cores": 2, "system": "Linux"}
FOUND = {
    "backend": "jax",
    "quantity": "output",
    "cause": "semantic",
    "message": "by <far> | more",
    "max_abs_error": 1.0,
}
SCRIPT = Script("divergences/sine.py", "A sine is off.", "JAX", ("ops.sin(x) on*",))


def render(scripts=(), **results) -> str:
    """Return the document on the sine and the cosine."""
    rows = {
        configuration.name: Row(configuration.name, result, ("jax",) if result != AGREES else (), "why", [FOUND])
        for configuration, result in zip((SINE, COSINE), results.values(), strict=True)
    }
    return render_document([SINE, COSINE], rows, HEADER, MACHINE, list(scripts))


def section(document: str, title: str) -> str:
    """Return the text under a heading."""
    return document.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("result", "title"),
    [
        (DIFFERS, "Differences"),
        (RAISES, "Supported on some backends only"),
        (UNDECIDED, "Raised on every backend, or not decided"),
    ],
)
def test_a_row_stands_under_its_result(result, title):
    """And nowhere else; one that agrees has none."""
    document = render(sine=result, cosine=AGREES)

    assert SINE.name in section(document, title)
    assert document.count(f"| `{SINE.name}`") == 1
    assert f"| `{COSINE.name}`" not in document


def test_results_and_backends_are_counted():
    """Who is alone, who raises, and each name."""
    document = render(sine=DIFFERS, cosine=RAISES)

    for line in ("| differs | 1 |", "| raises | 1 |", "| all | 2 |", "| jax | 1 | 1 |"):
        assert line in document
    assert "| `ops.sin` | 1 |  | 1 |  |  |  |" in section(document, "Every name")


def test_a_script_is_linked_to_what_it_explains_and_counted():
    """In both places."""
    document = render([SCRIPT], sine=DIFFERS, cosine=RAISES)

    assert "| [A sine is off.](divergences/sine.py) | JAX | 1 |" in document
    assert "[sine](divergences/sine.py)" in section(document, "Differences")
    assert "[sine]" not in section(document, "Supported on some backends only")


def test_messages_are_no_markup():
    """Neither tags nor the bars of a table."""
    assert r"by &lt;far> \| more" in section(render(sine=RAISES, cosine=AGREES), "Supported on some backends only")


def test_scripts_are_read_from_their_docstrings(tmp_path):
    """Title, who is wrong over several lines, and patterns."""
    folder = tmp_path / "divergences"
    folder.mkdir()
    (folder / "sine.py").write_text('"""A sine.\n\nWrong: JAX,\nby far.\n\nScan: ops.sin*\nScan: ops.cos*\n"""\n')

    [script] = read_scripts(folder)

    assert script == Script("divergences/sine.py", "A sine.", "JAX, by far.", ("ops.sin*", "ops.cos*"))
    assert script.explains(Row(SINE.name, DIFFERS, (), ""))
    assert read_scripts(tmp_path / "nowhere") == []


def test_a_configuration_is_about_its_least_common_name():
    """`ops.sin` is a helper where `ops.round` is the subject."""
    groups = group_by_name([SINE, COSINE, ROUND])

    assert groups == {"ops.sin": [SINE], "ops.cos": [COSINE], "ops.round": [ROUND]}
