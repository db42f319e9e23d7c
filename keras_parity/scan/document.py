"""The generated document: what agrees, differs or raises where, with a script for each divergence."""

import ast
import collections
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_parity.scan.configuration import Configuration, matches
from keras_parity.scan.exclusions import EXCLUSIONS
from keras_parity.scan.survey import AGREES, DIFFERS, RAISES, RAISES_EVERYWHERE, UNDECIDED, Row

_RESULTS = (AGREES, DIFFERS, RAISES, RAISES_EVERYWHERE, UNDECIDED)
_MESSAGE_LENGTH = 160


@dataclass(frozen=True)
class Script:
    """A stand-alone script that shows one verified divergence.

    Attributes:
        path: Relative to the document.
        title: The first line of its docstring.
        alone: The docstring's lines from `Wrong: …` on: who departs from the independent calculation, or what is
            unspecified.
        patterns: The docstring's lines `Scan: …`: the configurations that it explains.
    """

    path: str
    title: str
    alone: str
    patterns: tuple[str, ...]

    def explains(self, row: Row) -> bool:
        """Return whether the script is about this row."""
        return any(matches(row.name, pattern) for pattern in self.patterns)


def read_scripts(folder: Path) -> list[Script]:
    """Return the scripts of a folder, in the order of their names; none where there is no folder."""
    scripts = []
    for path in sorted(folder.glob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text())) or path.stem
        wrong = re.findall(r"^Wrong: (.+?)(?=^Scan: |\Z)", docstring, re.MULTILINE | re.DOTALL)
        patterns = re.findall(r"^Scan: (.+)$", docstring, re.MULTILINE)
        title, alone = docstring.splitlines()[0], " ".join(" ".join(wrong).split())
        scripts.append(Script(f"{folder.name}/{path.name}", title, alone, tuple(patterns)))
    return scripts


def render_document(
    configurations: Sequence[Configuration],
    rows: dict[str, Row],
    header: dict[str, Any],
    environment: dict[str, Any],
    scripts: Sequence[Script],
) -> str:
    """Return the whole document as Markdown.

    Args:
        configurations: What was asked for, in the catalogue's order.
        rows: What was found, by name.
        header: dtype, backends and versions.
        environment: Processor, date and command, as in a verdict.
        scripts: The divergences that were verified by hand.
    """
    ordered = [rows[configuration.name] for configuration in configurations]
    by_result = {result: [row for row in ordered if row.result == result] for result in _RESULTS}
    parts = [
        "# The backends of Keras, layer by layer and operation by operation",
        _render_environment(header, environment),
        _render_summary(by_result),
        _render_scripts(scripts, by_result[DIFFERS] + by_result[RAISES]),
        "## Differences\n\n" + _render_differences(by_result[DIFFERS], scripts),
        "## Supported on some backends only\n\n" + _render_raises(by_result[RAISES], scripts),
        "## Raised on every backend, or not decided\n\n"
        + _render_undecided(by_result[RAISES_EVERYWHERE] + by_result[UNDECIDED]),
        "## Every name\n\n" + _render_names(configurations, rows),
        "## Names that are not compared\n\n"
        + _table(("name", "why"), [(f"`{name}`", reason) for name, reason in sorted(EXCLUSIONS.items())]),
    ]
    return "\n\n".join(parts) + "\n"


def _render_environment(header: dict[str, Any], environment: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    return (
        f"Written by `{environment['command']}`, {environment['date']}.\n"
        f"{versions}; {header['dtype']}; {', '.join(header['backends'])}.\n"
        f"{environment['processor']}, {environment['cores']} cores, {environment['system']}.\n\n"
        "A configuration is one layer or operation with all its arguments, on inputs of one kind. Outputs, their\n"
        "dtypes and shapes, gradients of inputs and weights, and statistics are compared: in float64 for\n"
        f"meaning, then in {header['dtype']} in units of what rounding makes unavoidable."
    )


def _render_summary(by_result: dict[str, list[Row]]) -> str:
    total = sum(map(len, by_result.values()))
    seconds = sum(row.seconds for rows in by_result.values() for row in rows)
    lines = [(result, str(len(rows))) for result, rows in by_result.items()] + [("all", str(total))]
    alone = collections.Counter(
        backend or "no two agree"
        for row in by_result[DIFFERS]
        for backend in (row.backends if len(row.backends) == 1 else ("no two agree",))
    )
    raising = collections.Counter(backend for row in by_result[RAISES] for backend in row.backends)
    text = _table(("result", "configurations"), lines)
    text += "\n\n" + _table(
        ("", "differs alone", "raises"),
        [(name, str(alone[name]), str(raising[name])) for name in sorted(set(alone) | set(raising))],
    )
    return f"{text}\n\nThe checks took {seconds / 60:.0f} minutes in all."


def _render_scripts(scripts: Sequence[Script], disagreeing: list[Row]) -> str:
    if not scripts:
        return "## Verified divergences\n\nNo script lies in `divergences/`."
    lines = [
        (
            f"[{_escape(script.title)}]({script.path})",
            _escape(script.alone),
            str(sum(script.explains(row) for row in disagreeing)),
        )
        for script in scripts
    ]
    return (
        "## Verified divergences\n\nEach was checked against an independent calculation, which its script states; it "
        "imports keras and numpy alone and prints a backend's numbers when run under `KERAS_BACKEND`.\n\n"
        + _table(("divergence", "who departs", "configurations here"), lines)
    )


def _render_differences(rows: list[Row], scripts: Sequence[Script]) -> str:
    lines = []
    for row in rows:
        kinds: dict[tuple[str, str, str], None] = {}
        for finding in row.findings:
            kinds[(finding["backend"] or "no two agree", finding["quantity"], finding["cause"])] = None
        shown = [f"{backend}: {quantity} ({cause})" for backend, quantity, cause in kinds]
        sizes = [finding["max_abs_error"] for finding in row.findings if finding.get("max_abs_error") is not None]
        lines.append(
            (
                f"`{_escape(row.name)}`",
                _escape("; ".join(shown[:4]) + (" …" if len(shown) > 4 else "")),
                f"{max(sizes):.2g}" if sizes else "",
                _links(row, scripts),
            )
        )
    return _table(("configuration", "alone: what (cause)", "largest", "script"), lines)


def _render_raises(rows: list[Row], scripts: Sequence[Script]) -> str:
    lines = []
    for row in rows:
        message = next((finding["message"] for finding in row.findings if finding["message"]), row.reason)
        lines.append(
            (f"`{_escape(row.name)}`", ", ".join(row.backends), _escape(_shorten(message)), _links(row, scripts))
        )
    return _table(("configuration", "raises on", "message", "script"), lines)


def _render_undecided(rows: list[Row]) -> str:
    lines = [(f"`{_escape(row.name)}`", row.result, _escape(_shorten(row.reason))) for row in rows]
    return _table(("configuration", "result", "reason"), lines)


def _render_names(configurations: Sequence[Configuration], rows: dict[str, Row]) -> str:
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for name, members in group_by_name(configurations).items():
        for configuration in members:
            counts[name][rows[configuration.name].result] += 1
    lines = [
        (f"`{name}`", str(count.total()), *(str(count[result] or "") for result in _RESULTS))
        for name, count in sorted(counts.items())
    ]
    return _table(("name", "configurations", *_RESULTS), lines)


def group_by_name(configurations: Sequence[Configuration]) -> dict[str, list[Configuration]]:
    """Return the configurations by the public name that each is about: of the names in it the least common one."""
    uses = collections.Counter(name for configuration in configurations for name in configuration.subjects)
    groups: dict[str, list[Configuration]] = {}
    for configuration in configurations:
        name = min(configuration.subjects, key=lambda subject: (uses[subject], subject))
        groups.setdefault(name, []).append(configuration)
    return groups


def _links(row: Row, scripts: Sequence[Script]) -> str:
    return ", ".join(f"[{Path(s.path).stem}]({s.path})" for s in scripts if s.explains(row))


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return "None."
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _shorten(text: str) -> str:
    return text if len(text) <= _MESSAGE_LENGTH else text[: _MESSAGE_LENGTH - 1] + "…"
