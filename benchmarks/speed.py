"""Training speed of `mnist_cnn`: ours on each backend against hand-written native loops.

    python -m benchmarks.speed --turns 3 --docs docs/speed.md

All sides run alternately in one run, so that a busy machine slows them alike; each is a process of its own, and waits
while another one trains. Ratios are medians over the turns, the first epoch of each side (its warm-up) left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.data import BATCH_SIZE
from benchmarks.machine import describe_machine
from benchmarks.markers import replace_between_markers
from foundation.command_line import print_anywhere
from keras_parity.names import TRAINING_BACKENDS
from training.environment import describe_environment

# (ours, native, the least ratio that the project aims at)
COMPARISONS = (
    (("ours", "tensorflow"), ("native", "tensorflow"), 0.9),
    (("ours", "tensorflow"), ("native", "torch"), 2.0),
    (("ours", "torch"), ("native", "torch"), 0.9),
    (("ours", "jax"), ("native", "jax"), 0.95),
)


class Side:
    """A process that trains one epoch at a time.

    Args:
        kind: "ours" or "native".
        backend: The framework.
        examples: Training images of an epoch.
        log_every: Steps between two log lines; 0 for none.
        settings: Environment variables of the process, beside this one's own.
    """

    def __init__(self, kind: str, backend: str, examples: int, log_every: int, settings: dict[str, str] | None = None):
        command = [sys.executable, "-m", "benchmarks.side", kind, backend, str(examples), str(log_every)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | (settings or {}),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asks, self._answers = self._process.stdin, self._process.stdout

    def run_epoch(self) -> float:
        """Train an epoch and return its seconds."""
        self._asks.write("\n")
        self._asks.flush()
        # Ours answers an epoch when it is ready for the next one.
        return float(self._answers.readline())

    def close(self) -> None:
        """End the process."""
        self._asks.close()
        self._process.wait()


def measure(examples: int, turns: int, log_every: int) -> dict[str, list[float]]:
    """Return the seconds of each side's epochs, the warm-up left out, by `"kind backend"`."""
    names = [(kind, backend) for backend in TRAINING_BACKENDS for kind in ("ours", "native")]
    sides = {f"{kind} {backend}": Side(kind, backend, examples, log_every) for kind, backend in names}
    return alternate(sides, examples, turns)


def alternate(sides: dict[str, Side], examples: int, turns: int) -> dict[str, list[float]]:
    """Let each side train an epoch in turn, and return their seconds, the first turn left out; close the sides."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    try:
        for turn in range(turns + 1):
            for name, side in sides.items():
                taken = side.run_epoch()
                if turn:
                    seconds[name].append(taken)
                    print(f"turn {turn}: {name} {examples / taken:,.0f} images/s", file=sys.stderr, flush=True)
    finally:
        for side in sides.values():
            side.close()
    return seconds


def compare(seconds: dict[str, list[float]]) -> list[dict]:
    """Return each comparison's ratio of speeds, ours over native: median, least and greatest of the turns."""
    rows = []
    for ours, native, aim in COMPARISONS:
        pairs = zip(seconds[" ".join(native)], seconds[" ".join(ours)], strict=True)
        ratios = [slow / fast for slow, fast in pairs]
        rows.append(
            {
                "ours": " ".join(ours),
                "native": " ".join(native),
                "median": statistics.median(ratios),
                "least": min(ratios),
                "greatest": max(ratios),
                "aim": aim,
            }
        )
    return rows


def render(results: dict) -> str:
    """Return the tables as Markdown, with what they were measured on."""
    lines = []
    for title in ("log on", "log off"):
        lines += [
            f"**{title.capitalize()}.**",
            "",
            "| side | images/s | least | greatest |",
            "| --- | ---: | ---: | ---: |",
        ]
        for name, seconds in results[title]["seconds"].items():
            speeds = [results["examples"] / value for value in seconds]
            lines.append(f"| {name} | {statistics.median(speeds):,.0f} | {min(speeds):,.0f} | {max(speeds):,.0f} |")
        lines += ["", "| ratio of speeds | median | least | greatest | aim |", "| --- | ---: | ---: | ---: | ---: |"]
        for row in results[title]["ratios"]:
            numbers = f"{row['median']:.2f} | {row['least']:.2f} | {row['greatest']:.2f} | {row['aim']:.2f}"
            lines.append(f"| {row['ours']} / {row['native']} | {numbers} |")
        lines.append("")
    lines.append(
        f"`mnist_cnn`, batch {BATCH_SIZE}, {results['examples']:,} images an epoch; median, least and greatest of "
        f"{results['turns']} turns after a warm-up. {describe_machine(results['environment'])}. "
        "Written by `python -m benchmarks.speed "
        f"--examples {results['examples']} --turns {results['turns']} --docs docs/speed.md`."
    )
    return "\n".join(lines)


def main() -> None:
    """Measure, print the tables, and write them where asked."""
    print_anywhere()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=60_000, help="training images of an epoch; default all")
    parser.add_argument("--turns", type=int, default=3, help="epochs of each side after its warm-up; default 3")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="replace the tables between the markers of FILE")
    parser.add_argument("--json", metavar="FILE", help="also write everything to FILE")
    options = parser.parse_args()
    results = {"environment": describe_environment(None), "examples": options.examples, "turns": options.turns}
    for title, log_every in (("log on", 50), ("log off", 0)):
        seconds = measure(options.examples, options.turns, log_every)
        results[title] = {"seconds": seconds, "ratios": compare(seconds)}
    text = render(results)
    print(text)
    if options.docs:
        replace_between_markers(options.docs, "benchmarks.speed", text)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
