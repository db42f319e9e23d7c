"""What a backend's worker does for a comparison, one function per task.

Everything runs by the training code itself: its backend settings, its compiled model, its epochs.
"""

import contextlib
import functools
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

import data
import models
from comparing.tasks import (
    DescribeTraining,
    MakeInitialWeights,
    PredictRuns,
    ReadExamples,
    RecordSteps,
    TrainRun,
)
from data.pipeline import scale, training_batches
from data.split import Dataset, Split
from foundation.command_line import run_command
from foundation.recipe import Recipe
from keras_parity.worker.performing import performs
from keras_parity.worker.randomness import shared_randomness
from training.backend import start_backend
from training.fit import build_compiled, fit_epoch, training_splits
from training.perturbation import move_to_neighbours, perturb_weights
from training.request import TrainingRequest
from training.run import run
from training.run_folder import MODEL
from training.scoring import predict, score
from training.weights import load_weights

start_backend(keras.backend.backend())

# Of each variable so many entries are followed over the steps, so that twenty steps of 3 million weights fit in memory.
FOLLOWED_ENTRIES = 4096


@performs(DescribeTraining)
def describe_training(task: DescribeTraining) -> dict[str, Any]:
    """Return what the parent, which imports no keras, has to know of a training: the fields of `TrainingFacts`.

    Raises:
        UserError: If the system, its recipe or its data cannot be trained.
    """
    config, dataset = task.request.config, _read_data(task.request)
    kept, _ = training_splits(dataset, config.recipe)
    return {
        "parameters": models.load(config.model).build().count_params(),
        "steps_per_epoch": -(-len(kept) // config.recipe.batch_size),
        "training_examples": len(dataset.train),
        "test_examples": len(config.test_split(dataset)),
        "class_names": list(dataset.class_names),
        "shows_images": dataset.shows_images,
    }


@performs(TrainRun)
def train_run(task: TrainRun) -> tuple[int, str]:
    """Train as `train.py` does; return its exit code and what it wrote on stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as words:
        code = run_command(functools.partial(run, task.request), "interrupted")
    return code, words.getvalue()


@performs(MakeInitialWeights)
def make_initial_weights(task: MakeInitialWeights) -> list[np.ndarray]:
    """Return the weights with which this backend would start a training, to be given to all."""
    config = task.request.config
    keras.utils.set_random_seed(config.recipe.seed)
    weights: list[np.ndarray] = models.load(config.model).build().get_weights()
    return weights


@performs(RecordSteps)
def record_steps(task: RecordSteps) -> dict[str, Any]:
    """Train the first steps from given weights, and again from perturbed ones; return what was seen on the way.

    Dropout and other random layers take the same numbers on every backend.

    Returns:
        The fields of `comparing.steps.Recording`.
    """
    request, count = task.request, task.count
    system, dataset = models.load(request.config.model), _read_data(request)
    # On TensorFlow one execution runs all steps between two log lines, and only its end can be seen.
    recipe = request.config.recipe.override(log_every=1)
    splits = training_splits(dataset, recipe)
    keras.utils.set_random_seed(recipe.seed)
    recorders = [StepRecorder(count, perturbation) for perturbation in range(task.perturbed + 1)]
    with shared_randomness(recipe.seed, tuple), shared_dropout(recipe.seed, recipe.batch_size):
        for recorder in recorders:
            model = build_compiled(system, recipe)
            recorder.perturb_constants(model.optimizer)
            first = splits[0].first(1)
            model.test_on_batch(scale(first.inputs), first.labels)  # builds the metrics
            model.set_weights(task.weights)
            epoch = 0
            while len(recorder.losses) < count:
                fit_epoch(model, recipe, (splits[0], None), epoch, 0, [recorder])
                epoch += 1
    return {
        "names": [weight.path for weight in model.weights],
        "sizes": [int(np.prod(weight.shape)) for weight in model.weights],
        "batches": _checksums(splits[0], recipe, count),
        "losses": np.array([recorder.losses for recorder in recorders]),
        "followed": [
            np.stack([np.stack(steps) for steps in variable])
            for variable in zip(*(zip(*recorder.followed, strict=True) for recorder in recorders), strict=True)
        ],
    }


class StepRecorder(keras.callbacks.Callback):
    """Keeps the loss and the weights after each step, and perturbs the weights between steps.

    Args:
        count: Steps after which to stop.
        perturbation: Number of the perturbation; 0 for none.
    """

    def __init__(self, count: int, perturbation: int):
        super().__init__()
        self._count = count
        self._generator = np.random.default_rng([perturbation, 7]) if perturbation else None
        self.losses: list[float] = []
        self.followed: list[list[np.ndarray]] = []

    def perturb_constants(self, optimizer) -> None:
        """Perturb what the optimiser computes with: learning rate, decay rates, epsilon."""
        if self._generator is None:
            return
        optimizer.learning_rate.assign(move_to_neighbours(np.float32(optimizer.learning_rate.value), self._generator))
        for name, value in optimizer.get_config().items():
            if isinstance(value, float) and name != "learning_rate" and hasattr(optimizer, name):
                setattr(optimizer, name, float(move_to_neighbours(np.float32(value), self._generator)))

    def on_epoch_begin(self, epoch, logs=None):
        """Perturb the initial weights."""
        if not self.losses:
            self._perturb()

    def on_train_batch_end(self, batch, logs=None):
        """Keep, and perturb."""
        model = self.model  # on JAX this brings the trained weights into the model
        self.losses.append(float(logs["last_loss"]))
        self.followed.append([follow(keras.ops.convert_to_numpy(weight.value)) for weight in model.weights])
        if len(self.losses) == self._count:
            model.stop_training = True
        else:
            self._perturb()

    def _perturb(self):
        if self._generator is not None:
            perturb_weights(self.model, self._generator)


@contextmanager
def shared_dropout(seed: int, examples: int) -> Iterator[None]:
    """Let dropout leave out the same units on every backend, and at every step: a compiled step holds its mask.

    `shared_randomness` has to know a batch's size, which TensorFlow's compiled steps do not.

    Args:
        seed: Fixes the masks.
        examples: Of the largest batch.
    """
    own = keras.src.backend.random.dropout

    def dropout(inputs, rate, noise_shape=None, **_):
        sizes = [examples, *inputs.shape[1:]]
        if noise_shape is not None:
            sizes = [size if wanted is None else wanted for size, wanted in zip(sizes, noise_shape, strict=True)]
        kept = np.random.default_rng([seed, *sizes]).random(sizes) >= rate
        kept = keras.ops.convert_to_tensor(kept)[: keras.ops.shape(inputs)[0]]
        return keras.ops.where(kept, inputs / (1 - rate), keras.ops.zeros_like(inputs))

    keras.src.backend.random.dropout = dropout
    try:
        yield
    finally:
        keras.src.backend.random.dropout = own


def follow(values: np.ndarray) -> np.ndarray:
    """Return the entries of a variable that are followed, float32 `(entries,)`: all, or some chosen at random."""
    flat = np.asarray(values, np.float32).ravel()
    if flat.size <= FOLLOWED_ENTRIES:
        return flat.copy()
    return flat[np.random.default_rng(flat.size).choice(flat.size, FOLLOWED_ENTRIES, replace=False)]


@performs(PredictRuns)
def predict_runs(task: PredictRuns) -> list[np.ndarray]:
    """Return the class that each run predicts for each example that scores it, int64 `(n,)`."""
    config = task.request.config
    test = config.test_split(_read_data(task.request))
    model = models.load(config.model).build()
    predicted = []
    for folder in task.folders:
        load_weights(model, Path(folder) / MODEL)
        outputs = predict(model, test.inputs)
        predicted.append(score(outputs, np.maximum(test.labels, 0), config.recipe.outputs).predictions)
    return predicted


@performs(ReadExamples)
def read_examples(task: ReadExamples) -> dict[str, np.ndarray]:
    """Return the inputs `(n, ...)` and the labels `(n,)` of some test examples, and `all_labels` of every one."""
    dataset = _read_data(task.request)
    chosen = np.array(task.indices, int)
    return {
        "inputs": dataset.test.inputs[chosen],
        "labels": dataset.test.labels[chosen],
        "all_labels": dataset.test.labels,
    }


def _read_data(request: TrainingRequest) -> Dataset:
    return _read_data_set(request.config.recipe.dataset, request.data_dir)


@functools.cache
def _read_data_set(name: str, archives: Path | None) -> Dataset:
    """Return a data set, read once for all tasks of this process."""
    return data.read(name, archives=archives)


def _checksums(split: Split, recipe: Recipe, count: int) -> list[str]:
    """Return a checksum of each of the first `count` batches, as this backend's pipeline gives them."""
    sums: list[str] = []
    epoch = 0
    while len(sums) < count:
        batches = training_batches(split, recipe.batch_size, recipe.seed, epoch, recipe.shuffle)
        for inputs, labels in batches.take(count - len(sums)):
            sums.append(hashlib.sha256(inputs.numpy().tobytes() + labels.numpy().tobytes()).hexdigest())
        epoch += 1
    return sums
