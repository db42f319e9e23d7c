"""The picture of a check: how far each layer is off on each backend, forward and backward, in rounding units.

Every layer is a row of a table, whose cells carry the number and a colour of the scale; a model of many layers gets a
strip above the table too, one thin column per layer, so that it is seen whole on a phone.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from html import escape

from keras_parity.protocol.cause import Cause
from keras_parity.report.wording import (
    backend_title,
    backends_of,
    count,
    format_error,
    format_units,
    threshold_of,
    visible,
)
from keras_parity.verdict import Finding, Measurement, Verdict

DIRECTIONS = ("forward", "backward")
MOST_ROWS_OPEN = 24  # with more layers the strip comes first and the table is folded
MOST_COLUMNS = 6  # more scroll sideways on a phone
_WORDS = {
    Cause.ERROR: "error",
    Cause.STRUCTURE: "differs",
    Cause.SHAPE: "shape",
    Cause.DTYPE: "dtype",
    Cause.NAN: "NaN",
}


def breakable(name: str) -> str:
    """Return a layer's path as HTML that may break between its parts, rather than anywhere."""
    return re.sub(r"[/_]", r"\g<0><wbr>", escape(visible(name)))


def render_picture(verdict: Verdict) -> str:
    """Return the picture's HTML; empty where nothing was measured or found."""
    grid = _Grid(verdict)
    if not grid.layers:
        return ""
    table = grid.render_table()
    if len(grid.layers) > MOST_ROWS_OPEN:
        folded = f"<details><summary>All {len(grid.layers)} layers with their numbers</summary>\n{table}</details>\n"
        return f"{grid.render_legend()}{grid.render_strips()}{folded}"
    return f"{grid.render_legend()}{table}"


class _Grid:
    """Layers × directions × backends, each cell with its measurement and its differences."""

    def __init__(self, verdict: Verdict):
        self.threshold = threshold_of(verdict)
        self.backends = backends_of(verdict)
        self.measured: dict[tuple[str, str, str], Measurement] = {
            (m.layer, m.direction, m.execution): m for m in verdict.measurements
        }
        self.differing: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
        self.accepted: set[tuple[str, str, str]] = set()
        for finding in verdict.findings:
            for backend in [finding.execution] if finding.execution else finding.executions:
                key = (finding.layer, _direction(finding), backend)
                if finding.is_open:
                    self.differing[key].append(finding)
                else:
                    self.accepted.add(key)
        self.layers = {m.layer: m.layer_type for m in verdict.measurements}
        for finding in verdict.findings:
            self.layers.setdefault(finding.layer, finding.layer_type)
        self.directions = [
            d for d in DIRECTIONS if any(d == key[1] for key in [*self.measured, *self.differing])
        ] or list(DIRECTIONS)

    def render_legend(self) -> str:
        """Return the scale: what each colour stands for."""
        items = "".join(f'<li class="{step}">{escape(label)}</li>' for step, label in _scale(self.threshold))
        none = '<li class="none">– not measured</li>'
        return f'<ul class="legend" aria-label="Colours, in rounding units">{items}{none}</ul>\n'

    def render_table(self) -> str:
        """Return one row per layer, one cell per direction and backend."""
        columns = len(self.directions) * len(self.backends)
        span = len(self.backends)
        groups = "".join(f'<th colspan="{span}" scope="colgroup" class="first">{d}</th>' for d in self.directions)
        names = "".join(
            f'<th scope="col" class="backend{_first(column)}"><span>{escape(visible(backend))}</span></th>'
            for _ in self.directions
            for column, backend in enumerate(self.backends)
        )
        rows = "".join(self._render_row(i, layer) for i, layer in enumerate(self.layers))
        signs = "; ▲ differs" * bool(self.differing) + "; △ accepted" * bool(self.accepted)
        table = (
            '<table class="layers">\n<caption>Largest error of each layer, given the same inputs on every backend, in '
            f'rounding units{signs}.</caption>\n<colgroup><col class="name"><col span="{columns}"></colgroup>\n'
            f'<thead><tr><th rowspan="2" scope="col">layer</th>{groups}</tr>\n<tr>{names}</tr></thead>\n'
            f"<tbody>\n{rows}</tbody></table>\n"
        )
        return f'<div class="scroll wide">{table}</div>\n' if columns > MOST_COLUMNS else table

    def _render_row(self, number: int, layer: str) -> str:
        cells = "".join(
            f'<td class="{step}{" differs" if differs else ""}{_first(column)}" title="{escape(text)}">'
            f"{self._mark(layer, direction, backend)}{escape(label)}</td>"
            for direction in self.directions
            for column, backend in enumerate(self.backends)
            for step, differs, label, text in [self._cell(layer, direction, backend)]
        )
        kind = f' <span class="muted">{escape(visible(self.layers[layer]))}</span>' if self.layers[layer] else ""
        return f'<tr id="layer-{number}"><th scope="row">{breakable(layer)}{kind}</th>{cells}</tr>\n'

    def _mark(self, *key: str) -> str:
        sign = "▲" if key in self.differing else "△" if key in self.accepted else ""
        return sign and f'<span class="mark">{sign}</span>'

    def render_strips(self) -> str:
        """Return one strip per direction and backend, a column per layer, and a mark over every layer that differs."""
        strips = "".join(
            f'<p class="small">{direction}</p>\n' + "".join(self._render_strip(direction, b) for b in self.backends)
            for direction in self.directions
        )
        differing = {key[0] for key in self.differing}
        marks = "".join(
            f'<a href="#layer-{i}" style="left:{100 * (i + 0.5) / len(self.layers):.2f}%" '
            f'title="{escape(visible(layer))}" aria-label="{escape(visible(layer))} differs">▼</a>'
            for i, layer in enumerate(self.layers)
            if layer in differing
        )
        caption = "first layer left, last layer right"
        if marks:
            caption += "; ▼: a layer that differs"
        return (
            f'<div class="strips">\n<div class="strip"><span></span><div class="marks">{marks}</div></div>\n{strips}'
            f'<p class="muted small">{count(len(self.layers), "layer")}, {caption}.</p>\n</div>\n'
        )

    def _render_strip(self, direction: str, backend: str) -> str:
        cells = [self._cell(layer, direction, backend) for layer in self.layers]
        # What differs is painted last, so that its outline lies on top and one layer of hundreds can be seen.
        order = sorted(range(len(cells)), key=lambda i: cells[i][1])
        rects = "".join(
            f'<a href="#layer-{i}" tabindex="-1"><rect x="{i}" width="1" height="1" '
            f'class="{cells[i][0]}{" differs" if cells[i][1] else ""}"><title>{escape(cells[i][3])}</title></rect></a>'
            for i in order
        )
        label = f"{backend_title(backend)}, {direction}: {self._summary(direction, backend)}"
        return (
            f'<div class="strip"><span>{escape(visible(backend))}</span>'
            f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {len(cells)} 1" preserveAspectRatio="none">'
            f"{rects}</svg></div>\n"
        )

    def _summary(self, direction: str, backend: str) -> str:
        """Return what a strip shows, for someone who hears it."""
        differing = [layer for layer in self.layers if (layer, direction, backend) in self.differing]
        numbers = [
            (m.rounding_units, layer)
            for (layer, d, b), m in self.measured.items()
            if (d, b) == (direction, backend) and not math.isnan(m.rounding_units)
        ]
        if not numbers:
            return f"{count(len(differing), 'layer')} differ, nothing measured" if differing else "nothing measured"
        worst, layer = max(numbers)
        text = f"{count(len(numbers), 'layer')} measured, the largest error is {format_units(worst)} rounding units"
        return f"{text} in {visible(layer)}; {len(differing) or 'none'} of them differ"

    def _cell(self, layer: str, direction: str, backend: str) -> tuple[str, bool, str, str]:
        """Return a cell's step of the scale, whether it differs, its label, and its text in full."""
        key = (layer, direction, backend)
        measured, findings = self.measured.get(key), self.differing.get(key, [])
        where = f"{visible(layer)} on {visible(backend)}, {direction}"
        if wordless := next((f for f in findings if math.isnan(f.rounding_units)), None):
            label = _WORDS.get(wordless.cause, "differs")
            return "b3", True, label, f"{where}: {visible(wordless.detail)}"
        sizes = [f.rounding_units for f in findings]
        if measured and not math.isnan(measured.rounding_units):
            sizes.append(measured.rounding_units)
        if not sizes:
            return "none", False, "–", f"{where}: not measured"
        step, text = _step(max(sizes), self.threshold), f"{where}: {format_units(max(sizes))} rounding units"
        if findings and step[0] == "w":
            step = "b0"  # decided by another measure than this cell's, as meaning in float64
        if measured and measured.rounding_units == max(sizes):
            text += f" ({visible(measured.quantity)}, {format_error(measured.max_abs_error)} absolute)"
        return step, bool(findings), _short(max(sizes)), text


def _first(column: int) -> str:
    """Return the class that sets a direction's first column off from the direction before."""
    return "" if column else " first"


def _direction(finding: Finding) -> str:
    return "backward" if finding.quantity.backward else "forward"


def _edges(threshold: float) -> list[float]:
    """Return the upper edges of all steps but the last: decades up to the threshold, then ever larger strides."""
    return [threshold / 500, threshold / 50, threshold / 5, threshold, threshold * 10, threshold * 1e3, threshold * 1e6]


def _step(units: float, threshold: float) -> str:
    steps = ("w0", "w1", "w2", "w3", "b0", "b1", "b2", "b3")
    return steps[sum(units > edge for edge in _edges(threshold))]


def _scale(threshold: float) -> Iterable[tuple[str, str]]:
    """Return each step of the scale and its range in words."""
    edges = [_short(edge) for edge in _edges(threshold)]
    steps = ("w0", "w1", "w2", "w3", "b0", "b1", "b2")
    for step, edge in zip(steps, edges, strict=True):
        yield step, f"≤ {edge}" + (" agrees" if step == "w3" else "")
    yield "b3", "more, or no number"


def _short(units: float) -> str:
    """Return a number that fits a narrow cell: `0`, `3.2`, `410`, `41k`, `3e8`."""
    if math.isinf(units):
        return "∞"
    if units == 0 or units >= 9.5:
        if units < 999.5:
            return f"{units:.0f}"
        if units < 999_500:
            return f"{units / 1000:.0f}k"
        return f"{units:.0e}".replace("e+0", "e").replace("e+", "e")
    return f"{units:.1f}".removesuffix(".0")
