"""All figures are readable, complete, and independent of the caller's settings."""

import functools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

from figures.confusion import confusion_matrix
from figures.curves import training_curves
from figures.predictions import first_predictions, output_bars, worst_classified
from figures.samples import sample_images
from figures.style import CLASS_COLOURS, ink_on, new_figure, shorten, text_width, wrap
from figures.tsne import tsne_map

FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
ODD = ("T$hirt_{top}$", "W" * 80, "\\frac{1}{2}", "$", "_", "^%&#", "two\nlines", "<b>", "é ü", "many " * 20)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (25, 28, 28, 1)).astype(np.uint8)
TRUTHS = RNG.integers(0, 10, 25)
OUTPUTS = RNG.dirichlet(np.full(10, 0.1), 25)
LOG = [{"step": s, "epoch": s // 100, "train_loss": 2 / (s + 1), "test_accuracy": 0.9} for s in range(0, 300, 10)]
HISTORY = [{"epoch": e, "loss": 0.5, "accuracy": 0.9, "val_loss": 0.4, "val_accuracy": 0.9} for e in range(3)]

FIGURES = {
    "sample_images": lambda names: sample_images(IMAGES, TRUTHS, names, count=6),
    "one sample": lambda names: sample_images(IMAGES[:1], TRUTHS[:1], names),
    "first_predictions": lambda names: first_predictions(IMAGES, TRUTHS, OUTPUTS, names, count=6),
    "worst_classified": lambda names: worst_classified(IMAGES, TRUTHS, OUTPUTS, names, count=6),
    "one worst": lambda names: worst_classified(IMAGES[:1], TRUTHS[:1], OUTPUTS[:1], names),
    "output_bars": lambda names: output_bars(IMAGES[0], OUTPUTS[0], names),
    "confusion_matrix": lambda names: confusion_matrix(TRUTHS, OUTPUTS.argmax(1), names),
    "training_curves": lambda _: training_curves(LOG, HISTORY),
    "one logged line": lambda _: training_curves(LOG[:1], HISTORY[:1]),
    "tsne_map": lambda names: tsne_map(RNG.normal(size=(25, 2)), TRUTHS, "Epoch: 0 | train loss: 0.1 | " + names[1]),
    "tiny map": lambda _: tsne_map(-1e-4 * RNG.random((25, 2)), TRUTHS, "title"),
    "huge map": lambda _: tsne_map(-1e5 * RNG.random((25, 2)), TRUTHS, "title"),
}
NAMELESS = {"training_curves", "one logged line", "tiny map", "huge map"}
CASES = [(name, names) for name in FIGURES for names in (FASHION, ODD) if names is FASHION or name not in NAMELESS]


@functools.cache
def figure_of(name: str, names: tuple[str, ...]):
    """Return one of the figures, plotted once for all tests that look at it."""
    return FIGURES[name](names)


def drawn_texts(figure, monkeypatch) -> list[tuple[Text, object]]:
    """Return each text that drawing the figure draws, with its box in pixels."""
    texts = []
    draw = Text.draw

    def recording_draw(text, renderer):
        if text.get_visible() and text.get_text().strip():
            texts.append((text, text.get_window_extent(renderer)))
        draw(text, renderer)

    with monkeypatch.context() as patch:
        patch.setattr(Text, "draw", recording_draw)
        figure.canvas.draw()
    return texts


def clipped_texts(figure, texts) -> list[str]:
    """Return the texts that reach over the edge of the figure."""
    return [
        text.get_text()
        for text, box in texts
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1
    ]


def overlapping_texts(texts) -> list[tuple[str, str]]:
    """Return the pairs of upright texts that cover each other by a pixel or more (a slanted one's box is too large)."""
    boxes = [(text.get_text(), box.padded(-0.5)) for text, box in texts if text.get_rotation() % 90 == 0]
    return [
        (one, other) for i, (one, box) in enumerate(boxes) for other, other_box in boxes[:i] if box.overlaps(other_box)
    ]


@pytest.mark.parametrize(("name", "names"), CASES, ids=[f"{name}-{names[1]:.7}" for name, names in CASES])
def test_no_text_is_cut_off_or_covered(name, names, monkeypatch):
    """Every text lies inside the figure and clear of the others, however long and odd the names of the classes."""
    figure = figure_of(name, names)

    texts = drawn_texts(figure, monkeypatch)
    assert texts
    assert clipped_texts(figure, texts) == []
    assert overlapping_texts(texts) == []


def test_a_text_that_is_cut_off_or_covered_is_found(monkeypatch):
    """The twin of the test above."""
    figure = new_figure(3, 2)
    figure.text(0.8, 0.5, "too far right to fit")
    figure.text(0.1, 0.2, "one")
    figure.text(0.12, 0.2, "other")

    texts = drawn_texts(figure, monkeypatch)
    assert clipped_texts(figure, texts) == ["too far right to fit"]
    assert overlapping_texts(texts) == [("other", "one")]


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_with_ticks_has_a_label(name):
    """Numbers on an axis say what they count."""
    figure = figure_of(name, FASHION)

    for axes in figure.axes:
        shared = axes.get_subplotspec() is not None and not axes.get_subplotspec().is_last_row()
        if len(axes.get_xticks()) and axes.axison and not shared and axes.get_label() != "<colorbar>":
            assert axes.get_xlabel()
        if len(axes.get_yticks()) and axes.axison:
            assert axes.get_ylabel()


def test_the_callers_settings_do_not_show():
    """A dark notebook style with LaTeX and large fonts gives the same pixels, and is left as it was."""
    plain = pixels(output_bars(IMAGES[0], OUTPUTS[0], ODD))

    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30, "xtick.color": "red"}):
        unstyled = pixels(new_figure(7.5, 4.0).add_subplot().figure)
        with matplotlib.rc_context({"text.usetex": True}):
            styled = pixels(output_bars(IMAGES[0], OUTPUTS[0], ODD))

        assert matplotlib.rcParams["font.size"] == 30
    np.testing.assert_array_equal(plain, styled)
    assert (unstyled == 0).all(axis=2).mean() > 0.5  # the twin: without our style, the axes are black


def pixels(figure) -> np.ndarray:
    """Return the red, green and blue of a figure, uint8 `(height, width, 3)`."""
    if figure.stale:
        figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def test_formulas_in_names_are_printed_as_they_are():
    """A dollar is a dollar: not the start of a formula, nor lost."""
    figure = sample_images(IMAGES[:2], np.array([0, 3]), ODD)

    titles = [axes.title for axes in figure.axes if axes.images]
    assert [title.get_text() for title in titles] == ["T$hirt_{top}$", "$"]
    assert not any(title.get_parse_math() for title in titles)


def test_a_cut_name_says_that_it_is_cut():
    """A name that fits is left alone; one that does not keeps as much as fits."""
    width = text_width("Ankle boot", size=9)

    assert shorten("Ankle boot", width, size=9) == "Ankle boot"
    assert shorten("Ankle boots", width, size=9) == "Ankle bo…"
    assert shorten("Ankle boot", width, size=10) != "Ankle boot"


def test_a_title_is_broken_where_the_width_asks_for_it():
    """Each line fits, no word is lost, and wide letters make more lines than narrow ones."""
    narrow, wide = (wrap(" ".join([word] * 3), 2.0, size=12) for word in ("illillill", "WWWWWWWWW"))

    assert narrow == "illillill illillill illillill"
    assert wide == "WWWWWWWWW\nWWWWWWWWW\nWWWWWWWWW"
    assert text_width("WWWWWWWWW WWWWWWWWW", size=12) > 2.0 > text_width("WWWWWWWWW", size=12)


def test_a_word_too_long_for_a_line_is_broken():
    """No text is wider than its figure, even without a space in it."""
    lines = wrap("W" * 50, 2.0, size=12).split("\n")

    assert "".join(lines) == "W" * 50
    assert all(text_width(line, size=12) <= 2.0 for line in lines)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.1, 1 to 21."""
    luminance = []
    for colour in (one, other):
        rgb = np.array(matplotlib.colors.to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        luminance.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(luminance) / min(luminance)


@pytest.mark.parametrize("ground", CLASS_COLOURS)
def test_a_digit_stands_out_from_its_ground(ground):
    """The contrast is at least the 4.5 that WCAG asks for, and the other ink would have been worse."""
    ink = ink_on(ground)

    assert contrast(ink, ground) >= 4.5
    assert contrast(ink, ground) > contrast({"black": "white", "white": "black"}[ink], ground)


def test_no_figure_needs_pyplot_or_a_display():
    """The package loads no matplotlib; its modules load no pyplot, even where the user's backend wants a window."""
    program = (
        "import sys, figures\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import figures.confusion, figures.curves, figures.predictions, figures.samples, figures.tsne\n"
        "figures.confusion.confusion_matrix([0, 1], [0, 1], ('a', 'b'))\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"MPLBACKEND": "TkAgg", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
