"""A verdict as a short summary in Markdown that a CI service can show."""

import re
from collections.abc import Sequence

from keras_parity.report.wording import (
    Blame,
    backends_of,
    describe_alone,
    describe_draw,
    describe_places,
    format_error,
    format_units,
    headline,
    open_findings,
    reduce_command,
    threshold_of,
    visible,
    visible_lines,
)
from keras_parity.verdict import Outcome, Verdict

MOST_ROWS = 50  # a step summary has a size limit; the page and the JSON have all
_MARKS = {Outcome.AGREE: "✅", Outcome.DISAGREE: "❌", Outcome.INCONCLUSIVE: "❔"}


def render_markdown(verdict: Verdict) -> str:
    """Return the summary: verdict first, a table of differences, failures, accepted ones and notes."""
    outcome = verdict.outcome
    blocks = [f"### {_MARKS[outcome]} {outcome.value}: {prose(headline(verdict))}"]
    if verdict.reason:
        blocks.append(prose(verdict.reason))
    rows = [row for blame in open_findings(verdict) for row in blame.by_quantity.values()]
    if rows:
        blocks += [_table(rows[:MOST_ROWS]), f"At most {format_units(threshold_of(verdict))} rounding units agree."]
        if len(rows) > MOST_ROWS:
            blocks.append(f"{len(rows) - MOST_ROWS} more differences are in `report.html` and `report.json`.")
        if command := reduce_command(verdict):
            blocks.append(f"The smallest script that shows it:\n\n{_fence(command)}")
    for backend, words in verdict.failures.items():
        blocks.append(f"{_code(backend)} did not finish:\n\n{_fence(visible_lines(words))}")
    if accepted := dict.fromkeys(
        (f.layer, f.execution, f.accepted) for f in verdict.findings if f.accepted is not None
    ):
        lines = (f"- {_code(layer)} ({prose(b or 'no two agree')}): {prose(why)}" for layer, b, why in accepted)
        blocks.append("Accepted:\n\n" + "\n".join(lines))
    if verdict.notes:
        blocks.append("Notes:\n\n" + "\n".join(f"- {prose(note)}" for note in verdict.notes))
    versions = verdict.environment.get("versions")
    if isinstance(versions, dict):
        named = ", ".join(f"{visible(name)} {visible(version)}" for name, version in versions.items())
        blocks.append(prose(f"Compared {', '.join(backends_of(verdict))}; {named}."))
    return "\n\n".join(blocks) + "\n"


def _table(blames: Sequence[Blame]) -> str:
    rows = [
        "| layer | alone | what | worst on | absolute | rounding units | cause |",
        "|---|---|---|---|---:|---:|---|",
    ]
    for blame in blames:
        finding = blame.worst
        cells = (
            describe_places(blame.places, _code),
            prose(describe_alone(finding)),
            prose(f"{finding.quantity}, {finding.mode}"),
            prose(describe_draw(finding)),
            format_error(finding.max_abs_error),
            format_units(finding.rounding_units),
            prose(f"{finding.cause.value}: {finding.detail}"),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def prose(text: object) -> str:
    """Return text in which nothing is markup, a link, a picture or a mention."""
    escaped = re.sub(r"[\\`*_{}\[\]<>#|~$!&:]", r"\\\g<0>", visible(text))
    escaped = re.sub(r"(?i)www\.", lambda match: match[0][:-1] + "\\.", escaped)
    return escaped.replace("@", "@<!-- -->")


def _code(text: object) -> str:
    """Return text as a code span, whose fence is longer than any run of backticks in it."""
    shown = visible(text).replace("|", "\\|") or " "
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    padding = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def _fence(text: str) -> str:
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence}text\n{text}\n{fence}"
