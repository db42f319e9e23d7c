"""Tests of the reports: the page, JSON, Markdown, JUnit and the terminal's screen."""

import json
import math
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from keras_parity.errors import UsageError
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.source import ModelSource
from keras_parity.report import html, write_file, write_report
from keras_parity.report.html import render_html
from keras_parity.report.json_text import parse_json, render_json
from keras_parity.report.junit import render_junit
from keras_parity.report.markdown import render_markdown
from keras_parity.report.picture import MOST_ROWS_OPEN
from keras_parity.report.style import SCALE
from keras_parity.report.terminal import render_terminal
from keras_parity.report.wording import headline, reduce_command
from keras_parity.verdict import Cause, Outcome
from tests.keras_parity.verdicts import HOSTILE, REQUEST, agreeing, disagreeing, finding, hostile, inconclusive

VOID = {"meta", "col", "wbr", "rect"}
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


class Page(HTMLParser):
    """The tags and texts of a page; `problems` lists what is not well formed, not self-contained, or could run."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.texts, self.problems = [], [], []
        self._open = []
        self.feed(text)
        self.close()
        self.problems += [f"{tag} is never closed" for tag in self._open]
        ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]
        links = [attributes["href"] for _, attributes in self.tags if "href" in attributes]
        self.problems += [f"{link} leads nowhere" for link in links if link[:1] != "#" or link[1:] not in ids]
        self.problems += ["an id is there twice"] if len(set(ids)) < len(ids) else []

    def handle_starttag(self, tag, attrs):
        """Note a tag, and whether it may be there."""
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "img", "link", "iframe", "object", "base", "form", "use", "image"):
            self.problems.append(f"{tag} is there")
        self.problems += [f"{name} on {tag}" for name, _ in attrs if name.startswith("on") or name == "src"]
        if tag not in VOID or (tag == "rect" and "/>" not in self.get_starttag_text()):
            self._open.append(tag)

    def handle_endtag(self, tag):
        """Close a tag, which must be the last one opened."""
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"{tag} is closed and was not open")

    def handle_data(self, data):
        """Note a text."""
        self.texts.append(data)

    def cells(self) -> list[tuple[str, str]]:
        """Return the class and the full text of every cell of the table of layers."""
        return [(a["class"], a["title"]) for tag, a in self.tags if tag == "td" and "title" in a]

    def of(self, tag: str) -> list[dict]:
        """Return the attributes of every tag of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(
    "verdict",
    [agreeing(3), agreeing(200), disagreeing(), disagreeing(layers=200), inconclusive(), hostile()],
    ids=["agree", "agree-200", "disagree", "disagree-200", "inconclusive", "hostile"],
)
def test_a_page_is_well_formed_and_self_contained(verdict):
    """Every tag is closed, every link stays on the page, and nothing is loaded or run."""
    page = Page(render_html(verdict))

    assert page.problems == []
    assert (
        "http"
        not in "".join(value or "" for _, attributes in page.tags for value in attributes.values()).replace(
            "http-equiv", ""
        )
        or verdict.model == HOSTILE
    )


def test_a_name_that_is_not_escaped_is_seen(monkeypatch):
    """The check above can fail."""
    monkeypatch.setattr(html, "escape", str)

    page = Page(render_html(hostile()))

    assert "script is there" in page.problems


def test_a_page_shows_hostile_names_as_text():
    """Whoever reads the page sees what the name is, marks that turn the writing direction included."""
    page = Page(render_html(hostile()))

    text = "".join(page.texts)
    assert "<script>alert('1')</script>" in text
    assert "\\u202e" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)


def test_a_page_says_the_verdict_first():
    """The headline names the layer and the backend before anything else does."""
    page = Page(render_html(disagreeing()))

    shown = [text.strip() for text in page.texts if text.strip()]
    start = shown.index("✗ disagree")
    assert (
        shown[start + 1]
        == "JAX computes a different function from TensorFlow and PyTorch in the layer conv_1 of model.keras"
    )


def test_a_cell_has_its_number_and_a_colour_of_its_size():
    """Colours go by the power of ten, and what differs is marked."""
    page = Page(render_html(disagreeing()))

    cells = {text.split(":")[0]: css for css, text in page.cells()}
    assert len(cells) == 3 * 2 * 3
    assert cells["conv_0 on tensorflow, forward"].split()[0] == "w0"
    assert cells["conv_1 on tensorflow, forward"].split()[0] == "w2"
    assert cells["conv_1 on jax, forward"].split()[:2] == ["b1", "differs"]


def test_without_a_difference_no_cell_is_marked():
    """The mark above means something."""
    page = Page(render_html(agreeing()))

    assert not any("differs" in css for css, _ in page.cells())


@pytest.mark.parametrize(("layers", "strips"), [(3, 0), (MOST_ROWS_OPEN, 0), (200, 6)])
def test_a_large_model_gets_strips_and_a_folded_table(layers, strips):
    """Six strips, one per direction and backend, show 200 layers at a glance; three layers need none."""
    page = Page(render_html(agreeing(layers)))

    assert len(page.of("svg")) == strips
    assert len(page.of("details")) == bool(strips)
    assert len(page.cells()) == layers * 6


def test_every_picture_has_a_text():
    """What the strips show is said in words, the worst layer by name."""
    page = Page(render_html(disagreeing(finding("conv_117"), layers=200)))

    labels = [attributes["aria-label"] for attributes in page.of("svg")]
    assert all(attributes["role"] == "img" for attributes in page.of("svg"))
    assert labels[1].startswith(
        "JAX, forward: 200 layers measured, the largest error is 41,234 rounding units in conv_117"
    )
    assert any(attributes.get("aria-label") == "conv_117 differs" for attributes in page.of("a"))


def test_edge_draws_are_reported_apart():
    """A difference that edge draws alone show stands after the others and says so."""
    edge = finding("conv_0", "torch", ordinary=False, draw="blank")

    text = "".join(Page(render_html(disagreeing(edge, finding("conv_1")))).texts)

    assert text.index("conv_1 Conv2D") < text.index("Edge draws alone") < text.index("blank (edge draws alone show it)")


def test_an_accepted_difference_is_no_culprit_on_the_page():
    """It is listed with its reason, and marked with another sign."""
    page = Page(render_html(agreeing(findings=[finding(accepted="known as issue 1")])))

    text = "".join(page.texts)
    assert "known as issue 1" in text
    assert "culprit" not in text
    assert "△" in text
    assert "▲" not in text


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.1)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("step", SCALE)
def test_numbers_are_readable_on_their_colours(step):
    """Every ink has the contrast with its ground that small text needs, in both themes."""
    assert min(_contrast(ground, ink) for ground, ink in SCALE[step]) >= 4.5


def test_grey_on_grey_is_not_readable():
    """The measure above can fail."""
    assert _contrast("#777777", "#999999") < 4.5


def _render_in_browser(page: str, folder, width: int, dark: bool = False) -> dict:
    """Return what a browser makes of a page: width, overflow, and the colours it computed."""
    probe = """<script>
      const style = (query) => getComputedStyle(document.querySelector(query));
      const cells = [...document.querySelectorAll(".layers td")].map(e => e.getBoundingClientRect());
      parent.document.documentElement.setAttribute("data-seen", JSON.stringify({
        width: innerWidth, content: document.documentElement.scrollWidth, ground: style("body").backgroundColor,
        cell: style(".layers td").backgroundColor, visible: cells.filter(r => r.width > 9 && r.height > 9).length}));
    </script></body>"""
    probed = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", probe)
    # In a frame, since a browser's own window is never as narrow as a phone.
    frame = f'<iframe style="width:{width}px;height:1500px;border:0" srcdoc="{escape(probed)}"></iframe>'
    path = folder / "page.html"
    path.write_text(f'<meta charset="utf-8"><style>:root{{color-scheme:light dark}}</style>{frame}', encoding="utf-8")
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1600", "--virtual-time-budget=2000",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []), "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    return json.loads(Page(dom).of("html")[0]["data-seen"])


needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_renders_in_a_browser(width, dark, tmp_path):
    """On a phone and on a desktop nothing sticks out, every cell is seen, and the theme is the reader's."""
    seen = _render_in_browser(render_html(disagreeing(layers=12)), tmp_path, width, dark)

    ground = SCALE["w0"][dark][0]
    assert seen["width"] == width
    assert seen["content"] <= width
    assert seen["visible"] == 12 * 6
    assert seen["cell"] == "rgb({}, {}, {})".format(*(int(ground[i : i + 2], 16) for i in (1, 3, 5)))
    assert seen["ground"] == ("rgb(19, 21, 23)" if dark else "rgb(255, 255, 255)")


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_any_length_stay_within_the_page(width, tmp_path):
    """A layer's path of hundreds of characters is broken, not cut."""
    verdict = disagreeing(
        finding("x" * 300 + "/" + "y" * 300, detail="z" * 500, quantity=Quantity(Kind.STATE, "q" * 99)), model="m" * 400
    )
    verdict.used["k" * 200] = verdict.environment["e" * 200] = "v" * 200

    seen = _render_in_browser(render_html(verdict), tmp_path, width)

    assert seen["content"] <= width


@needs_browser
def test_what_sticks_out_is_seen(tmp_path):
    """The check above can fail."""
    page = render_html(disagreeing()).replace("</main>", '<p style="width:900px">wide</p></main>')

    seen = _render_in_browser(page, tmp_path, 390)

    assert seen["content"] > 390


def _refuse(name: str):
    raise ValueError(f"{name} is no JSON")


@pytest.mark.parametrize(
    "verdict",
    [
        agreeing(),
        inconclusive(),
        hostile(),
        disagreeing(finding(rounding_units=math.nan, max_abs_error=math.inf), seconds=-math.inf),
    ],
    ids=["agree", "inconclusive", "hostile", "numbers"],
)
def test_json_is_strict_and_comes_back_the_same(verdict):
    """No NaN literal is in it, and reading it gives the verdict again, its NaN and infinities too."""
    text = render_json(verdict)

    json.loads(text, parse_constant=_refuse)
    assert repr(parse_json(text)) == repr(verdict)


def test_a_plain_dump_would_not_be_strict():
    """The check above can fail."""
    text = json.dumps(inconclusive().to_dict())

    with pytest.raises(ValueError, match="NaN is no JSON"):
        json.loads(text, parse_constant=_refuse)


def test_json_takes_numpys_numbers():
    """Settings may hold what NumPy computed."""
    import numpy as np

    verdict = agreeing(used={"threshold": np.float32(500), "shape": (np.int64(2), 3), "draw": np.arange(2)})

    assert json.loads(render_json(verdict))["used"] == {"threshold": 500.0, "shape": [2, 3], "draw": [0, 1]}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 3}', '{"format": 1, "findings": [1]}'])
def test_other_json_is_refused(text):
    """What is no report is said to be none."""
    with pytest.raises(ValueError, match="not a keras-parity report"):
        parse_json(text)


def test_the_screen_names_all_that_a_user_needs():
    """Layer, backend that is alone, size in both units, class of cause, and the command for the smallest script."""
    screen = render_terminal(disagreeing())

    for part in (
        "disagree: JAX computes a different function",
        "conv_1 (Conv2D)",
        "jax (tensorflow and torch agree)",
        "0.0013 absolute, 41,234 rounding units (at most 500 agree)",
        "semantic: ",
        "keras-parity reduce model.keras --backends tensorflow,jax,torch --out script.py",
    ):
        assert part in screen


def test_many_culprits_stay_on_one_screen():
    """Forty rows hold fifty culprits with long messages, a dead backend and notes."""
    findings = [finding(f"conv_{i}", layer_type=f"C{i}", detail="a long message " * 200) for i in range(50)]

    screen = render_terminal(disagreeing(*findings, failures={"torch": "word\n" * 500}, notes=["note"] * 50))

    lines = screen.splitlines()
    assert len(lines) <= 48
    assert all(len(line) <= 100 for line in lines if "keras-parity reduce" not in line)
    assert "and 47 more: conv_3, conv_4" in screen


@pytest.mark.parametrize("render", [render_terminal, render_markdown, render_junit, render_html])
def test_no_report_carries_a_terminal_escape(render):
    """A name cannot colour, move or rewrite the screen that shows it, nor break its encoding."""
    text = render(hostile())

    assert all(c.isprintable() or c == "\n" for c in text)
    text.encode()


def test_the_hostile_name_does_carry_one():
    """The check above can fail."""
    assert not all(c.isprintable() or c == "\n" for c in HOSTILE)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (agreeing(), "TensorFlow, JAX and PyTorch compute the same for model.keras."),
        (
            agreeing(findings=[finding(accepted="known")]),
            "TensorFlow, JAX and PyTorch compute the same for model.keras, but for 1 accepted difference.",
        ),
        (inconclusive(), "It cannot be said whether TensorFlow, JAX and PyTorch compute the same for model.keras."),
        (
            disagreeing(finding("(metric accuracy)", "torch")),
            "PyTorch computes a different function from TensorFlow and JAX in the metric accuracy of model.keras.",
        ),
        (
            disagreeing(finding("a"), finding("b")),
            "JAX computes a different function from TensorFlow and PyTorch in the layers a and b of model.keras.",
        ),
        (
            disagreeing(finding("a", None)),
            "TensorFlow, JAX and PyTorch do not compute the same in the layer a of model.keras.",
        ),
        (
            disagreeing(finding("a"), finding("b", "torch")),
            "TensorFlow, JAX and PyTorch do not compute the same in 2 places of model.keras.",
        ),
    ],
)
def test_the_headline_needs_no_knowledge_of_numerics(verdict, sentence):
    """Each outcome is one plain sentence."""
    assert headline(verdict) == sentence


def test_the_command_that_reduces_is_that_of_the_request():
    """`tests/keras_parity/test_request.py` shows that it asks for the same; here, that it is shown safely."""
    source = ModelSource("my_pkg.models:build\x1b[31m", "function")
    verdict = disagreeing(request=replace(REQUEST, source=source, kwargs={"name": "it's"}))

    command = reduce_command(verdict)

    assert command.startswith("keras-parity reduce 'my_pkg.models:build\\x1b[31m' --backends tensorflow,jax,torch ")
    assert command.endswith(" --out script.py")


def test_a_function_without_a_module_is_reduced_from_python():
    """A command line cannot name a notebook's function."""
    verdict = disagreeing(request=replace(REQUEST, source=ModelSource("build", "function")))

    assert reduce_command(verdict).startswith("keras_parity.reduce.reduce_to_script(build, ")


def test_a_verdict_shows_itself():
    """Printed it is what the command line prints, in a notebook Markdown, within a list a line."""
    verdict = disagreeing()

    assert f"{verdict}" == render_terminal(verdict)
    assert verdict._repr_markdown_() == render_markdown(verdict)
    assert repr([verdict]) == f"[<Verdict on {verdict.model}: disagree: {verdict.reason}>]"


def test_junit_fails_the_layer_and_the_verdict():
    """Both cases carry the failure, all other layers are green."""
    suite = ElementTree.fromstring(render_junit(disagreeing()))[0]

    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["verdict", "conv_1"]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "0")
    assert suite[0].find("failure").text == render_terminal(disagreeing())


def test_junit_is_green_where_all_agree():
    """The failures above mean something."""
    suite = ElementTree.fromstring(render_junit(agreeing(findings=[finding(accepted="known as issue 1")])))[0]

    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "0")
    assert "known as issue 1" in suite[2].find("system-out").text


@pytest.mark.parametrize("verdict", [inconclusive(), inconclusive(failures={}), disagreeing(findings=[]), hostile()])
def test_junit_is_never_green_without_agreement(verdict):
    """Even where no layer and no backend is to blame."""
    suite = ElementTree.fromstring(render_junit(verdict))[0]

    assert int(suite.get("failures")) + int(suite.get("errors")) >= 1


def test_markdown_shows_the_difference_in_a_table():
    """A CI service shows the verdict, the numbers and the command."""
    text = render_markdown(disagreeing())

    assert text.startswith("### ❌ disagree: JAX computes a different function")
    assert "| `conv_1` | jax (tensorflow and torch agree) | output, inference | ordinary 1 | 0.0013 | 41,234 |" in text
    assert "keras-parity reduce model.keras" in text


def _markdown_tokens(text: str) -> set[str]:
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py, which comes with rich, is not installed")
    blocks = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).disable("linkify").parse(text)
    tokens = [token for block in blocks for token in [block, *(block.children or ())]]
    return {token.type for token in tokens if token.content != "<!-- -->"}


def test_names_are_no_markup_in_markdown():
    """A name makes no link, no picture, no tag and no mention."""
    text = render_markdown(hostile())

    assert _markdown_tokens(text).isdisjoint({"html_inline", "html_block", "link_open", "image"})
    assert "@all" not in re.sub(r"(`+)[^`].*?\1|```.*?```", "", text, flags=re.DOTALL)


def test_the_hostile_name_is_markup_by_itself():
    """The check above can fail."""
    assert {"html_inline", "link_open"} <= _markdown_tokens(f"name: {HOSTILE}".replace("\n", " "))


def test_a_report_is_three_files(tmp_path):
    """The page, the same as JSON, and the summary; the folder is made."""
    page = disagreeing().report(tmp_path / "deep" / "out")

    assert page == tmp_path / "deep" / "out" / "report.html"
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json", "report.md"]
    assert parse_json(page.with_suffix(".json").read_text()).outcome is Outcome.DISAGREE


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    """A file where the folder should be is the user's to mend."""
    (tmp_path / "out").write_text("a file")

    with pytest.raises(UsageError, match=r"^cannot write .*report.json: .*; choose another place$"):
        write_report(agreeing(), tmp_path / "out")


def test_a_text_can_go_to_what_is_no_file(tmp_path):
    """A pipe is written to, not replaced."""
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True)

    write_file(tmp_path / "pipe", "text")

    assert reader.communicate(timeout=60)[0] == "text"


def test_causes_without_numbers_have_words():
    """An error, a NaN or another dtype shows in its cell as a word."""
    causes = {Cause.ERROR: "error", Cause.NAN: "NaN", Cause.DTYPE: "dtype", Cause.SHAPE: "shape"}
    found = [
        finding(f"conv_{i}", cause=cause, rounding_units=math.nan, max_abs_error=math.nan)
        for i, cause in enumerate(causes)
    ]

    page = render_html(disagreeing(*found))

    assert re.findall(r'class="mark">▲</span>(\w+)<', page) == list(causes.values())
