"""The report of a comparison: `report.html`, `report.md` and `report.json`, all made from one `Report`."""

from pathlib import Path

from comparing.report.content import Report, render_json
from foundation.files import write_text
from keras_parity.report.wording import visible


def write_report(report: Report, folder: Path) -> Path:
    """Write the three files into `folder` and return the page's path.

    Args:
        report: What they tell.
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


def describe(report: Report) -> str:
    """Return what the terminal shows: the verdict, an answer a line, and whatever failed."""
    lines = [f"{report.outcome}: {visible(report.sentence)}", ""]
    for answer in report.answers:
        lines.append(f"  {answer.title:19} {answer.outcome:13} {visible(answer.reason)}")
    for name, words in report.failures.items():
        lines += ["", f"  {visible(name)} failed:", *(f"    {visible(line)}" for line in words.splitlines()[-6:])]
    for change in report.baseline.worse if report.baseline else ():
        lines += ["", f"  worse than the baseline: {visible(change)}"]
    return "\n".join(lines)
