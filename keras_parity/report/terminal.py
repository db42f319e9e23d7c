"""A verdict on one screen of a terminal, and the text of a failed test."""

import math
import textwrap

from keras_parity.report.wording import (
    Blame,
    backends_of,
    count,
    describe_alone,
    describe_draw,
    describe_places,
    describe_size,
    format_units,
    headline,
    open_findings,
    reduce_command,
    threshold_of,
    visible,
    visible_lines,
)
from keras_parity.verdict import Finding, Outcome, Verdict

WIDTH = 100
MOST_CULPRITS = 3  # more do not fit on one screen of 48 lines
MOST_LINES_OF_REASON = 12  # it may list entries of parity.toml to mend
MOST_NOTES = 3
LAST_WORDS = 4  # lines of a failed backend


def render_terminal(verdict: Verdict) -> str:
    """Return the verdict as plain text that fits on one screen, without escapes or colours."""
    blocks = [_wrap(f"{verdict.outcome.value}: {headline(verdict)}")]
    if verdict.reason:
        blocks.append(_wrap(visible(verdict.reason), "  ", MOST_LINES_OF_REASON))
    groups = open_findings(verdict)
    blocks += [_describe_culprit(blame, verdict) for blame in groups[:MOST_CULPRITS]]
    if len(groups) > MOST_CULPRITS:
        names = ", ".join(describe_places(blame.places) for blame in groups[MOST_CULPRITS:])
        blocks.append(textwrap.shorten(f"and {len(groups) - MOST_CULPRITS} more: {names}", WIDTH, placeholder=" …"))
    blocks += [_describe_failure(b, words) for b, words in verdict.failures.items() if words not in verdict.reason]
    if accepted := [finding for finding in verdict.findings if finding.accepted is not None]:
        blocks.append("\n".join(_wrap(line, "  ") for line in dict.fromkeys(map(_describe_accepted, accepted))))
    blocks += [_wrap(f"note: {visible(note)}", "  ") for note in verdict.notes[:MOST_NOTES]]
    if len(verdict.notes) > MOST_NOTES:
        blocks.append(f"  and {count(len(verdict.notes) - MOST_NOTES, 'more note')}")
    if groups:
        if command := reduce_command(verdict):
            blocks.append(f"The smallest script that shows it:\n  {command}")
    elif verdict.outcome is Outcome.AGREE and (measured := _describe_measured(verdict)):
        blocks.append(measured)
    return "\n\n".join(blocks) + "\n"


def _describe_culprit(blame: Blame, verdict: Verdict) -> str:
    """Return the lines on one class of layer and one backend: its largest difference in full, the others by name."""
    worst, places = blame.worst, describe_places(blame.places)
    kind = f" ({visible(worst.layer_type)})" if worst.layer_type else ""
    lines = [
        ("layer" if len(blame.places) == 1 else "layers", f"{places}{kind}"),
        ("alone", describe_alone(worst)),
        ("differs", f"{visible(worst.quantity)}, {visible(worst.mode)}, worst on {describe_draw(worst)}"),
        ("size", describe_size(worst, verdict)),
        ("cause", f"{worst.cause.value}: {visible(worst.detail)}"),
    ]
    if others := [visible(quantity) for quantity in blame.by_quantity if quantity != str(worst.quantity)]:
        lines.append(("also", ", ".join(others)))
    return "\n".join(_hang(label, text) for label, text in lines)


def _describe_failure(backend: str, words: str) -> str:
    """Return a failed backend's last words, the last lines of them."""
    lines = visible_lines(words).splitlines() or ["(no last words)"]
    kept = [_wrap(line, "    ") for line in lines[-LAST_WORDS:]]
    return "\n".join([f"  {visible(backend)} did not finish:", *kept])


def _describe_accepted(finding: Finding) -> str:
    backend = visible(finding.execution or "no two agree")
    return f"accepted: {visible(finding.layer)} ({backend}): {visible(finding.accepted)}"


def _describe_measured(verdict: Verdict) -> str:
    """Return how much an agreement rests on."""
    measured = [m for m in verdict.measurements if m.rounding_units == m.rounding_units]
    if not measured:
        return ""
    usual = threshold_of(verdict)
    limits = {id(m): usual if math.isnan(m.allowed) else m.allowed for m in measured}
    worst = max(measured, key=lambda m: m.rounding_units / limits[id(m)])
    limit = limits[id(worst)]
    within = f"at most {format_units(limit)} agree" if worst.rounding_units <= limit else "every backend is as far off"
    layers = count(len({m.layer for m in measured}), "layer")
    return _wrap(
        f"{layers} on {', '.join(map(visible, backends_of(verdict)))}: the largest error is "
        f"{format_units(worst.rounding_units)} rounding units, {visible(worst.quantity)} of {visible(worst.layer)} on "
        f"{visible(worst.execution)} ({within}).",
        "  ",
    )


def _hang(label: str, text: str) -> str:
    return _fill(text, f"  {label:<8}", " " * 10)


def _wrap(text: str, indent: str = "", lines: int = 3) -> str:
    return _fill(text, indent, indent, lines)


def _fill(text: str, first: str, rest: str, lines: int = 3) -> str:
    """Return a paragraph, cut where a name or a message would take the screen."""
    wrapper = textwrap.TextWrapper(WIDTH, first, rest, max_lines=lines, placeholder=" …", break_on_hyphens=False)
    return wrapper.fill(text)
