"""The report in Markdown, short enough for the summary that a CI service shows."""

from comparing.report.content import Report
from comparing.report.words import describe_circumstances, describe_number, format_speed_rows
from keras_parity.report.markdown import prose
from keras_parity.report.wording import backend_title, visible_lines

_MARKS = {"agree": "✅", "disagree": "❌", "inconclusive": "❔", "not asked": "–"}


def render_markdown(report: Report) -> str:
    """Return the report: verdict first, the four answers, the runs, the speeds, and what it was measured with."""
    blocks = [f"### {_MARKS[report.outcome]} {report.outcome}: {prose(report.sentence)}"]
    rows = ["| question | answer | number | found |", "| --- | --- | ---: | --- |"]
    for answer in report.answers:
        mark = f"{_MARKS[answer.outcome]} {answer.outcome}"
        rows.append(f"| {answer.title} | {mark} | {describe_number(answer)} | {prose(answer.reason)} |")
    blocks.append("\n".join(rows))
    for name, words in report.failures.items():
        blocks.append(f"{prose(name)} failed:\n\n```text\n{visible_lines(words).replace('```', '')}\n```")
    baseline = report.baseline
    if baseline:
        worse = [f"- {prose(line)}" for line in baseline.worse] or ["Nothing has got worse than the baseline."]
        blocks.append("**Against the baseline**\n\n" + "\n".join(worse))
    heads, table = format_speed_rows(report)
    if table:
        lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
        lines += [f"| {' | '.join(row)} |" for row in table]
        blocks.append("\n".join(lines))
    criteria = "\n".join(f"- {answer.title} {prose(answer.criterion)}" for answer in report.answers)
    blocks.append(f"<details><summary>How each question is decided</summary>\n\n{criteria}\n\n</details>")
    backends = ", ".join(backend_title(backend) for backend in report.backends)
    blocks.append(prose(f"{report.model} on {backends}. {describe_circumstances(report)}"))
    return "\n\n".join(blocks) + "\n"
