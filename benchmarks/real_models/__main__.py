"""What the parity engine says of real models, and whether it is right.

    python -m benchmarks.real_models --json real_models.jsonl --docs docs/real-models.md

A run that was stopped goes on where it was: what another engine said is asked again, or with `--earlier` kept, and the
document marks it. `--shard 1/2` and `--shard 2/2` may run beside each other and share the file; a last run without it
writes the document.
"""

import argparse
import itertools
import json
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import keras_parity
from benchmarks.digest import digest_code
from benchmarks.real_models.bench import SKIPPED, Result, Trial, digest_entry, restart_workers, run_trial
from benchmarks.real_models.catalogue import MODELS
from benchmarks.real_models.document import render_document, summarise
from benchmarks.real_models.truth import PATH, Truth, header
from keras_parity.environment import describe_environment
from keras_parity.errors import UsageError
from keras_parity.scan.record import Record

# The policies that each model is checked under.
CHECKED_POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def main() -> int:
    """Run the checks that the record lacks, print each model's row and the counts, write the document."""
    arguments = parse_arguments()
    trials = choose_trials(arguments)
    engine = digest_code(Path(keras_parity.__file__).parent)[:16]
    record = Record(arguments.json, {"bench": "real models"}, Result)
    absent = [trial.name for trial in trials if trial.name not in record.rows] if arguments.recorded else []
    trials = [trial for trial in trials if trial.name not in absent]
    for number, trial in enumerate(trials, start=1):
        known = record.rows.get(trial.name)
        if known is not None and known.engine != engine and not (arguments.earlier or arguments.recorded):
            known = None
        if known is None or known.asked != digest_entry(MODELS[trial.model]):
            record.add(run_trial(trial, engine))
            restart_workers(MODELS[trial.model])
            print(f"{number}/{len(trials)} {describe(record.rows[trial.name])}", file=sys.stderr, flush=True)
    results = [record.rows[trial.name] for trial in trials]
    for result in results:
        print(describe(result))
    if arguments.docs:
        versions = {name: text for name, text in header().items() if text is not None}
        environment = describe_environment(versions)
        environment["command"] = " ".join(["python -m benchmarks.real_models", *sys.argv[1:]])
        earlier = frozenset(result.name for result in results if result.engine != engine)
        arguments.docs.write_text(render_document(results, read_truths(), environment, earlier, absent))
    counts = summarise(results)
    print(json.dumps(counts, indent=1))
    return 0 if counts["right"] == counts["checks"] else 1


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_models", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", metavar="PATTERN", help="models whose name matches, as text*; again")
    parser.add_argument(
        "--dtype", action="append", choices=CHECKED_POLICIES, help="a dtype policy; again; all three by default"
    )
    parser.add_argument("--seeds", type=read_seeds, default=(1, 2, 3), metavar="1,2,3", help="seeds, 1,2,3 by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results there; a later run goes on with it")
    parser.add_argument("--earlier", action="store_true", help="keep what an earlier state of the engine said")
    parser.add_argument("--recorded", action="store_true", help="tell of what the record holds, and ask nothing more")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the document")
    parser.add_argument(
        "--shard", type=read_shard, default=(1, 1), metavar="I/N", help="the I-th of N parts of the models"
    )
    return parser.parse_args()


def read_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of `1,2,3`."""
    return tuple(int(seed) for seed in text.split(","))


def read_shard(text: str) -> tuple[int, int]:
    """Return the numbers of `1/2`."""
    part, count = (int(number) for number in text.split("/"))
    if not 1 <= part <= count:
        raise ValueError(text)
    return part, count


def choose_trials(arguments: argparse.Namespace) -> list[Trial]:
    """Return the checks: of each model all dtypes and seeds, so that a part of the bench tells all of some models.

    Raises:
        UsageError: If no model matches.
    """
    patterns = arguments.only or ["*"]
    names = [name for name in MODELS if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not names:
        raise UsageError(f"no model matches {' or '.join(patterns)}; there are {', '.join(MODELS)}")
    part, count = arguments.shard
    pairs = itertools.product(names[part - 1 :: count], arguments.dtype or CHECKED_POLICIES, arguments.seeds)
    return [Trial(*pair) for pair in pairs]


def read_truths() -> dict[str, Truth]:
    """Return what plain Keras computes of each model, as `truth.jsonl` keeps it."""
    _, *lines = PATH.read_text().splitlines()
    return {truth.name: truth for truth in map(Truth.from_json, lines)}


def describe(result: Result) -> str:
    """Return a line on one check."""
    if result.outcome == SKIPPED:
        return f"{result.name}: skipped, {result.reason}"
    mark = f"WRONG, {result.mistake}" if result.mistake else "right"
    return f"{result.name}: {result.outcome}, {mark} ({result.seconds:.1f} s, {result.peak_mib:,} MiB)"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UsageError as error:
        sys.exit(f"error: {error}")
