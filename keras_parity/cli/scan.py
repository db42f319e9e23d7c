"""`keras-parity scan`: every layer of keras.layers and every function of keras.ops, compared across backends."""

import argparse
import importlib.metadata
from pathlib import Path

from keras_parity.cli.asking import add_backends_and_dtype
from keras_parity.cli.screen import say, show
from keras_parity.errors import UsageError

EXAMPLE = "keras-parity scan --only 'ops.round(*' --out scan.md\n"
ABOUT = "compare every layer and operation of Keras"
DESCRIPTION = (
    "Compare every layer of keras.layers and every function of keras.ops, in several configurations each, across "
    "backends, and write what agrees, what differs and what raises where."
)
EPILOG = (
    "exit codes: 0 everything compared agrees, 1 something differs or raises on some backends, 2 wrong usage, "
    f"3 nothing was compared\n\nexample:\n  {EXAMPLE}"
)
_PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_backends_and_dtype(parser)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="configurations whose name holds this text, or matches it where it has a *; may be repeated",
    )
    parser.add_argument(
        "--edge", action="store_true", help="add the engine's edge draws to normal inputs; takes longer"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.md", help="write the document there instead of printing it")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="keep the rows there, a line of JSON each, as they come; a scan that finds the file goes on with what it "
        "lacks; next to the document by default",
    )
    parser.add_argument("--list", action="store_true", help="print the configurations' names and stop")


def run(options: argparse.Namespace, command: str) -> int:
    """Run the scan, write its document, and return the exit code.

    Raises:
        UsageError: If a pattern matches nothing, or a file cannot be written.
    """
    from keras_parity.environment import describe_environment
    from keras_parity.executions import installed_executions
    from keras_parity.report import check_writable, write_file
    from keras_parity.scan.catalogue import CATALOGUE
    from keras_parity.scan.configuration import matches
    from keras_parity.scan.document import read_scripts, render_document
    from keras_parity.scan.record import Record
    from keras_parity.scan.survey import AGREES, DIFFERS, RAISES, Row
    from keras_parity.scan.survey import run as run_survey

    for pattern in options.only:
        if not any(matches(name, pattern) for name in CATALOGUE):
            raise UsageError(f"no configuration matches {pattern!r}; --list shows all {len(CATALOGUE)}")
    configurations = [
        configuration
        for configuration in CATALOGUE.values()
        if not options.only or any(matches(configuration.name, pattern) for pattern in options.only)
    ]
    if options.list:
        show("".join(f"{configuration.name}\n" for configuration in configurations))
        return 0
    out = options.out
    json_path = options.json or (out and out.with_suffix(".jsonl"))
    for path in filter(None, (out, json_path)):
        check_writable(path)
    backends = list(options.backends or [execution.name for execution in installed_executions()])
    header = {"dtype": options.dtype, "backends": backends, "edge": options.edge, "versions": _installed_versions()}
    if json_path:
        json_path.parent.mkdir(parents=True, exist_ok=True)
    record = Record(json_path, header, Row)
    rows = run_survey(configurations, record, say, backends=backends, dtype=options.dtype, edge=options.edge)
    environment = describe_environment(header["versions"])
    environment["command"] = command
    scripts = read_scripts(out.parent / "divergences") if out else []
    text = render_document(configurations, rows, header, environment, scripts)
    if out:
        write_file(out, text)
        say(f"document: {out}; record: {json_path}")
    else:
        show(text)
    results = {row.result for row in rows.values()}
    if results & {DIFFERS, RAISES}:
        return 1
    return 0 if AGREES in results else 3


def _installed_versions() -> dict[str, str]:
    """Read from the packages' metadata, without importing them."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
