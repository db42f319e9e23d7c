"""The callbacks of a training run: the log line, the checkpoint, the clean stop."""

import math
import signal
import threading
import time
from collections.abc import Callable

import keras
import numpy as np

from data.pipeline import scale
from data.split import Split
from foundation.errors import UserError
from training.checkpoint import Position, restore_state, write_checkpoint
from training.scoring import CHUNK, count_right


class LastLoss(keras.metrics.Metric):
    """The loss of the last step alone; Keras's own `loss` is the mean since the epoch began.

    Args:
        loss: The loss that the model is trained with.
    """

    def __init__(self, loss: keras.losses.Loss):
        super().__init__(name="last_loss")
        self._loss = loss
        self._last = self.add_variable((), "zeros", name="last")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Keep this step's loss."""
        self._last.assign(self._loss(y_true, y_pred, sample_weight))

    def result(self):
        """Return the loss of the last step."""
        return self._last.value


class StepCounter(keras.callbacks.Callback):
    """Counts the finished steps of the current epoch, and its seconds.

    Both are right also where one execution runs several steps, and in an epoch resumed in its middle.

    Args:
        steps_per_epoch: Steps of a whole epoch.
    """

    def __init__(self, steps_per_epoch: int):
        super().__init__()
        self.steps_per_epoch = steps_per_epoch
        self.start_epoch(0, 0.0)
        self.first_step_done: float | None = None  # time.time() when the run's first execution had finished
        self.first_execution = 0  # how many steps that was

    def start_epoch(self, first_step: int, seconds: float) -> None:
        """Count from here on: an epoch's begin, or `first_step` steps and `seconds` after it."""
        self.first_step = self.step = first_step
        self._started = time.perf_counter() - seconds

    def on_train_batch_end(self, batch, logs=None):
        """Count; `batch` is the execution's last step from 0 in this `fit`, rounded up at the epoch's end."""
        self.step = min(self.first_step + batch + 1, self.steps_per_epoch)
        if self.first_step_done is None:
            self.first_step_done = time.time()
            self.first_execution = self.step - self.first_step

    @property
    def seconds(self) -> float:
        """Seconds since the epoch began, those between a stop and its resumption left out."""
        return time.perf_counter() - self._started

    @property
    def at_epoch_end(self) -> bool:
        """Whether the epoch's last step is done."""
        return self.step == self.steps_per_epoch


class LogAccuracy(keras.callbacks.Callback):
    """Adds a row to the log every so many steps: that step's loss, and the accuracy on the first test images.

    Args:
        counter: Counts the steps; stands before this callback in the list.
        test: The test split; its first `examples` are scored.
        examples: How many.
        every: Steps between two rows; 0 for none.
        write: Gets each row: epoch (from 0), step (from 1, counted over all epochs), train_loss (of that step),
            test_accuracy, and the means over the epoch so far, mean_loss and train_accuracy.
        log: The rows so far; each new one is appended.
        features: Gets the model and the step at each row, to look into it; None for nothing.

    Raises:
        UserError: In training, when the loss is no longer finite.
    """

    def __init__(
        self,
        counter: StepCounter,
        test: Split,
        examples: int,
        every: int,
        write: Callable[[dict], None],
        log: list[dict],
        features: Callable | None = None,
    ):
        super().__init__()
        test = test.first(min(examples, len(test)))
        self._chunks = [
            (scale(test.inputs[start : start + CHUNK]), test.labels[start : start + CHUNK])
            for start in range(0, len(test), CHUNK)
        ]
        self._examples = len(test)
        self._counter, self._every, self._write, self._log, self._features = counter, every, write, log, features
        self._epoch = 0
        self.seconds = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        """Remember the epoch's number."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Log, at the interval."""
        if not self._every or self._counter.step % self._every:
            return
        self._check_finite(logs)
        started = time.perf_counter()
        model = self.model  # on JAX this brings the trained weights into the model
        right = count_right(model.predict_on_batch, self._chunks)
        row = {
            "epoch": self._epoch,
            "step": self._epoch * self._counter.steps_per_epoch + self._counter.step,
            "train_loss": float(logs["last_loss"]),
            "test_accuracy": right / self._examples,
            "mean_loss": float(logs["loss"]),
            "train_accuracy": float(logs["accuracy"]),
        }
        self._log.append(row)
        self._write(row)
        if self._features:
            self._features(model, row["step"])
        self.seconds += time.perf_counter() - started

    def on_epoch_end(self, epoch, logs=None):
        """Look at the loss once more, for epochs shorter than the interval."""
        self._check_finite(logs)

    def _check_finite(self, logs: dict):
        if not math.isfinite(float(logs["loss"])):
            raise UserError(
                f"the loss is no longer finite (epoch {self._epoch}, by step {self._counter.step}); "
                "train again with a lower rate, as --set learning_rate=0.0001"
            )


class Checkpointer(keras.callbacks.Callback):
    """Writes the whole state of the run now and then, and before a clean stop.

    Args:
        path: The file.
        counter: Counts the steps; stands before this callback in the list.
        history: A row per finished epoch; kept up to date by the training loop.
        log: A row per log line.
        seconds: Least time between two checkpoints; 0 writes one after every execution.
        stop_requested: Asked after every execution; true ends the run there.
    """

    def __init__(self, path, counter: StepCounter, history: list, log: list, seconds: float, stop_requested: Callable):
        super().__init__()
        self._path, self._counter, self._history, self._log = path, counter, history, log
        self._seconds, self._stop_requested = seconds, stop_requested
        self._epoch = 0
        self._last = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        """Remember the epoch's number."""
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        """Write, if it is time; the epoch's last step is left to `write_between_epochs`, after its validation."""
        stop = self._stop_requested()
        due = stop or time.monotonic() - self._last >= self._seconds
        # A run that has lost its numbers must not take the last good state with it.
        if due and not self._counter.at_epoch_end and math.isfinite(float(logs["loss"])):
            self._write(Position(self._epoch, self._counter.step, self._counter.seconds, self._history, self._log))
        if stop:
            self.model.stop_training = True

    def write_between_epochs(self, model, epochs: int) -> None:
        """Write the state after `epochs` whole epochs."""
        self.set_model(model)
        self._write(Position(epochs, 0, 0.0, self._history, self._log))

    def _write(self, position: Position):
        write_checkpoint(self._path, self.model, position)
        self._last = time.monotonic()


class Restore(keras.callbacks.Callback):
    """Puts a checkpoint's state into the model as the first epoch begins, after `fit` has reset the metrics.

    Args:
        arrays: The state, from `read_checkpoint`; used once.
    """

    def __init__(self, arrays: list[np.ndarray]):
        super().__init__()
        self._arrays: list[np.ndarray] | None = arrays

    def on_epoch_begin(self, epoch, logs=None):
        """Restore, once."""
        if self._arrays is not None:
            restore_state(self.model, self._arrays)
            self._arrays = None


class CleanStop:
    """Turns the first Ctrl-C (or SIGTERM) into a request to stop after the current execution; a second one interrupts.

    Use as a context manager around the training; does nothing outside the main thread.
    """

    def __init__(self):
        self.requested = False
        self._previous = {}

    def __enter__(self) -> "CleanStop":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *exception):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number, frame):
        self.requested = True
        for signal_number, handler in self._previous.items():
            signal.signal(signal_number, handler)
