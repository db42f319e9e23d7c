"""`keras-parity check`: compare a model, print the verdict, and write reports."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from keras_parity.cli.asking import add_request_options, request_options
from keras_parity.cli.screen import say, show
from keras_parity.names import DEFAULT_FILE

if TYPE_CHECKING:
    from keras_parity.accepted import Accepted
    from keras_parity.verdict import Verdict

EXAMPLE = """\
keras-parity check keras.applications:MobileNetV2 --kwargs '{"weights": null, "input_shape": [32, 32, 3]}' --report out
"""
EXIT_CODES = "exit codes: 0 the backends agree, 1 they disagree, 2 wrong usage, 3 inconclusive\n"
ABOUT = "compare a model between backends"
DESCRIPTION = "Compare a model between backends: outputs, gradients, training steps, and each layer by itself."
EPILOG = f"{EXIT_CODES}\nexample:\n  {EXAMPLE}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_request_options(parser)
    output = parser.add_argument_group("what is written")
    output.add_argument("--report", type=Path, metavar="DIR", help="folder for report.html, report.json and report.md")
    output.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else")
    output.add_argument("--markdown", type=Path, metavar="FILE", help="a summary that a CI service can show")
    output.add_argument("--junit", type=Path, metavar="FILE", help="each layer as a test case")
    output.add_argument(
        "--accepted", type=Path, metavar="FILE", help=f"accepted divergences; default {DEFAULT_FILE}, where it exists"
    )


def run(options: argparse.Namespace, command: str) -> int:
    """Check a model, print and write what the options ask for, and return the outcome's exit code.

    Args:
        options: From the parser.
        command: What the user typed.
    """
    # What can be refused at once is looked at before anything starts.
    accepted = choose_accepted(options.accepted)
    asked = request_options(options)
    from keras_parity.report import check_writable

    for path in (options.report and options.report / "report.html", options.markdown, options.junit):
        if path is not None:
            check_writable(path)
    from keras_parity.accepted import apply_accepted
    from keras_parity.comparison import run_check
    from keras_parity.crew import shared_crew
    from keras_parity.request import make_request

    verdict = run_check(make_request(options.model, **asked), shared_crew(), say)
    if accepted:
        verdict = apply_accepted(verdict, accepted)
    verdict.environment["command"] = command
    _show(verdict, options.json)
    _write(verdict, options)
    return verdict.outcome.exit_code


def choose_accepted(path: Path | None) -> "list[Accepted] | None":
    """Return the accepted divergences of `path`, or of the working folder's own file; None where there is none.

    Raises:
        UsageError: If the file cannot be read.
    """
    if path is None and not Path(DEFAULT_FILE).is_file():
        return None
    from keras_parity.accepted import read_accepted

    return read_accepted(path or DEFAULT_FILE)


def _show(verdict: "Verdict", as_json: bool) -> None:
    if as_json:
        from keras_parity.report.json_text import render_json

        show(render_json(verdict))
    else:
        show(str(verdict))


def _write(verdict: "Verdict", options: argparse.Namespace) -> None:
    from keras_parity.report import append_file, write_file, write_report

    if options.report:
        say(f"report: {write_report(verdict, options.report)}")
    if options.markdown:
        from keras_parity.report.markdown import render_markdown

        text = render_markdown(verdict)
        (append_file if _is_summary(options.markdown) else write_file)(options.markdown, text)
    if options.junit:
        from keras_parity.report.junit import render_junit

        write_file(options.junit, render_junit(verdict))


def _is_summary(path: Path) -> bool:
    """Return whether a file is the CI service's own summary, to which every step of a job appends."""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and path.resolve() == Path(summary or "").resolve()
