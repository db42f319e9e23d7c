"""The README's table: accuracy and time of every system on each backend, over several seeds, beside its source's claim.

    python -m benchmarks.accuracy --seeds 3 --readme README.md

Trains every (system, backend, seed) with train.py itself, one after the other, evaluates each run on all backends, and
writes the table between the markers in the README.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.markers import replace_between_markers
from training.backend import BACKENDS

ROOT = Path(__file__).parents[1]

# The least test accuracy that counts as the source's; None where the source reports none.
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


def main() -> None:
    """Train, evaluate, print the table, and write it into the README if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(TARGETS), help="names with commas between them; default all")
    parser.add_argument("--backends", default=",".join(BACKENDS), help="likewise")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--readme", type=Path, metavar="FILE", help="replace the table between the markers of FILE")
    options = parser.parse_args()
    rows = []
    for model in options.models.split(","):
        for backend in options.backends.split(","):
            with tempfile.TemporaryDirectory() as folder:
                runs = [train(model, backend, seed, Path(folder)) for seed in range(1, options.seeds + 1)]
            rows.append((model, backend, runs))
            print(render_row(*rows[-1]), file=sys.stderr, flush=True)
    text = render(options, rows)
    print(text)
    if options.readme:
        replace_between_markers(options.readme, "benchmarks.accuracy", text)


def train(model: str, backend: str, seed: int, folder: Path) -> dict:
    """Return the result of one run, with the accuracies that the other backends find for it."""
    run = folder / f"{model}-{backend}-seed{seed}"
    arguments = ["--model", model, "--seed", str(seed), "--backend", backend, "--out", str(run), "--no-figures"]
    subprocess.run([sys.executable, "train.py", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    result["elsewhere"] = []
    for other in BACKENDS:
        command = [sys.executable, "evaluate.py", str(run), "--backend", other, "--json", "--no-figures"]
        output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        result["elsewhere"].append(json.loads(output)["accuracy"])
    return result


def render(options: argparse.Namespace, rows: list[tuple[str, str, list[dict]]]) -> str:
    """Return the table as Markdown, with what it was measured on."""
    lines = [
        "| system | backend | test accuracy, mean of seeds | least | greatest | source's | reached? "
        "| same on all backends | images/s | to first step | peak memory |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | ---: | ---: | ---: |",
        *(render_row(*row) for row in rows),
    ]
    chosen = "" if options.models == ",".join(TARGETS) else f" --models {options.models}"
    chosen += "" if options.backends == ",".join(BACKENDS) else f" --backends {options.backends}"
    lines += [
        "",
        f"Each system by its own recipe, {options.seeds} seeds a backend, scored on its whole test split; reached "
        "means that the mean over the seeds is at least the source's number. The accuracy log is included in images/s, "
        "the first step, which compiles, is not. "
        f"{describe_machine()}. "
        f"Written by `python -m benchmarks.accuracy --seeds {options.seeds}{chosen} --readme README.md`.",
    ]
    return "\n".join(lines)


def render_row(model: str, backend: str, runs: list[dict]) -> str:
    """Return the row of one system on one backend."""
    accuracies = [run["test_accuracy"] for run in runs]
    mean, target = statistics.mean(accuracies), TARGETS.get(model)
    reached = "" if target is None else "yes" if mean >= target else "**no**"
    same = all(set(run["elsewhere"]) == {run["test_accuracy"]} for run in runs)
    start = statistics.median(sum(run["seconds_to_first_step"].values()) for run in runs)
    return (
        f"| `{model}` | {backend} | {mean:.4f} | {min(accuracies):.4f} | {max(accuracies):.4f} "
        f"| {'' if target is None else f'{target:g}'} | {reached} | {'yes' if same else 'no'} "
        f"| {statistics.median(run['images_per_second'] for run in runs):,.0f} | {start:.1f} s "
        f"| {statistics.median(run['peak_memory_mib'] for run in runs):,.0f} MiB |"
    )


if __name__ == "__main__":
    main()
