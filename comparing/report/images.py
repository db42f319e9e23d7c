"""The page's pictures of test examples: what is taken for what, and what the backends do not agree on."""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

from comparing.details import PredictionsDetails
from comparing.report.content import DisputedExample, Report
from comparing.report.markup import text
from keras_parity.report.wording import backend_title

_MOST_CLASSES = 12  # more do not fit a phone

Matrix = Sequence[Sequence[float]]


def render_confusions(report: Report) -> str:
    """Return, for each backend, how its confusions differ from the mean of all backends."""
    confusions, names = report.confusions, report.class_names
    if report.smoke or len(confusions) < 2 or not 2 <= len(names) <= _MOST_CLASSES:
        return ""
    size = range(len(names))
    mean = [[sum(c[i][j] for c in confusions.values()) / len(confusions) for j in size] for i in size]
    largest = max((abs(c[i][j] - mean[i][j]) for c in confusions.values() for i in size for j in size), default=0)
    tables = "".join(
        _render_difference(backend, matrix, mean, names, max(largest, 1.0)) for backend, matrix in confusions.items()
    )
    return (
        '<p class="muted small">Row: the true class; column: what it was taken for. Each number: how many test '
        "examples more (orange, +) or fewer (blue, −) than the mean of all backends, means over the seeds.</p>\n"
        f'<div class="confusions">{tables}</div>\n'
    )


def _render_difference(backend: str, matrix: Matrix, mean: Matrix, names: Sequence[str], largest: float) -> str:
    heads = "".join(f'<th scope="col" title="{text(name)}">{text(name[:3])}</th>' for name in names)
    rows = []
    for i, name in enumerate(names):
        cells = []
        for j in range(len(names)):
            difference = matrix[i][j] - mean[i][j]
            share = round(70 * min(1.0, abs(difference) / largest))
            kind = "more" if difference > 0 else "less"
            shade = f' style="background:color-mix(in srgb,var(--{kind}) {share}%,transparent)"' if share else ""
            shown = "" if round(difference) == 0 else f"{difference:+.0f}".replace("-", "−")
            cells.append(f"<td{shade}>{shown}</td>")
        rows.append(f'<tr><th scope="row" title="{text(name)}">{text(name[:3])}</th>{"".join(cells)}</tr>\n')
    return (
        f'<div><h3><span class="swatch {backend}"></span>{escape(backend_title(backend))}</h3>\n'
        f'<table class="confusion"><thead><tr><th></th>{heads}</tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def render_disputed(report: Report) -> str:
    """Return the first test images that the backends' runs of one seed classify differently, with what each says."""
    disputed, names = report.disputed, report.class_names
    if not disputed or report.smoke:
        return ""
    items = "".join(_render_example(example, names) for example in disputed)
    details, seed = report.details("predictions"), report.disputed_seed
    between = details.between if isinstance(details, PredictionsDetails) else ()
    counts = ", ".join(
        f"{' and '.join(map(backend_title, row.backends))} {row.differing:,}" for row in between if row.seed == seed
    )
    note = (
        f"Seed {seed}: of {report.test_examples:,} test examples, classified differently: {counts}. "
        f"The first {len(disputed)}:"
    )
    return f'<p class="muted small">{escape(note)}</p>\n<ul class="images">{items}</ul>\n'


def _render_example(example: DisputedExample, names: Sequence[str]) -> str:
    truth = names[example.truth] if example.truth >= 0 else "unknown"
    says = "".join(
        f'<br><span class="{"" if label == example.truth else "wrong"}">{escape(backend_title(backend))}: '
        f"{text(names[label])}{'' if label == example.truth else '&nbsp;✗'}</span>"
        for backend, label in example.predicted.items()
    )
    picture = ""
    if example.pixels is not None:
        address = f"data:image/png;base64,{encode_png(example.pixels)}"
        picture = f'<img alt="test image {example.index}, a {text(truth)}" src="{address}">'
    return f"<li>{picture}image {example.index}, truth&nbsp;{text(truth)}{says}</li>\n"


def encode_png(pixels: Any) -> str:
    """Return a grey or RGB image, nested lists of 0..255, as a PNG in base64."""
    import numpy as np
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(np.array(pixels, np.uint8)).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()
