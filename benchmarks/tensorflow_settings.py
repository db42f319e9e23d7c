"""Whether a setting makes TensorFlow twice as fast as the native PyTorch loop: the hand-written loop under each.

    python -m benchmarks.tensorflow_settings --docs docs/speed.md

The sides alternate in one run, as in `benchmarks.speed`; every 50 steps all score the test images.
"""

import argparse
import statistics
from pathlib import Path

from benchmarks.markers import replace_between_markers
from benchmarks.speed import Side, alternate

LOG_EVERY = 50
# What TensorFlow reads from the environment: its convolutions' library, XLA, and its threads.
SETTINGS = {
    "as it comes": {},
    "TF_ENABLE_ONEDNN_OPTS=0": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "XLA on all operations": {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit"},
    "TF_NUM_INTEROP_THREADS=1": {"TF_NUM_INTEROP_THREADS": "1"},
    "TF_NUM_INTRAOP_THREADS=1": {"TF_NUM_INTRAOP_THREADS": "1"},
}


def main() -> None:
    """Measure, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tensorflow_settings", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--examples", type=int, default=10_000, help="training images of an epoch; default 10,000")
    parser.add_argument("--turns", type=int, default=3, help="epochs of each side after its warm-up; default 3")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="replace the table between the markers of FILE")
    options = parser.parse_args()
    sides = {"PyTorch": Side("native", "torch", options.examples, LOG_EVERY)}
    for name, settings in SETTINGS.items():
        sides[name] = Side("native", "tensorflow", options.examples, LOG_EVERY, settings)
    seconds = alternate(sides, options.examples, options.turns)
    lines = ["| native TensorFlow loop | images/s | over the native PyTorch loop |", "| --- | ---: | ---: |"]
    for name in SETTINGS:
        speed = options.examples / statistics.median(seconds[name])
        ratios = [slow / fast for slow, fast in zip(seconds["PyTorch"], seconds[name], strict=True)]
        lines.append(f"| {name} | {speed:,.0f} | {statistics.median(ratios):.2f} |")
    text = "\n".join(lines)
    print(text)
    if options.docs:
        replace_between_markers(options.docs, "benchmarks.tensorflow_settings", text)


if __name__ == "__main__":
    main()
