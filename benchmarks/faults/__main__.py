"""How many planted faults the parity engine sees, whether it blames right, and how often it alarms for nothing.

    python -m benchmarks.faults --clean 300 --json faults.jsonl --markdown docs/faults.md

Each fault is planted in one backend's process at a time, in each of its architectures; then clean models are checked.
`benchmarks.faults.effect` shows, without the engine, that every fault changes something.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import keras_parity
from benchmarks.digest import digest_code
from benchmarks.faults.bench import Result, clean_trials, planted_trials, run_trial
from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.table import render_table, summarise
from keras_parity.crew import Crew
from keras_parity.environment import describe_environment
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.tasks import CloseCase
from keras_parity.scan.record import Record


def main() -> None:
    """Run the checks that the record lacks, print the counts, write the tables."""
    arguments = parse_arguments()
    names = list(FAULTS) if arguments.fault is None else arguments.fault
    trials = planted_trials(names, first_only=arguments.quick) + clean_trials(arguments.clean)
    programs = digest_code(Path(keras_parity.__file__).parent, Path(__file__).parent)
    record = Record(arguments.json, {"engine": programs}, Result)
    started = time.perf_counter()
    with Crew(TRAINING_BACKENDS) as crew:
        crew.everywhere(CloseCase())  # starts them, so that their versions are known
        versions = {name: text for backend in TRAINING_BACKENDS for name, text in crew[backend].versions.items()}
        for number, trial in enumerate(trials, start=1):
            if arguments.minutes and time.perf_counter() - started > 60 * arguments.minutes:
                break
            if trial.name not in record.rows:
                record.add(run_trial(trial, crew))
                print(f"{number}/{len(trials)} {describe(record.rows[trial.name])}", file=sys.stderr, flush=True)
    results = [record.rows[trial.name] for trial in trials if trial.name in record.rows]
    environment = describe_environment(versions)
    environment["command"] = " ".join(["python -m benchmarks.faults", *sys.argv[1:]])
    if arguments.markdown:
        arguments.markdown.write_text(render_table(results, environment))
    print(json.dumps(summarise(results), indent=1))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), metavar="NAME", help="this fault; again")
    parser.add_argument("--clean", type=int, default=300, metavar="N", help="clean checks, 300 by default")
    parser.add_argument("--quick", action="store_true", help="each fault in its first architecture alone")
    parser.add_argument("--minutes", type=float, metavar="N", help="begin no check after so long")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results there; a later run goes on with it")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    return parser.parse_args()


def describe(result: Result) -> str:
    """Return a line of progress."""
    if result.trial.fault is None:
        return f"{result.name}: {result.outcome} ({result.seconds:.1f} s) {'; '.join(result.findings)[:300]}"
    mark = "right" if result.blamed_right else f"BLAMES {result.culprits}" if result.detected else "MISSED"
    return f"{result.name}: {mark} ({result.seconds:.1f} s)"


if __name__ == "__main__":
    main()
