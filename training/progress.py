"""The progress bar: loss, accuracy, images per second, time left."""

import sys
import time

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training.callbacks import StepCounter

# Reading a loss waits for the backend, so the bar looks at it only so often.
SECONDS_BETWEEN_UPDATES = 0.2


class ProgressBar(keras.callbacks.Callback):
    """Draws a bar on stderr for each epoch, where stderr is a terminal; else nothing.

    Args:
        counter: Counts the steps; stands before this callback in the list.
        epochs: Epochs of the whole run.
        batch_size: Images per step.
    """

    def __init__(self, counter: StepCounter, epochs: int, batch_size: int):
        super().__init__()
        self._counter, self._epochs, self._batch_size = counter, epochs, batch_size
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            # With stdout in a file or a pipe, the log lines must go there and not to the bar's terminal.
            redirect_stdout=sys.stdout.isatty(),
            refresh_per_second=5,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> "ProgressBar":
        if self._progress.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *exception):
        self._progress.stop()

    def on_epoch_begin(self, epoch, logs=None):
        """Start the epoch's bar."""
        self._started = self._updated = time.monotonic()
        self._task = self._progress.add_task(
            f"epoch {epoch + 1} of {self._epochs}",
            total=self._counter.steps_per_epoch,
            completed=self._counter.first_step,
            numbers="",
        )

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar, a few times a second."""
        now = time.monotonic()
        if self._task is None or not self._progress.live.is_started:
            return
        if now - self._updated < SECONDS_BETWEEN_UPDATES and not self._counter.at_epoch_end:
            return
        self._updated = now
        images_per_second = (self._counter.step - self._counter.first_step) * self._batch_size / (now - self._started)
        numbers = (
            f"loss {float(logs['loss']):.4f}  accuracy {float(logs['accuracy']):.4f}  {images_per_second:,.0f} images/s"
        )
        self._progress.update(self._task, completed=self._counter.step, numbers=numbers)
