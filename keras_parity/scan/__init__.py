"""`keras-parity scan`: every layer of keras.layers and every function of keras.ops, compared across backends.

The parent process, as everywhere in the engine, imports no framework.
"""

import argparse
import fnmatch
import importlib.metadata
import shlex
import sys
from pathlib import Path

EXAMPLE = "keras-parity scan --only 'ops.round(*' --out scan.md"
_PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch")


def main(arguments: list[str]) -> int:
    """Run the scan and write its document.

    Args:
        arguments: The command line after `scan`.

    Returns:
        0 if everything compared agrees, 1 if something differs or raises on some backends, 3 if nothing was compared.

    Raises:
        UsageError: If the arguments make no sense.
    """
    options = build_parser().parse_args(arguments)
    from keras_parity.environment import describe_environment
    from keras_parity.errors import UsageError
    from keras_parity.executions import installed_executions
    from keras_parity.scan.catalogue import CATALOGUE
    from keras_parity.scan.document import read_scripts, render_document
    from keras_parity.scan.record import Record
    from keras_parity.scan.survey import AGREES, DIFFERS, RAISES, Row, run

    for pattern in options.only:
        if not any(matches(name, pattern) for name in CATALOGUE):
            raise UsageError(f"no configuration matches {pattern!r}; --list shows all {len(CATALOGUE)}")
    configurations = [
        configuration
        for configuration in CATALOGUE.values()
        if not options.only or any(matches(configuration.name, pattern) for pattern in options.only)
    ]
    if options.list:
        print("\n".join(configuration.name for configuration in configurations))
        return 0
    backends = (
        options.backends.split(",") if options.backends else [execution.name for execution in installed_executions()]
    )
    out = Path(options.out) if options.out else None
    json_path = Path(options.json) if options.json else out and out.with_suffix(".jsonl")
    header = {"dtype": options.dtype, "backends": backends, "edge": options.edge, "versions": _installed_versions()}
    record = Record(json_path, header, Row)
    rows = run(configurations, record, _say, backends=backends, dtype=options.dtype, edge=options.edge)
    environment = describe_environment(header["versions"])
    environment["command"] = shlex.join(["keras-parity", "scan", *arguments])
    scripts = read_scripts(out.parent / "divergences") if out else []
    text = render_document(configurations, rows, header, environment, scripts)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)
        _say(f"document: {out}; record: {json_path}")
    else:
        sys.stdout.write(text)
    results = {row.result for row in rows.values()}
    if results & {DIFFERS, RAISES}:
        return 1
    return 0 if AGREES in results else 3


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `keras-parity scan`."""
    parser = argparse.ArgumentParser(
        prog="keras-parity scan",
        description="Compare every layer of keras.layers and every function of keras.ops, in several configurations "
        "each, across backends, and write what agrees, what differs and what raises where.",
        epilog=f"example:\n  {EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--backends", metavar="A,B", help="backends to compare; all that are installed by default")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="configurations whose name holds this text, or matches it where it has a *; may be repeated",
    )
    parser.add_argument("--dtype", default="float32", help="dtype policy to ask about; float32 by default")
    parser.add_argument(
        "--edge", action="store_true", help="add the engine's edge draws to normal inputs; takes longer"
    )
    parser.add_argument("--out", metavar="FILE.md", help="write the document there instead of printing it")
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="keep the rows there, a line of JSON each, as they come; a scan that finds the file goes on with what it "
        "lacks; next to the document by default",
    )
    parser.add_argument("--list", action="store_true", help="print the configurations' names and stop")
    return parser


def matches(name: str, pattern: str) -> bool:
    """Return whether a configuration's name holds a text, or matches a pattern: `*` alone is a wildcard in it."""
    if "*" not in pattern:
        return pattern in name
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _installed_versions() -> dict[str, str]:
    """Read from the packages' metadata, without importing them."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
