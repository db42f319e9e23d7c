"""The page's charts, from a report's numbers."""

from collections.abc import Sequence
from html import escape

from comparing.details import DestinationDetails, StepsDetails
from comparing.report.chart import DASHES, Line, bar_chart, line_chart
from comparing.report.content import Curve, Report
from comparing.report.markup import render_table
from comparing.report.words import describe_spread
from keras_parity.report.wording import backend_title, visible

_PAIR_DASHES = ("", "8 4", "2 4")


def render_curves(report: Report) -> str:
    """Return accuracy and loss of all backends against the training step, one chart each."""
    curves = report.curves
    if not curves or report.smoke:  # two steps are no curve
        return ""
    of_log = all(curve.of == "log" for curve in curves)
    titles = {
        "accuracy": "Accuracy on the first test examples" if of_log else "Training accuracy, mean of each epoch",
        "loss": "Training loss of the logged step" if of_log else "Training loss, mean of each epoch",
    }
    charts, together = [], _a_rounding_apart(curves, report.twins)
    for key, scale, label in (("accuracy", 100, "accuracy (%)"), ("loss", 1, "loss (log scale)")):
        lines = [line for backend in report.backends if (line := _mean_line(curves, backend, key, scale))]
        band = _band(together, key, scale)
        chart = line_chart(lines + band, "training step", label, f"{titles[key]}, {_ends(lines)}", key == "loss")
        charts.append(f"<div><h3>{titles[key]}</h3>\n{chart}</div>\n")
    seeds = len({curve.seed for curve in curves})
    note = (
        f"Lines: means of {seeds} seeds; shades: from the least to the greatest of them."
        if seeds > 1
        else "One seed a backend, each from its own initial weights."
    )
    if together:
        where = f"{backend_title(together[0].backend)}, seed {together[0].seed}"
        note += (
            f" The chaos band holds {len(together)} trainings on {where}, whose initial weights differ by one float32 "
            f"rounding. Rounding alone moves the accuracy by up to {_greatest_spread(together):.2g} points."
        )
    return f'<div class="charts">{"".join(charts)}</div>\n<p class="muted small">{note}</p>\n'


def _a_rounding_apart(curves: Sequence[Curve], twins: Sequence[Curve]) -> list[Curve]:
    """Return a run's curve with those from initial weights a rounding away; none where there are no such."""
    first = [(curve.backend, curve.seed) for curve in twins[:1]]
    own = [curve for curve in curves if (curve.backend, curve.seed) in first]
    return own and own + [curve for curve in twins if (curve.backend, curve.seed) in first]


def _greatest_spread(together: Sequence[Curve]) -> float:
    """Return how far apart the accuracies of some curves are at most, in percentage points."""
    _, columns = _in_columns(together, "accuracy", 100)
    return max((max(column) - min(column) for column in columns), default=0.0)


def _band(together: Sequence[Curve], key: str, scale: float) -> list[Line]:
    """Return the band from the least to the greatest of some curves."""
    if not together:
        return []
    steps, columns = _in_columns(together, key, scale)
    low, high = ([edge(column) for column in columns] for edge in (min, max))
    return [Line("the chaos band", "chaos", steps, [None] * len(steps), low, high)]


def _in_columns(curves: Sequence[Curve], key: str, scale: float) -> tuple[list[int], list[list[float]]]:
    """Return the steps that all curves have, and the curves' values at each."""
    values = [dict(zip(curve.step, curve.column(key), strict=True)) for curve in curves]
    steps = [step for step in curves[0].step if all(step in own for own in values)]
    return steps, [[scale * own[step] for own in values] for step in steps]


def _mean_line(curves: Sequence[Curve], backend: str, key: str, scale: float) -> Line | None:
    own = [curve for curve in curves if curve.backend == backend]
    if not own:
        return None
    steps, columns = _in_columns(own, key, scale)
    means = [sum(column) / len(column) for column in columns]
    name, dash = backend_title(backend), DASHES.get(backend, "")
    if len(own) == 1:
        return Line(name, backend, steps, means, dash=dash)
    low, high = ([edge(column) for column in columns] for edge in (min, max))
    return Line(name, backend, steps, means, low, high, dash)


def _ends(lines: list[Line]) -> str:
    return "; ".join(f"{line.name} ends at {line.y[-1]:.3g}" for line in lines if line.y and line.y[-1] is not None)


def render_divergence(report: Report) -> str:
    """Return how far each pair of backends is apart after each of the first steps, against the band of rounding."""
    details = report.details("steps")
    if not isinstance(details, StepsDetails):
        return ""
    charts = [_loss_with_band(details)]
    bands, pairs = details.bands.values(), details.pairs
    for label, rows, distances in (
        ("distance of the weights", [band.weights for band in bands], [pair.weights for pair in pairs]),
        ("distance of the losses", [band.loss for band in bands], [pair.loss for pair in pairs]),
    ):
        steps = list(range(1, details.steps + 1))
        widest = [max(row) for row in zip(*rows, strict=True)]
        limit = [details.limit * value for value in widest]
        floor = min([v for v in widest if v > 0], default=1e-9) / 100
        lines = [
            Line("the chaos band", "other", steps, widest, [floor] * len(steps), widest, "1 4"),
            Line(f"{details.limit:g} times the band", "other", steps, limit, dash="9 4"),
            *(
                # Of two that coincide the later, dashed one is plotted over the other.
                Line(_pair(pair.backends), f"pair{i % 3}", steps, _above(own, floor), dash=_PAIR_DASHES[i % 3])
                for i, (pair, own) in enumerate(zip(pairs, distances, strict=True))
            ),
        ]
        worst = max(pairs, key=lambda pair: pair.ratio)
        title = f"{label} against the step; furthest apart are {_pair(worst.backends)}"
        chart = line_chart(lines, "training step", f"{label} (log scale)", title, True)
        charts.append(f"<div><h3>{escape(label.capitalize())} of two backends</h3>\n{chart}</div>\n")
    return (
        f'<div class="charts">{"".join(charts)}</div>\n<p class="muted small">All backends start from the same weights '
        "and see the same batches. The chaos band is how far a backend comes from itself when every weight and "
        "constant is moved by one float32 rounding, at the start and after each step. Distances "
        "too small to plot lie on its lower edge.</p>\n"
    )


def _loss_with_band(details: StepsDetails) -> str:
    """Return the losses of all backends from the same weights, each in its chaos band."""
    steps = list(range(1, details.steps + 1))
    lines = []
    for backend, losses in details.losses.items():
        band = [(loss, half) for loss, half in zip(losses, details.bands[backend].loss, strict=True)]
        low, high = ([None if loss is None else loss + sign * half for loss, half in band] for sign in (-1, 1))
        lines.append(Line(backend_title(backend), backend, steps, losses, low, high, DASHES.get(backend, "")))
    title = f"Loss of the first steps from the same weights, {_ends(lines)}"
    return f"<div><h3>Loss, with the chaos band</h3>\n{line_chart(lines, 'training step', 'loss', title)}</div>\n"


def _above(values: Sequence[float | None], floor: float) -> list[float | None]:
    return [None if value is None else max(value, floor) for value in values]


def _pair(backends: Sequence[str]) -> str:
    return " and ".join(backend_title(backend) for backend in backends)


def render_destination(report: Report) -> str:
    """Return the accuracies of all seeds, and each pair's difference with its interval against the margin."""
    details = report.details("destination")
    if not isinstance(details, DestinationDetails):
        return ""
    seeds = max(map(len, details.accuracies.values()))
    heads = ["backend", "mean", "least", "greatest", "seeds"]
    rows = [
        [
            backend_title(b),
            f"{sum(values) / len(values):.2f} %",
            f"{min(values):.2f}",
            f"{max(values):.2f}",
            str(len(values)),
        ]
        for b, values in details.accuracies.items()
    ]
    table = render_table(heads, rows)
    if not details.pairs:
        return table
    pairs = [
        [
            _pair(row.backends),
            f"{row.mean:+.2f}",
            f"{row.low:+.2f} to {row.high:+.2f}",
            f"{row.p_equal:.2g}",
            f"{row.p_apart:.2g}",
        ]
        for row in details.pairs
    ]
    heads = ["pair", "difference (points)", "90 % interval", "p, equal within the margin", "p, further apart than it"]
    note = f'<p class="muted small">Margin ±{details.margin:g} points, {seeds} seeds.</p>\n'
    return f"{table}{render_table(heads, pairs)}{note}"


def render_speed(report: Report) -> str:
    """Return images per second of each backend as bars, and against the batch size where that was measured."""
    speeds = {backend: measured.images_per_second for backend, measured in report.speed.backends.items()}
    bars = [(backend_title(b), b, speed.median, speed.least, speed.greatest) for b, speed in speeds.items()]
    fastest = max(bars, key=lambda bar: bar[2])
    title = f"Images per second; the fastest is {fastest[0]}"
    charts = [f"<div><h3>Training speed</h3>\n{bar_chart(bars, 'images per second, logging included', title)}</div>\n"]
    sweep = report.sweep
    if sweep:
        lines = []
        for backend in report.backends:
            own = sorted((row for row in sweep if row.backend == backend), key=lambda row: row.batch_size)
            if own:
                sizes, medians = [row.batch_size for row in own], [row.median for row in own]
                low, high = [row.least for row in own], [row.greatest for row in own]
                name, dash = backend_title(backend), DASHES.get(backend, "")
                lines.append(Line(name, backend, sizes, medians, low, high, dash))
        chart = line_chart(lines, "batch size", "images per second", "Images per second against the batch size")
        charts.append(f"<div><h3>Speed against batch size</h3>\n{chart}</div>\n")
    ratios = "; ".join(
        f"{' / '.join(map(backend_title, row.backends))} {describe_spread(row.spread, '{:.2f}')}"
        for row in report.speed.ratios
    )
    environment = report.environment
    machine = visible(f"{environment.processor}, {environment.cores} cores")
    note = f"Each run alone on the machine ({machine}), the backends taking turns. "
    note += f"Ratios of speeds, turn by turn: {ratios}." if ratios else ""
    return f'<div class="charts">{"".join(charts)}</div>\n<p class="muted small">{escape(note)}</p>\n'
