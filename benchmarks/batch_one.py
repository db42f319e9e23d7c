"""One image a step: how many steps per second, ours against Keras's plain `fit`, with the same mathematics.

    python -m benchmarks.batch_one --docs docs/speed.md

For each backend, `strided_cnn` and `bp_mlp` are trained turn by turn in one process: as `model.compile` and `model.fit`
do it when nothing is asked of them, on a data set of single images, and as train.py does it. The first turn of each
warms up; the ratio is the median over the others. Both start from the same weights and see the same images in the same
order, and the largest difference between their losses, turn by turn, is printed beside the ratio.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.markers import replace_between_markers
from foundation.command_line import print_anywhere
from keras_parity.names import TRAINING_BACKENDS
from training.backend import start_backend

SYSTEMS = ("strided_cnn", "bp_mlp")
AIM = 3.0  # on at least one backend


def main() -> None:
    """Measure each backend in a process of its own and print a table."""
    print_anywhere()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_one", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--backends", default=",".join(TRAINING_BACKENDS), help="names with commas between them; default all"
    )
    parser.add_argument("--steps", type=int, default=1000, help="steps of a turn; default 1,000")
    parser.add_argument("--turns", type=int, default=5, help="turns after the warm-up; default 5")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="replace the table between the markers of FILE")
    parser.add_argument("--here", metavar="BACKEND", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        measure(options.here, options.steps, options.turns)
        return
    lines = [
        "| system | backend | plain `fit`, steps/s | ours, steps/s | ratio | least | greatest | losses differ by |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for backend in options.backends.split(","):
        command = [sys.executable, "-m", "benchmarks.batch_one", "--here", backend]
        command += ["--steps", str(options.steps), "--turns", str(options.turns)]
        rows = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        lines += rows.splitlines()
        print(rows, end="", file=sys.stderr, flush=True)
    lines += [
        "",
        f"{options.steps:,} steps a turn, median, least and greatest of {options.turns} turns after a warm-up, the two "
        f"programs in turn; the aim is {AIM:g} on one backend at least. {describe_machine()}. Written by `python -m "
        f"benchmarks.batch_one --steps {options.steps} --turns {options.turns} --docs docs/speed.md`.",
    ]
    print("\n".join(lines))
    if options.docs:
        replace_between_markers(options.docs, "benchmarks.batch_one", "\n".join(lines))


def measure(backend: str, steps: int, turns: int) -> None:
    """Print the rows of one backend."""
    start_backend(backend)
    import keras

    import data
    import models
    from data.pipeline import training_batches
    from data.split import Dataset
    from training.fit import train
    from training.losses import make_loss
    from training.optimizers import make_optimizer
    from training.run_folder import RunFolder

    mnist = data.read("mnist")
    split = mnist.train.first(steps)
    dataset = Dataset("mnist", split, mnist.test, mnist.class_names)
    for name in SYSTEMS:
        system = models.load(name)
        keras.utils.set_random_seed(system.recipe.seed)
        plain = system.build()  # the same seed, and so the same weights, as in `train`
        plain.compile(make_optimizer(system.recipe), make_loss(system.recipe), metrics=["accuracy"])
        plain_seconds: list[float] = []
        plain_losses: list[float] = []

        def run_plain(turn, plain=plain, seed=system.recipe.seed, seconds=plain_seconds, losses=plain_losses):
            batches = training_batches(split, 1, seed, turn)
            started = time.perf_counter()
            losses.append(plain.fit(batches, verbose=0).history["loss"][0])
            seconds.append(time.perf_counter() - started)

        class BeforeOurs(keras.callbacks.Callback):
            """Trains the plain one before each of our turns."""

            def on_epoch_begin(self, epoch, logs=None, run=run_plain):
                run(epoch)

        recipe = system.recipe.override(epochs=turns + 1)
        with tempfile.TemporaryDirectory() as folder:
            place = RunFolder(Path(folder))
            result = train(system, recipe, dataset, place, say=lambda _: None, callbacks=[BeforeOurs()])
        # Our turn's clock has run while the plain one trained.
        both = [row["seconds"] for row in result.history]
        ours = [whole - plain_part for whole, plain_part in zip(both, plain_seconds, strict=True)]
        ratios = [slow / fast for slow, fast in zip(plain_seconds[1:], ours[1:], strict=True)]
        differences = [abs(row["loss"] - loss) for row, loss in zip(result.history, plain_losses, strict=True)]
        print(
            f"| `{name}` | {backend} | {steps / statistics.median(plain_seconds[1:]):,.0f} "
            f"| {steps / statistics.median(ours[1:]):,.0f} | {statistics.median(ratios):.2f} | {min(ratios):.2f} "
            f"| {max(ratios):.2f} | {max(differences):.1e} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
