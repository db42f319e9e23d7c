"""The report as one page: a single file, without scripts or anything from elsewhere, that shows any names safely."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from comparing.answers import Answer
from comparing.report.content import Regressions, Report
from comparing.report.figures import render_curves, render_destination, render_divergence, render_speed
from comparing.report.images import render_confusions, render_disputed
from comparing.report.markup import render_table, text
from comparing.report.style import style_sheet
from comparing.report.words import describe_circumstances, describe_number, format_speed_rows
from keras_parity.report.json_text import parse_json
from keras_parity.report.picture import render_picture
from keras_parity.report.wording import headline, visible_lines

# The page obeys itself: even if a name got through as markup, it could load and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_SIGNS = {"agree": "✓", "disagree": "✗", "inconclusive": "?", "not asked": "–"}


def render_html(report: Report) -> str:
    """Return the page of a report."""
    outcome = report.outcome
    sections = [
        f'<div class="questions">\n{"".join(map(_render_answer, report.answers))}</div>\n',
        _section("What failed", _render_failures(report.failures)),
        _section("Against the baseline", _render_baseline(report.baseline)),
        _section("Training", render_curves(report)),
        _section("From the same weights", render_divergence(report)),
        _section("Accuracy over seeds", render_destination(report)),
        _section("Speed", _render_speed(report)),
        _section("Which classes are taken for which", render_confusions(report)),
        _section("Images on which they disagree", render_disputed(report)),
        *(_render_engine(name, values) for name, values in report.engine.items()),
        _section("Runs", _render_runs(report)),
        _render_circumstances(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{outcome}: {text(report.model)} on {text(', '.join(report.backends))}</title>\n"
        f"<style>{style_sheet()}</style>\n</head>\n<body>\n<header>\n"
        f'<span class="badge {outcome}">{_SIGNS[outcome]} {outcome}</span>\n<h1>{text(report.sentence)}</h1>\n'
        f'<p class="muted">{text(report.model)}: {text(report.title)}. {report.parameters:,} parameters.</p>\n'
        f"</header>\n<main>\n{''.join(sections)}</main>\n<footer>\n"
        f'<p class="muted small">{text(describe_circumstances(report))}</p>\n</footer>\n</body>\n</html>\n'
    )


def _section(title: str, content: str) -> str:
    """Return a section; nothing where there is nothing to say."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}</section>\n" if content else ""


def _render_answer(answer: Answer) -> str:
    outcome = answer.outcome
    kind = outcome.replace(" ", "-")
    return (
        f'<div class="question {kind}"><h3><span>{text(answer.title)}</span>'
        f'<span class="is {kind}">{_SIGNS[outcome]} {outcome}</span></h3>\n'
        f'<p class="big">{text(describe_number(answer))}</p>\n<p>{text(answer.reason)}</p>\n'
        f"<details><summary>How this is decided</summary><p>{text(answer.criterion)}</p></details></div>\n"
    )


def _render_failures(failures: Mapping[str, str]) -> str:
    return "".join(
        f'<div class="card failure"><h3>{text(name)}</h3>\n<pre>{escape(visible_lines(words))}</pre></div>\n'
        for name, words in failures.items()
    )


def _render_baseline(baseline: Regressions | None) -> str:
    if baseline is None:
        return ""
    worse = "".join(f"<li>{text(line)}</li>" for line in baseline.worse)
    found = f"<ul>{worse}</ul>" if worse else "<p>Nothing has got worse by more than its noise.</p>"
    left = "".join(f"<li>{text(line)}</li>" for line in baseline.not_compared)
    return f"{found}\n" + (
        f'<p class="muted small">Not compared:</p><ul class="muted small">{left}</ul>\n' if left else ""
    )


def _render_speed(report: Report) -> str:
    heads, rows = format_speed_rows(report)
    if not rows:
        return ""
    return render_speed(report) + render_table(heads, rows)


def _render_engine(name: str, values: Mapping[str, Any]) -> str:
    verdict = parse_json(json.dumps(values))
    content = f"<p>{text(headline(verdict))}</p>\n{render_picture(verdict)}"
    # Two pictures on one page: the anchors of the layers must not meet.
    mark = "".join(character for character in name if character.isalnum())
    content = content.replace('id="layer-', f'id="{mark}-').replace('href="#layer-', f'href="#{mark}-')
    return _section(f"Layer by layer, at {name}", content)


def _render_runs(report: Report) -> str:
    heads = ["run", "accuracy", "loss", "images/s", "training", "peak memory", "alone on the machine", "folder"]
    rows = []
    for run in report.runs:
        accuracy, loss = run.test_accuracy, run.test_loss
        rows.append(
            [
                f"{run.backend} seed {run.seed}",
                "–" if accuracy is None else f"{accuracy:.4f}",
                "–" if loss is None else f"{loss:.4f}",
                f"{run.images_per_second:,.0f}",
                f"{run.training_seconds:.1f} s",
                f"{run.peak_memory_mib:,.0f} MiB",
                "yes" if run.alone else "no",
                run.folder,
            ]
        )
    return render_table(heads, rows)


def _render_circumstances(report: Report) -> str:
    environment = report.environment
    about = {
        "command": f"python {report.command}",
        "date": report.date,
        "processor": environment.processor,
        "cores": environment.cores,
        "memory": f"{environment.memory_gib} GiB",
        "system": environment.system,
        "devices": ", ".join(f"{backend}: {' '.join(names)}" for backend, names in environment.devices.items()),
        "threads": ", ".join(f"{backend}: {threads}" for backend, threads in environment.threads.items()),
        **{name: version for name, version in environment.versions.items() if version},
        "commit": environment.git_commit,
        "took": f"{report.seconds:.0f} s",
    }
    parts = [
        f"<div>{_section(title, _definitions(values))}</div>"
        for title, values in (("Recipe", {"seeds": list(report.seeds), **report.recipe}), ("Environment", about))
    ]
    return f'<div class="two">{"".join(parts)}</div>\n'


def _definitions(values: Mapping[str, object]) -> str:
    items = "".join(f"<dt>{text(key)}</dt><dd>{text(value)}</dd>\n" for key, value in values.items() if value != "")
    return f"<dl>{items}</dl>\n"
