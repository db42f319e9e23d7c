"""The report of a comparison: `report.html`, `report.md` and `report.json`, all made from one value of JSON's types."""

import json
from pathlib import Path

from keras_parity.report.wording import visible
from training.files import write_text


def write_report(report: dict, folder: Path) -> Path:
    """Write the three files into `folder` and return the page's path.

    Args:
        report: What `Comparison.compare` returned.
        folder: Made if missing.

    Raises:
        UserError: If they cannot be written.
    """
    from comparing.report.html import render_html
    from comparing.report.markdown import render_markdown

    page = folder / "report.html"
    write_text(page.with_suffix(".json"), render_json(report))
    write_text(page.with_suffix(".md"), render_markdown(report))
    write_text(page, render_html(report))
    return page


def render_json(report: dict) -> str:
    """Return the report as one indented JSON object; numbers that are none, as an infinite ratio, become null."""
    return json.dumps(_strict(report), indent=1, allow_nan=False) + "\n"


def describe(report: dict) -> str:
    """Return what the terminal shows: the verdict, an answer a line, and whatever failed."""
    lines = [f"{report['outcome']}: {visible(report['sentence'])}", ""]
    for answer in report["answers"]:
        lines.append(f"  {answer['title']:19} {answer['outcome']:13} {visible(answer['reason'])}")
    for name, words in report["failures"].items():
        lines += ["", f"  {visible(name)} failed:", *(f"    {visible(line)}" for line in words.splitlines()[-6:])]
    for change in report.get("baseline", {}).get("worse", []):
        lines += ["", f"  worse than the baseline: {visible(change)}"]
    return "\n".join(lines)


def _strict(value):
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
