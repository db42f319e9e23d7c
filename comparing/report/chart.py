"""Charts as SVG that takes its colours from the page, so that they are right in light and in dark.

Each chart is made for a width of 460 units, which a phone shows a little smaller and a desktop a little larger.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeGuard

from keras_parity.report.wording import visible

WIDTH, HEIGHT = 460, 270
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 10, 42
DASHES = {"tensorflow": "", "jax": "7 3", "torch": "2 3"}


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes:
        name: What the legend and a screen reader call it.
        kind: The class that gives its colour: a backend's name, or two with a hyphen for a pair.
        x: Where.
        y: How much; None or not finite leaves a gap.
        low: Lower edge of a band around it, or None.
        high: Upper edge.
        dash: SVG's dash pattern; a second sign beside the colour.
    """

    name: str
    kind: str
    x: Sequence[float]
    y: Sequence[float | None]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None
    dash: str = ""


def line_chart(lines: list[Line], x_label: str, y_label: str, title: str, logarithmic: bool = False) -> str:
    """Return curves with bands, axes and a legend, as HTML.

    Args:
        lines: At least one.
        x_label: The horizontal axis, with its unit.
        y_label: The vertical one.
        title: What a screen reader says, with the finding.
        logarithmic: Whether the vertical axis is; numbers that are not above nought are gaps then.
    """
    xs = [x for line in lines for x in line.x]
    values = (y for line in lines for part in (line.y, line.low or [], line.high or []) for y in part)
    ys = [y for y in values if _can_be_plotted(y, logarithmic)]
    if not xs or not ys:
        return '<p class="muted">Nothing to plot.</p>\n'
    x_axis = _Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, False)
    low, high = min(ys), max(ys)
    if not logarithmic:
        room = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
        low, high = low - room, high + room
    y_axis = _Axis(low, high, HEIGHT - BOTTOM, TOP, logarithmic)
    parts = [_render_frame(x_axis, y_axis, x_label, y_label)]
    for line in lines:
        parts.append(_render_band(line, x_axis, y_axis, logarithmic))
    for line in lines:
        for run in _unbroken(line.x, line.y, logarithmic):
            points = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in run)
            dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
            parts.append(f'<polyline class="line {line.kind}" points="{points}"{dash}/>\n')
            if len(run) == 1:
                x, y = x_axis(run[0][0]), y_axis(run[0][1])
                parts.append(f'<circle class="dot {line.kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>\n')
    return _figure("".join(parts), title, _render_legend(lines))


def bar_chart(bars: list[tuple[str, str, float, float, float]], unit: str, title: str) -> str:
    """Return horizontal bars with their spread, as HTML.

    Args:
        bars: For each one its name, its class, its length, and the ends of its spread.
        unit: Of the lengths, for the axis.
        title: What a screen reader says.
    """
    if not bars:
        return ""
    top = max(high for *_, high in bars) * 1.12
    left, row = 92, 34
    axis = _Axis(0.0, top, left, WIDTH - RIGHT, False)
    bottom = TOP + row * len(bars)
    parts = []
    for tick in axis.ticks(4):
        x = axis(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>\n')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{_number(tick)}</text>\n')
    for i, (name, kind, length, low, high) in enumerate(bars):
        y = TOP + row * i
        parts.append(f'<text x="{left - 6}" y="{y + 21}" text-anchor="end">{escape(visible(name))}</text>\n')
        parts.append(
            f'<rect class="bar {kind}" x="{left}" y="{y + 6}" width="{axis(length) - left:.1f}" height="20"/>\n'
        )
        if high > low:
            a, b = axis(low), axis(high)
            parts.append(
                f'<path class="whisker" d="M{a:.1f} {y + 11}v10M{a:.1f} {y + 16}H{b:.1f}M{b:.1f} {y + 11}v10"/>\n'
            )
        parts.append(f'<text class="value" x="{left + 6}" y="{y + 21}">{_number(length)}</text>\n')
    parts.append(
        f'<text x="{(left + WIDTH - RIGHT) / 2}" y="{bottom + 32}" text-anchor="middle">{escape(unit)}</text>\n'
    )
    return _figure("".join(parts), title, "", bottom + 38)


# The logarithms of 1, 2, 5, 10 … over all that float64 holds.
_ROUND = [power + math.log10(factor) for power in range(-300, 300) for factor in (1, 2, 5)]


class _Axis:
    """A map from values to pixels; call it."""

    def __init__(self, low: float, high: float, start: float, end: float, logarithmic: bool):
        self._log, self.decades = logarithmic, False
        if logarithmic:
            low, high = math.log10(low), math.log10(high)
            self.decades = high - low > 2
            if self.decades:
                low, high = math.floor(low), math.ceil(high)
            else:  # to the next of 1, 2, 5, 10 …
                low = max(tick for tick in _ROUND if tick <= low + 1e-9)
                high = min(tick for tick in _ROUND if tick >= high - 1e-9)
        if high == low:
            high = low + 1
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        value = math.log10(value) if self._log else value
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int) -> list[float]:
        """Return round values along the axis."""
        if self._log and not self.decades:
            return [float(f"{10**tick:.1g}") for tick in _ROUND if self.low - 1e-9 <= tick <= self.high + 1e-9]
        if self._log:
            step = max(1, math.ceil((self.high - self.low) / most))
            return [10.0**power for power in range(int(self.low), int(self.high) + 1, step)]
        raw = (self.high - self.low) / most
        scale = 10 ** math.floor(math.log10(raw))
        step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [round(step * i, 12) for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _render_frame(x_axis: _Axis, y_axis: _Axis, x_label: str, y_label: str) -> str:
    parts = []
    for tick in y_axis.ticks(6):
        y = y_axis(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>\n')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{_number(tick, y_axis.decades)}</text>\n')
    for tick in x_axis.ticks(6):
        x = x_axis(tick)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{_number(tick)}</text>\n')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 7}" text-anchor="middle">{escape(x_label)}</text>\n')
    parts.append(
        f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>\n'
    )
    return "".join(parts)


def _render_band(line: Line, x_axis: _Axis, y_axis: _Axis, logarithmic: bool) -> str:
    if line.low is None or line.high is None:
        return ""
    rows: list[tuple[float, float, float]] = [
        (x, low, high)
        for x, low, high in zip(line.x, line.low, line.high, strict=True)
        if _can_be_plotted(low, logarithmic) and _can_be_plotted(high, logarithmic)
    ]
    if len(rows) < 2:
        return ""
    edge = [*((x, high) for x, _, high in rows), *((x, low) for x, low, _ in reversed(rows))]
    points = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in edge)
    return f'<polygon class="band {line.kind}" points="{points}"/>\n'


def _render_legend(lines: list[Line]) -> str:
    items = []
    for line in lines:
        if not line.name:
            continue
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        band = f'<rect class="band {line.kind}" y="1" width="28" height="10"/>' if line.low is not None else ""
        plotted = any(y is not None for y in line.y)
        curve = f'<line class="line {line.kind}" x1="0" x2="28" y1="6" y2="6"{dash}/>' if plotted else ""
        items.append(
            f'<li><svg aria-hidden="true" width="28" height="12" viewBox="0 0 28 12">{band}{curve}</svg> '
            f"{escape(visible(line.name))}</li>"
        )
    return f'<ul class="keys">{"".join(items)}</ul>\n'


def _figure(content: str, title: str, legend: str, height: float = HEIGHT) -> str:
    return (
        f'<figure><svg class="chart" role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height:g}">\n'
        f"{content}</svg>\n{legend}</figure>\n"
    )


def _unbroken(xs: Sequence[float], ys: Sequence[float | None], logarithmic: bool) -> list[list[tuple[float, float]]]:
    """Return the stretches of a curve between its gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys, strict=True):
        if _can_be_plotted(y, logarithmic):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _can_be_plotted(y: float | None, logarithmic: bool) -> TypeGuard[float]:
    return y is not None and math.isfinite(y) and (y > 0 or not logarithmic)


def _number(value: float, power: bool = False) -> str:
    if power:
        return f"1e{round(math.log10(value))}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
