"""One side of the speed benchmark: a process that trains one epoch at each line on its standard input.

    python -m benchmarks.side ours jax 20000 50

It answers each line with the seconds that the epoch took, `fit`'s own preparations and the run folder's files included.
"""

import importlib
import sys
import tempfile
import time
from pathlib import Path

from training.backend import start_backend

MOST_EPOCHS = 1000
# An interval that no epoch reaches, and that TensorFlow's executions divide: the log is off.
NEVER = 1_000_000


def main() -> None:
    """Run the side that the command line names, until its standard input ends."""
    kind, backend, examples, log_every = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if kind == "ours":
        start_backend(backend)
        train_ours(examples, log_every or NEVER)
    else:
        train_native(backend, examples, log_every)


def train_native(backend: str, examples: int, log_every: int) -> None:
    """Train the hand-written loop."""
    loop_module = importlib.import_module(f"benchmarks.native.{backend}_loop")  # before data: PyTorch before TensorFlow
    from benchmarks.data import read_data
    from data.pipeline import epoch_order

    loop = loop_module.Loop(read_data(examples), log_every)
    for epoch, _ in enumerate(sys.stdin):
        started = time.perf_counter()
        loop.run_epoch(epoch_order(examples, 1, epoch))
        print(time.perf_counter() - started, flush=True)


def train_ours(examples: int, log_every: int) -> None:
    """Train `mnist_cnn` by `training.fit.train`, as train.py does."""
    import keras

    import data
    import models
    from training.fit import train
    from training.run_folder import RunFolder

    class Turns(keras.callbacks.Callback):
        """Waits for a line before each epoch, and answers the one before."""

        started = None

        def on_epoch_begin(self, epoch, logs=None):
            if self.started is not None:
                print(time.perf_counter() - self.started, flush=True)
            if not sys.stdin.readline():
                raise EOFError
            self.started = time.perf_counter()

    system = models.load("mnist_cnn")
    recipe = system.recipe.override(training_examples=examples, log_every=log_every, epochs=MOST_EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        try:
            train(system, recipe, data.read("mnist"), RunFolder(Path(folder)), say=lambda _: None, callbacks=[Turns()])
        except EOFError:
            return


if __name__ == "__main__":
    main()
