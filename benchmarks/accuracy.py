"""A table of docs/systems.md: accuracy of every system on each backend over several seeds, beside its original's claim.

    python -m benchmarks.accuracy --seeds 3 --json accuracy.jsonl --docs docs/systems.md --readme README.md

Trains every (system, backend, seed) with train.py itself, one after the other, evaluates each run on all backends, and
writes the table, and its first rows into the README. The record keeps each run: the same command goes on where it was
stopped, and one that asks for some systems alone adds them to the table.
"""

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from benchmarks.digest import digest_code
from benchmarks.machine import describe_machine
from benchmarks.markers import add_table_options, write_table
from foundation.command_line import print_anywhere
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.scan.record import Record

ROOT = Path(__file__).parents[1]

# The least test accuracy that counts as the original's; None where the original reports none.
TARGETS = {
    "mnist_cnn": 0.975,  # its last log line says 0.98, of 2,000 images
    "strided_cnn": 0.96,
    "bp_mlp": None,
    "lenet": 0.80,
    "lenet-long": 0.89,
    "mlp": 0.80,
    "conv3_softmax": 0.96,
    "keras_cnn": 0.97,
    "tf_cnn": 0.985,
    "iris_mlp": 1.0,
    "text_lstm": 1.0,
    "apparel_cnn": 0.71,
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training, and what the backends say of it.

    Attributes:
        model: The system, with its variant.
        backend: The one that trained it.
        seed: Of the training.
        result: What the run's `result.json` holds.
        elsewhere: The test accuracy that `evaluate.py` finds on each backend.
    """

    model: str
    backend: str
    seed: int
    result: dict
    elsewhere: list[float]

    @property
    def name(self) -> str:
        """The run among all."""
        return name_run(self.model, self.backend, self.seed)

    def to_json(self) -> str:
        """Return a line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Run":
        """Read what `to_json` wrote."""
        return cls(**json.loads(line))


def name_run(model: str, backend: str, seed: int) -> str:
    """Return what a run is called in the record, and its folder."""
    return f"{model}-{backend}-seed{seed}"


def main() -> None:
    """Train, evaluate, print the table, and write it into the documents that are named."""
    print_anywhere()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(TARGETS), help="names with commas between them; default all")
    parser.add_argument("--backends", default=",".join(TRAINING_BACKENDS), help="likewise")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the runs there, and go on with those that are")
    add_table_options(parser)
    options = parser.parse_args()
    programs = digest_code(*(ROOT / folder for folder in ("data", "models", "training")))
    record = Record(options.json, {"programs": programs, "machine": describe_machine().rpartition("; ")[0]}, Run)
    for model in options.models.split(","):
        for backend in options.backends.split(","):
            for seed in range(1, options.seeds + 1):
                if name_run(model, backend, seed) not in record.rows:
                    run = train(model, backend, seed)
                    record.add(run)
                    print(f"{run.name}: {run.result['test_accuracy']:.4f}", file=sys.stderr, flush=True)
    text = render(run for run in record.rows.values() if isinstance(run, Run))
    print(text)
    write_table(options, "benchmarks.accuracy", text)


def train(model: str, backend: str, seed: int) -> Run:
    """Train a system with train.py, in a folder of its own, and evaluate it on every backend."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / name_run(model, backend, seed)
        arguments = ["--model", model, "--seed", str(seed), "--backend", backend, "--out", str(run), "--no-figures"]
        subprocess.run([sys.executable, "train.py", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        with ThreadPoolExecutor() as pool:
            elsewhere = list(pool.map(lambda other: evaluate(run, other), TRAINING_BACKENDS))
    return Run(model, backend, seed, result, elsewhere)


def evaluate(run: Path, backend: str) -> float:
    """Return the test accuracy of a run on a backend."""
    command = [sys.executable, "evaluate.py", str(run), "--backend", backend, "--json", "--no-figures"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output)["accuracy"]


def render(runs: Iterable[Run]) -> str:
    """Return the table as Markdown, with what it was measured on."""
    systems = list(TARGETS)
    ordered = sorted(runs, key=lambda run: (systems.index(run.model), TRAINING_BACKENDS.index(run.backend), run.seed))
    return "\n".join(
        [
            "| system | backend | seeds | test accuracy, mean | least | greatest | original's | reached? "
            "| same on all backends | peak memory |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | ---: |",
            *(render_row(list(group)) for _, group in groupby(ordered, key=lambda run: (run.model, run.backend))),
            "",
            "Each system by its own recipe, scored on its whole test split; reached means that the mean over the "
            f"seeds is at least the original's number. Speeds are in docs/speed.md. {describe_machine()}. "
            "Written by `python -m benchmarks.accuracy --json accuracy.jsonl --docs docs/systems.md "
            "--readme README.md`.",
        ]
    )


def render_row(runs: list[Run]) -> str:
    """Return the row of one system on one backend."""
    first, results = runs[0], [run.result for run in runs]
    accuracies = [result["test_accuracy"] for result in results]
    mean, target = statistics.mean(accuracies), TARGETS[first.model]
    reached = "" if target is None else "yes" if mean >= target else "**no**"
    same = all(set(run.elsewhere) == {run.result["test_accuracy"]} for run in runs)
    return (
        f"| `{first.model}` | {first.backend} | {len(runs)} | {mean:.4f} "
        f"| {min(accuracies):.4f} | {max(accuracies):.4f} | {'' if target is None else f'{target:g}'} "
        f"| {reached} | {'yes' if same else 'no'} "
        f"| {statistics.median(result['peak_memory_mib'] for result in results):,.0f} MiB |"
    )


if __name__ == "__main__":
    main()
