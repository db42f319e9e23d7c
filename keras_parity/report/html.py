"""A verdict as one page: a single file, without scripts or anything from elsewhere, that shows any names safely."""

import math
from html import escape
from typing import Any

from keras_parity.report.picture import breakable, render_picture
from keras_parity.report.style import style_sheet
from keras_parity.report.wording import (
    Blame,
    count,
    describe_alone,
    describe_draw,
    describe_places,
    format_error,
    format_units,
    headline,
    open_findings,
    reduce_command,
    settings_of,
    threshold_of,
    visible,
    visible_lines,
)
from keras_parity.verdict import Finding, Outcome, Verdict

# The page obeys itself: even if a name got through as markup, it could load and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_SIGNS = {Outcome.AGREE: "✓", Outcome.DISAGREE: "✗", Outcome.INCONCLUSIVE: "?"}


def render_html(verdict: Verdict) -> str:
    """Return the page."""
    outcome = verdict.outcome
    sections = [
        _render_failures(verdict),
        _render_culprits(verdict),
        _section("Where the errors are", render_picture(verdict)),
        _render_accepted(verdict),
        _section("Notes", _list(verdict.notes)),
        _render_circumstances(verdict),
    ]
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{outcome.value}: {_text(verdict.model)}</title>\n<style>{style_sheet()}</style>\n</head>\n<body>\n"
        f'<header>\n<span class="badge {outcome.value}">{_SIGNS[outcome]} {outcome.value}</span>\n'
        f"<h1>{escape(headline(verdict).removesuffix('.'))}</h1>\n<p>{_text(verdict.reason)}</p>\n</header>\n<main>\n"
        f"{''.join(sections)}</main>\n{_render_footer(verdict)}</body>\n</html>\n"
    )


def _render_failures(verdict: Verdict) -> str:
    """Return the backends that could not finish, each with its last words."""
    cards = "".join(
        f'<div class="card failure"><h3>{_text(backend)} did not finish</h3>'
        f"<pre>{escape(visible_lines(words))}</pre></div>\n"
        for backend, words in verdict.failures.items()
    )
    return _section("What could not be compared", cards)


def _render_culprits(verdict: Verdict) -> str:
    """Return a card per culprit, and the command that reduces."""
    groups = open_findings(verdict)
    if not groups:
        return ""
    ordinary, edge = (
        "".join(_render_culprit(blame) for blame in groups if bool(blame.worst.ordinary) is shown)
        for shown in (True, False)
    )
    if edge:
        edge = f'<p class="muted">Edge draws alone (blank images, ties, padding …) show this:</p>\n{edge}'
    limit = format_units(threshold_of(verdict))
    command, script = reduce_command(verdict), ""
    if command is not None:
        script = (
            "<p>This writes the smallest stand-alone script that still shows it, ready for a bug report:</p>\n"
            f"<pre>{escape(command)}</pre>\n"
        )
    return _section(
        count(len(groups), "culprit"),
        f'<p class="muted small">At most {limit} rounding units agree.</p>\n{ordinary}{edge}{script}',
    )


def _render_culprit(blame: Blame) -> str:
    worst = blame.worst
    kind = f' <span class="muted">{_text(worst.layer_type)}</span>' if worst.layer_type else ""
    rows = "".join(
        "<tr>"
        + _cell("what", f"{row.worst.quantity}, {row.worst.mode}" + _at_places(row, blame))
        + _cell("worst on", describe_draw(row.worst))
        + _cell("absolute", format_error(row.worst.max_abs_error), "number")
        + _cell("rounding units", format_units(row.worst.rounding_units), "number")
        + f'<td data-label="cause"><strong>{row.worst.cause.value}:</strong> {_text(row.worst.detail)}</td></tr>\n'
        for row in blame.by_quantity.values()
    )
    heads = "".join(
        f'<th scope="col"{css}>{name}</th>'
        for name, css in (
            ("what", ""),
            ("worst on", ""),
            ("absolute", ' class="number"'),
            ("rounding units", ' class="number"'),
            ("probable cause", ""),
        )
    )
    return (
        f'<div class="card"><h3>{describe_places(blame.places, breakable)}{kind}</h3>\n'
        f"<p>alone: {escape(describe_alone(worst))}</p>\n"
        f'<table class="findings"><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table></div>\n'
    )


def _at_places(row: Blame, blame: Blame) -> str:
    """Return at how many of a culprit's places a quantity differs, where there are several."""
    return f", at {count(len(row.places), 'place')}" if len(blame.places) > 1 else ""


def _render_accepted(verdict: Verdict) -> str:
    """Return the differences that the project knows and accepts."""
    groups: dict[tuple[str, str | None, str], list[Finding]] = {}
    for finding in verdict.findings:
        if finding.accepted is not None:
            groups.setdefault((finding.layer, finding.execution, finding.accepted), []).append(finding)
    cards = "".join(
        f'<div class="card accepted"><h3>{breakable(layer)}</h3>\n<p>{_text(reason)}</p>\n'
        f"{_list([_describe_difference(finding) for finding in findings])}</div>\n"
        for (layer, _, reason), findings in groups.items()
    )
    return _section("Accepted differences", cards)


def _describe_difference(finding: Finding) -> str:
    size = f"{format_error(finding.max_abs_error)} absolute, {format_units(finding.rounding_units)} rounding units"
    return f"{describe_alone(finding)}: {finding.quantity}, {finding.mode}, {size}: {finding.detail}"


def _render_circumstances(verdict: Verdict) -> str:
    """Return the settings and the environment, side by side where there is room."""
    parts = [
        f"<div>{_section(title, _definitions(values))}</div>"
        for title, values in (("Settings", settings_of(verdict)), ("Environment", verdict.environment))
        if values
    ]
    return f'<div class="two">{"".join(parts)}</div>\n' if parts else ""


def _render_footer(verdict: Verdict) -> str:
    took = "" if math.isnan(verdict.seconds) else f" The check took {verdict.seconds:.1f} s."
    return (
        '<footer class="muted small">\n<p>A rounding unit is the error that nobody can avoid: how far a layer\'s '
        "result moves when its inputs and weights are changed by one rounding. Every layer is run alone, with the same "
        f"inputs on every backend, so that one layer's error is not counted against the next.{took}</p>\n</footer>\n"
    )


def _definitions(values: dict[str, Any]) -> str:
    items = "".join(f"<dt>{_text(key)}</dt><dd>{_text(_describe(value))}</dd>\n" for key, value in values.items())
    return f"<dl>{items}</dl>\n" if items else ""


def _describe(value: object) -> str:
    """Return a setting's value in words; a structure on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_describe(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_describe(item) for item in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _section(title: str, content: str) -> str:
    """Return a section; nothing where there is nothing to say."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}</section>\n" if content else ""


def _list(items: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>\n" if items else ""


def _cell(label: str, text: str, css: str = "") -> str:
    kind = f' class="{css}"' if css else ""
    return f'<td data-label="{label}"{kind}>{_text(text)}</td>'


def _text(text: object) -> str:
    return escape(visible(text))
