"""The report: one page, Markdown and JSON, that say the same, load nothing and obey no name."""

import dataclasses
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from comparing.report import describe, write_report
from comparing.report.chart import Line, line_chart
from comparing.report.content import Report, render_json
from comparing.report.html import render_html
from comparing.report.markdown import render_markdown
from tests.commands import ROOT
from tests.comparing.reports import make_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
HOSTILE = "<img src=x onerror=alert(1)>|`[a](b)`\x1b[31m"


class Page(HTMLParser):
    """Collects the tags, what is loaded, and the pictures without words."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.tags, self.loaded, self.wordless = [], set(), [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        """Note a tag."""
        values = dict(attributes)
        self.tags.add(tag)
        if tag not in ("meta", "img", "br", "wbr", "line", "rect", "circle", "path", "polyline", "polygon", "col"):
            self.open.append(tag)
        if tag in ("img", "script", "link", "iframe"):
            self.loaded.append(values.get("src") or values.get("href") or "")
        self.wordless += tag == "img" and not values.get("alt")
        self.wordless += tag == "svg" and not (values.get("aria-label") or values.get("aria-hidden"))

    def handle_endtag(self, tag):
        """Check that tags close in order."""
        if tag in self.open:
            assert self.open.pop() == tag


@pytest.fixture
def page():
    """The page of an ordinary report."""
    return Page(render_html(make_report()))


def test_the_page_loads_nothing_and_every_picture_has_words(page):
    """Self-contained, well-formed, with alternative texts."""
    assert page.open == []
    assert "script" not in page.tags
    assert all(address.startswith("data:image/png;base64,") for address in page.loaded)
    assert page.loaded
    assert page.wordless == 0


def test_hostile_names_are_text():
    """Whatever a system, a class, a failure or a processor is called."""
    report = make_report(model=HOSTILE)
    report = dataclasses.replace(
        report,
        class_names=(HOSTILE, "b", "c"),
        failures={HOSTILE: HOSTILE},
        environment=dataclasses.replace(report.environment, processor=HOSTILE),
    )

    html, markdown = render_html(report), render_markdown(report)

    assert "<img src=x" not in html
    assert "\x1b" not in html + markdown + describe(report)
    assert "<img" not in re.sub(r"\\<", "", re.sub(r"```text.*?```", "", markdown, flags=re.DOTALL))


def test_the_verdict_comes_first_in_every_form():
    """Page, Markdown, terminal and JSON begin with the outcome."""
    report = make_report((98.0, 98.0, 96.0))

    html = render_html(report)
    assert html.index("PyTorch differs from TensorFlow and JAX") < html.index("Same steps?")
    assert render_markdown(report).startswith("### ❌ disagree: PyTorch differs")
    assert describe(report).startswith("disagree: PyTorch differs")
    assert json.loads(render_json(report))["outcome"] == "disagree"


def test_every_figure_is_there(page):
    """Curves, divergence, speeds, confusions, disputed images, environment."""
    html = render_html(make_report())

    for words in (
        "Accuracy on the first test examples", "Training loss of the logged step", "Distance of the weights",
        "the chaos band", "3 trainings on TensorFlow, seed 1", "by up to 0.57 points",
        "Training speed", "Speed against batch size", "Which classes are taken for which",
        "Images on which they disagree", "Environment", "training step", "batch size", "images per second",
        "a processor", "keras", "python compare.py --model mnist_cnn",
    ):  # fmt: skip
        assert words in html, words


def test_numbers_that_are_none_are_strict_json():
    """Infinities and NaN become null, which every reader takes."""
    report = make_report()
    first = dataclasses.replace(report.answers[0], number=float("inf"))
    report = dataclasses.replace(report, answers=(first, *report.answers[1:]))

    assert json.loads(render_json(report), parse_constant=pytest.fail)["answers"][0]["number"] is None


@pytest.mark.parametrize("path", sorted((ROOT / "reports").glob("*.json")), ids=lambda path: path.stem)
def test_a_committed_report_is_read_and_written_again_byte_for_byte(path):
    """Reports of earlier versions stay readable, and the form of the file has not changed."""
    text = path.read_text()

    report = Report.from_dict(json.loads(text))

    assert render_json(report) == text
    assert render_html(report)
    assert render_markdown(report)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda values: values.pop("speed"), "report.speed is not there"),
        (lambda values: values["runs"][0].update(seed="one"), r"report.runs\[0\].seed is not of type int"),
        (lambda values: values["answers"][0].update(question="Why?"), "no question 'Why\\?'"),
        (lambda values: values.update(class_names={}), "report.class_names is not a list"),
        (lambda values: values.update(format=2), "another format"),
    ],
)
def test_a_damaged_report_is_refused_by_the_place(damage, message):
    """The reading above can fail, and says where."""
    values = make_report().to_dict()
    damage(values)

    with pytest.raises(ValueError, match=message):
        Report.from_dict(values)


def test_a_chart_of_gaps_and_noughts_is_plotted():
    """Values that a logarithm does not take, and a single point, are no crash."""
    line = Line("a", "jax", [1, 2, 3, 4], [0.0, None, float("nan"), 1.0])

    assert "<circle" in line_chart([line], "x", "y", "t", True)
    assert "Nothing to plot" in line_chart([Line("a", "jax", [1], [0.0])], "x", "y", "t", True)


def test_the_three_files_are_written(tmp_path):
    """With their own contents, and nothing besides."""
    path = write_report(make_report(), tmp_path / "new")

    assert path == tmp_path / "new" / "report.html"
    assert sorted(file.name for file in path.parent.iterdir()) == ["report.html", "report.json", "report.md"]


@pytest.mark.skipif(BROWSER is None, reason="takes a browser")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(tmp_path, width):
    """In a real browser, at a phone's and a desktop's width, nothing is wider than the window but what scrolls."""
    page = write_report(make_report(), tmp_path)
    html = page.read_text()
    # The page's own policy forbids scripts: it is lifted here to measure.
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    escaped = html.replace("&", "&amp;").replace('"', "&quot;")
    frame = f'<iframe srcdoc="{escaped}" style="width:{width}px;height:900px"></iframe>'
    document = "document.querySelector('iframe').contentDocument.documentElement"
    script = f"<script>onload=()=>{{const d={document};document.title=d.scrollWidth+' '+d.clientWidth}}</script>"
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><title>-</title>{frame}{script}")

    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{tmp_path}/frame.html"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    content, window = map(int, re.search(r"<title>(\d+) (\d+)</title>", dom).groups())
    assert content <= window
