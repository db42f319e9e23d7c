"""Training a system by its recipe with `model.fit`, from the start or from a checkpoint."""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from data.pipeline import batches, scale, training_batches
from data.split import Dataset, Split
from foundation.errors import UserError
from foundation.files import write_file
from foundation.recipe import Recipe
from models import System
from training.acceleration import jit_compile, replay_steps, steps_per_execution
from training.callbacks import Checkpointer, CleanStop, LastLoss, LogAccuracy, Restore, StepCounter
from training.checkpoint import Position, read_checkpoint, restore_state
from training.log_lines import LOG_LINES
from training.losses import make_loss
from training.optimizers import make_optimizer
from training.perturbation import perturb_weights
from training.progress import ProgressBar
from training.run_folder import CHECKPOINT, RunFolder


@dataclass
class Training:
    """What a run of `train` did.

    Attributes:
        model: The trained model, compiled.
        history: A row per finished epoch.
        log: A row per log line.
        finished: Whether all epochs were done; false after Ctrl-C.
        step: Finished steps of the epoch that was stopped, or of the last one.
        steps_per_epoch: Steps of a whole epoch.
        seconds: Time spent in `fit`, the first step's compilation included.
        images: Images that this process trained on.
        first_images: Those of them that the first execution took: a step, or several in one piece.
        first_seconds: How much of `seconds` it took, compilation included.
        logging_seconds: How much of `seconds` the accuracy log took.
        first_step_done: `time.time()` when the first execution had finished.
    """

    model: keras.Model
    history: list[dict] = field(default_factory=list)
    log: list[dict] = field(default_factory=list)
    finished: bool = False
    step: int = 0
    steps_per_epoch: int = 0
    seconds: float = 0.0
    images: int = 0
    first_images: int = 0
    first_seconds: float = 0.0
    logging_seconds: float = 0.0
    first_step_done: float | None = None

    @property
    def images_per_second(self) -> float:
        """The speed once everything is compiled; that of the whole where the first execution was the only one."""
        if self.images > self.first_images:
            return (self.images - self.first_images) / (self.seconds - self.first_seconds)
        return self.images / self.seconds


def train(
    system: System,
    recipe: Recipe,
    dataset: Dataset,
    folder: RunFolder,
    *,
    resume: bool = False,
    checkpoint_seconds: float = 10.0,
    say: Callable[[str], None] = print,
    features: Callable | None = None,
    watch: Callable[[list[dict], list[dict]], None] | None = None,
    show_progress: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Training:
    """Train `system` and return the model with its record.

    The same recipe on the same backend gives the same weights bit for bit, stopped and resumed or not: the order of the
    images is a function of (seed, epoch), and a checkpoint holds all the rest.

    Args:
        system: What to train.
        recipe: The values to train with.
        dataset: The data.
        folder: Where the log, the history and the checkpoint are written.
        resume: Go on from the folder's checkpoint and not from the start.
        checkpoint_seconds: Least time between two checkpoints.
        say: Gets the text of each line of the recipe's log.
        features: Gets the model and the step at each row of the log; None for nothing.
        watch: Gets the log and the history after each new row of either, as to plot them; None for nothing.
        show_progress: Show a bar on stderr.
        callbacks: Further Keras callbacks, as TensorBoard.

    Raises:
        UserError: If the loss is no longer finite, the checkpoint does not fit, or a file cannot be written.
    """
    keras.utils.set_random_seed(recipe.seed)
    splits = training_splits(dataset, recipe)
    train_split = splits[0]
    model = build_compiled(system, recipe)
    if recipe.perturbation:
        perturb_weights(model, np.random.default_rng([recipe.perturbation, 7]))

    checkpoint = folder.path / CHECKPOINT
    position, restore = Position(0, 0, 0.0, [], []), []
    if resume:
        position, arrays = read_checkpoint(checkpoint)
        folder.write_log(position.log)
        folder.write_history(position.history)
        if position.epoch >= recipe.epochs:
            raise UserError(f"that run has finished its {position.epoch} epochs; give --epochs N to train it further")
        # The metrics are built by their first batch; what this one leaves in the state is overwritten at once.
        first = train_split.first(1)
        model.test_on_batch(scale(first.inputs), first.labels)
        restore_state(model, arrays)
        restore = [Restore(arrays)]

    steps = -(-len(train_split) // recipe.batch_size)
    result = Training(model, position.history, position.log)
    lines = LOG_LINES[recipe.log]

    def say_line(line: str | None) -> None:
        if line is not None:
            say(line)

    def write_log(row: dict) -> None:
        folder.append_log(row)
        say_line(lines.after_step(row))
        if watch:
            watch(result.log, result.history)

    counter = StepCounter(steps)
    logger = LogAccuracy(counter, dataset.test, recipe.log_examples, recipe.log_every, write_log, result.log, features)
    bar = ProgressBar(counter, recipe.epochs, recipe.batch_size) if show_progress else nullcontext()
    started, began = time.perf_counter(), time.time()
    with CleanStop() as stop, bar:
        checkpointer = Checkpointer(
            checkpoint, counter, result.history, result.log, checkpoint_seconds, lambda: stop.requested
        )
        all_callbacks = [*restore, counter, logger, checkpointer, *([bar] if show_progress else []), *callbacks]
        if recipe.learning_rate_decay != 1:
            all_callbacks.append(keras.callbacks.LearningRateScheduler(recipe.rate_of_epoch))
        for epoch in range(position.epoch, recipe.epochs):
            resumed = epoch == position.epoch
            counter.start_epoch(position.step if resumed else 0, position.seconds if resumed else 0.0)
            say_line(lines.before_epoch(epoch, recipe.epochs))
            logs = fit_epoch(model, recipe, splits, epoch, counter.first_step, all_callbacks)
            seconds, images = counter.seconds, min(counter.step * recipe.batch_size, len(train_split))
            result.images += images - counter.first_step * recipe.batch_size
            if not counter.at_epoch_end:
                break
            result.history.append({"epoch": epoch, **logs, "seconds": seconds, "images_per_second": images / seconds})
            folder.write_history(result.history)
            say_line(lines.after_epoch(result.history[-1], steps))
            if watch:
                watch(result.log, result.history)
            checkpointer.write_between_epochs(model, epoch + 1)
            if stop.requested:
                break
    result.seconds = time.perf_counter() - started
    result.finished = len(result.history) == recipe.epochs
    result.step, result.steps_per_epoch = counter.step, steps
    result.logging_seconds, result.first_step_done = logger.seconds, counter.first_step_done
    if counter.first_step_done is not None:  # else stopped before it
        result.first_images = min(counter.first_execution * recipe.batch_size, result.images)
        result.first_seconds = counter.first_step_done - began
    return result


def training_splits(dataset: Dataset, recipe: Recipe) -> tuple[Split, Split | None]:
    """Return what a recipe trains on, and what it holds out for validation, if anything.

    Raises:
        UserError: If the data set has too few examples for the recipe, or no labels for its log.
    """
    if recipe.log_every and not dataset.test.labelled:
        raise UserError("the log scores the test images, which have no labels here; add --set log_every=0")
    split = dataset.train.first(recipe.training_examples) if recipe.training_examples else dataset.train
    return split.hold_out(recipe.validation_split) if recipe.validation_split else (split, None)


def build_compiled(system: System, recipe: Recipe) -> keras.Model:
    """Return the system's model, compiled by its recipe, its optimiser built."""
    model = system.build()
    loss = make_loss(recipe)
    model.compile(
        optimizer=make_optimizer(recipe),
        loss=loss,
        metrics=["accuracy", LastLoss(loss)],
        steps_per_execution=steps_per_execution(keras.backend.backend(), recipe.log_every or 50),
        jit_compile=jit_compile(keras.backend.backend(), recipe.batch_size),
    )
    model.optimizer.build(model.trainable_variables)
    if keras.backend.backend() == "torch":
        replay_steps(model, recipe.batch_size)
    return model


def save_model(system: System, model: keras.Model, path: Path) -> None:
    """Write `model` as a `.keras` file, in one step.

    It is saved uncompiled: a compiled model's file names backend-private optimisers and carries a learning rate, both
    of which mislead whoever loads it elsewhere.
    """
    plain = system.build()
    plain.set_weights(model.get_weights())
    write_file(path, plain.save)


def peak_memory_mib() -> float:
    """Return the most memory that this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def fit_epoch(
    model: keras.Model, recipe: Recipe, splits: tuple[Split, Split | None], epoch: int, first_step: int, callbacks: list
) -> dict:
    """Run one epoch, or the rest of one, and return its mean loss and metrics.

    One `fit` an epoch: within a single `fit` over many, Keras peeks at a batch on some backends and not on others,
    which moves the passes of a data set against the epochs.

    Args:
        model: Compiled by `build_compiled`.
        recipe: The values it trains with.
        splits: What it trains on, and what is scored after the epoch or None, from `training_splits`.
        epoch: The epoch's number, from 0.
        first_step: How many of its steps are done already.
        callbacks: Keras's.
    """
    train_split, validation_split = splits
    history = model.fit(
        training_batches(train_split, recipe.batch_size, recipe.seed, epoch, recipe.shuffle, first_step),
        initial_epoch=epoch,
        epochs=epoch + 1,
        validation_data=batches(validation_split, recipe.batch_size) if validation_split else None,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    )
    return {key: values[-1] for key, values in history.history.items() if "last_loss" not in key}
