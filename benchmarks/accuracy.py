"""The README's table: accuracy and time of a system on each backend, over several seeds.

    python -m benchmarks.accuracy --seeds 3 --readme README.md

Trains every (backend, seed) with train.py itself, one after the other, evaluates each run on all backends, and writes
the table between the markers in the README.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from training.backend import BACKENDS
from training.environment import describe_environment

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- benchmarks.accuracy begins -->", "<!-- benchmarks.accuracy ends -->"


def main() -> None:
    """Train, evaluate, print the table, and write it into the README if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mnist_cnn")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--readme", type=Path, metavar="FILE", help="replace the table between the markers of FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {
            backend: [train(options.model, backend, seed, Path(folder)) for seed in range(1, options.seeds + 1)]
            for backend in BACKENDS
        }
    text = render(options, results)
    print(text)
    if options.readme:
        before, rest = options.readme.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        options.readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


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


def render(options: argparse.Namespace, results: dict[str, list[dict]]) -> str:
    """Return the table as Markdown, with what it was measured on."""
    lines = [
        "| backend | test accuracy, mean of seeds | least | greatest | same accuracy on all backends | images/s "
        "| to first step | peak memory |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for backend, runs in results.items():
        accuracies = [run["test_accuracy"] for run in runs]
        same = all(set(run["elsewhere"]) == {run["test_accuracy"]} for run in runs)
        start = statistics.median(sum(run["seconds_to_first_step"].values()) for run in runs)
        lines.append(
            f"| {backend} | {statistics.mean(accuracies):.4f} | {min(accuracies):.4f} | {max(accuracies):.4f} "
            f"| {'yes' if same else 'no'} | {statistics.median(run['images_per_second'] for run in runs):,.0f} "
            f"| {start:.1f} s | {statistics.median(run['peak_memory_mib'] for run in runs):,.0f} MiB |"
        )
    environment = describe_environment(None)
    versions = ", ".join(f"{name} {environment['versions'][name]}" for name in ("keras", *BACKENDS))
    epochs, examples = results["jax"][0]["epochs"], results["jax"][0]["test_examples"]
    lines += [
        "",
        f"`{options.model}`, its own recipe ({epochs} epoch), {options.seeds} seeds a backend, scored on all "
        f"{examples:,} test images; the accuracy log every 50 steps is included in images/s. "
        f"{environment['processor']}, {environment['cores']} cores, shared; {versions}; {environment['date'][:10]}. "
        f"Written by `python -m benchmarks.accuracy --seeds {options.seeds} --readme README.md`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
