"""How many planted faults the parity engine sees, whether it blames right, and how often it alarms for nothing.

    python -m benchmarks.faults --clean 220 --json faults.json --markdown docs/faults.md

Each fault is planted in one backend's process at a time, in each of its architectures; then clean models are checked.
`benchmarks.faults.effect` shows, without the engine, that every fault changes something.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.faults.bench import BACKENDS, Result, Trial, clean_trials, planted_trials, run_trial
from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.table import render_table, summarise
from keras_parity.environment import describe_environment
from keras_parity.workers import Workers


def main() -> None:
    """Run the checks, print the counts, write the documents."""
    arguments = parse_arguments()
    names = list(FAULTS) if arguments.fault is None else arguments.fault
    trials = planted_trials(names, first_only=arguments.quick) + clean_trials(arguments.clean)
    started = time.perf_counter()
    results, versions = [], {}
    with Workers(BACKENDS) as workers:
        for number, trial in enumerate(trials, start=1):
            if arguments.minutes and time.perf_counter() - started > 60 * arguments.minutes:
                break
            results.append(run_trial(trial, workers))
            print(f"{number}/{len(trials)} {describe(trial, results[-1])}", file=sys.stderr, flush=True)
        for backend in BACKENDS:
            versions |= workers[backend].versions
    seconds = time.perf_counter() - started
    environment = describe_environment(versions)
    environment["command"] = " ".join(["python -m benchmarks.faults", *sys.argv[1:]])
    if arguments.json:
        text = {"summary": summarise(results), "environment": environment, "seconds": round(seconds, 1)}
        text["results"] = [result.to_dict() for result in results]
        arguments.json.write_text(json.dumps(text, indent=1) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(render_table(results, environment, seconds))
    print(json.dumps(summarise(results), indent=1))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), metavar="NAME", help="this fault; again")
    parser.add_argument("--clean", type=int, default=220, metavar="N", help="clean checks, 220 by default")
    parser.add_argument("--quick", action="store_true", help="each fault in its first architecture alone")
    parser.add_argument("--minutes", type=float, metavar="N", help="begin no check after so long")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    return parser.parse_args()


def describe(trial: Trial, result: Result) -> str:
    """Return a line of progress."""
    where = f"{trial.architecture} {trial.dtype} seed {trial.seed}"
    if trial.fault is None:
        return f"clean {where}: {result.outcome} ({result.seconds:.1f} s) {'; '.join(result.findings)[:300]}"
    mark = "right" if result.blamed_right else f"BLAMES {result.culprits}" if result.detected else "MISSED"
    return f"{trial.fault} on {trial.backend} in {where}: {mark} ({result.seconds:.1f} s)"


if __name__ == "__main__":
    main()
