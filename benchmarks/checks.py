"""How long the engine's checks take, and how much memory a large network's check needs.

    python -m benchmarks.checks --docs docs/speed.md

The first check of a process, which starts the workers, and later ones, of `mnist_cnn`; 100 small checks in one pytest
session; and with `--large` a network of 200 layers on 224 × 224 pixels, its processes' memory watched while it runs.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from benchmarks.machine import describe_machine
from benchmarks.markers import replace_between_markers
from keras_parity import check
from keras_parity.crew import Crew
from keras_parity.names import TRAINING_BACKENDS

LATER_CHECKS = 5
SMALL_CHECKS = 100
LARGE_LAYERS = 200
LOSS = {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True}}

SESSION = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_small_model(parity, number):
    def build():
        import keras
        from keras import layers

        image = keras.Input((6, 6, 2))
        x = image if number % 2 else layers.Conv2D(3, 3, padding="same")(image)
        x = layers.Dense(4, activation=("relu", "tanh", "gelu", "sigmoid", "elu")[number % 5])(layers.Flatten()(x))
        return keras.Model(image, layers.Dense(1 + number // 25)(x))

    parity.check(build)
"""


def build_large():
    """Return a residual network of `LARGE_LAYERS` layers for images of 224 × 224 pixels."""
    import keras
    from keras import layers

    image = keras.Input((224, 224, 3), name="image")
    x = layers.Conv2D(32, 7, strides=2, padding="same", name="stem")(image)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool")(x)
    filters, blocks = 32, (LARGE_LAYERS - 4) // 7
    for block in range(blocks):
        strides = 2 if block and block % (blocks // 4) == 0 and filters < 256 else 1
        filters *= strides  # twice as many for images of half the size
        shortcut = x if strides == 1 else layers.Conv2D(filters, 1, strides=2, name=f"shortcut{block}")(x)
        x = layers.BatchNormalization(name=f"norm{block}a")(x)
        x = layers.ReLU(name=f"relu{block}a")(x)
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", name=f"conv{block}a")(x)
        x = layers.BatchNormalization(name=f"norm{block}b")(x)
        x = layers.ReLU(name=f"relu{block}b")(x)
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv{block}b")(x)
        x = layers.Add(name=f"add{block}")([shortcut, x])
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, layers.Dense(10, name="logits")(x), name="large")


def main() -> None:
    """Measure, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true", help="also check the large network (many minutes)")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="replace the table between the markers of FILE")
    options = parser.parse_args()
    first, later = measure_checks()
    rows = [
        ("first check of `mnist_cnn`, the workers' start included", f"{first:.1f} s", "15 s"),
        (
            f"later ones, median of {len(later)} ({min(later):.1f} to {max(later):.1f})",
            f"{statistics.median(later):.1f} s",
            "2 s",
        ),
        (f"{SMALL_CHECKS} small checks in one pytest session", f"{measure_session():.0f} s", "120 s"),
    ]
    if options.large:
        seconds, memory, outcome = measure_large()
        what = f"{LARGE_LAYERS} layers on 224 × 224 pixels, all processes together"
        rows.append((f"{what} (backends {outcome}; {seconds:.0f} s)", f"{memory / 2**30:.1f} GiB", "6 GB"))
    lines = ["| | measured | aim |", "| --- | ---: | ---: |", *(f"| {' | '.join(row)} |" for row in rows), ""]
    lines.append(
        f"Three backends, gradients, optimiser steps and reloading included. {describe_machine()}. What JAX compiles "
        "is kept from one process to the next, as for a user. Written by "
        f"`python -m benchmarks.checks{' --large' if options.large else ''} --docs docs/speed.md`."
    )
    print("\n".join(lines))
    if options.docs:
        replace_between_markers(options.docs, "benchmarks.checks", "\n".join(lines))


def measure_checks() -> tuple[float, list[float]]:
    """Return the seconds of the first check, and of later ones."""
    seconds = []
    with Crew(TRAINING_BACKENDS) as crew:
        for _ in range(1 + LATER_CHECKS):
            started = time.perf_counter()
            check("models.mnist_cnn:build", loss=LOSS, crew=crew)
            seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1:]


def measure_session() -> float:
    """Return the seconds of a pytest session of small checks, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "test_small.py")
        path.write_text(SESSION.format(count=SMALL_CHECKS), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "keras_parity.pytest_plugin",
            "--rootdir",
            folder,
            str(path),
        ]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started


def measure_large() -> tuple[float, int, str]:
    """Return the large network's seconds, the greatest memory of this process and its workers in bytes, the outcome."""
    greatest, done = 0, threading.Event()

    def watch():
        nonlocal greatest
        me = psutil.Process()
        while not done.wait(0.2):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:  # it has just ended
                    continue
            greatest = max(greatest, total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with Crew(TRAINING_BACKENDS) as crew:
            verdict = check("benchmarks.checks:build_large", crew=crew, time_limit=1800.0, edge=False)
    finally:
        done.set()
        watcher.join()
    return verdict.seconds, greatest, verdict.outcome.value


if __name__ == "__main__":
    main()
