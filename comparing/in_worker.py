"""What a backend's worker does for a comparison, one function per errand; the parent calls them by name.

Everything runs by the training code itself: its backend settings, its compiled model, its epochs.
"""

import contextlib
import functools
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

import data
import models
import train
from data.pipeline import scale, training_batches
from keras_parity.randomness import shared_randomness
from training.backend import start_backend
from training.fit import build_compiled, fit_epoch, training_splits
from training.perturbation import perturb, perturb_weights
from training.run_folder import MODEL, RunConfig
from training.scoring import predict, score
from training.weights import load_weights

start_backend(keras.backend.backend())

# Of each variable so many entries are followed over the steps, so that twenty steps of 3 million weights fit in memory.
FOLLOWED_ENTRIES = 4096


def describe_system(arguments: list[str]) -> dict:
    """Return what the parent, which imports no keras, has to know of a system.

    Args:
        arguments: Of `train.py`, without backend, seed and folder.

    Returns:
        `title`, `source`, `parameters`, `recipe` (as `config.json` holds it, with the first seed), `steps_per_epoch`,
        `training_examples`, `test_examples`, `class_names`, `shows_images`, and `builder`: the arguments
        of its function `build`.

    Raises:
        UserError: If the system, its recipe or its data cannot be trained.
    """
    system, recipe, source, options = _read_system(arguments)
    kept, _ = training_splits(source, recipe)
    test = RunConfig(system.name, "", recipe, options.smoke).test_split(source)
    return {
        "title": system.title,
        "source": system.source,
        "parameters": system.build().count_params(),
        "recipe": vars(recipe),
        "steps_per_epoch": -(-len(kept) // recipe.batch_size),
        "training_examples": len(source.train),
        "test_examples": len(test),
        "class_names": list(source.class_names),
        "shows_images": source.shows_images,
        "builder": system.build.keywords,
    }


def train_run(arguments: list[str]) -> tuple[int, str]:
    """Train as `train.py` with these arguments does; return its exit code and what it wrote on stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as words:
        code = train.main(arguments)
    return code, words.getvalue()


def draw_initial_weights(arguments: list[str]) -> list[np.ndarray]:
    """Return the weights with which this backend would start a training, to be given to all."""
    system, recipe, _, _ = _read_system(arguments)
    keras.utils.set_random_seed(recipe.seed)
    return system.build().get_weights()


def record_steps(arguments: list[str], weights: list[np.ndarray], count: int, draws: int) -> dict:
    """Train the first steps from given weights, and again from perturbed ones; return what was seen on the way.

    Dropout and other random layers draw the same numbers on every backend.

    Args:
        arguments: Of `train.py`.
        weights: The initial weights, as `draw_initial_weights` gives them.
        count: Steps.
        draws: How often to train with perturbed weights: each entry moved to a neighbouring float32 number, up or down
            at random, before the first step and after each one.

    Returns:
        `names`: the variables' paths; `sizes`: their entries; `batches`: a checksum of each step's batch; `losses`:
        float64 `(1 + draws, count)`; `followed`: for each variable float32 `(1 + draws, count, entries)`.
    """
    system, recipe, source, _ = _read_system(arguments)
    # On TensorFlow one execution runs all steps between two log lines, and only its end can be seen.
    recipe = recipe.override(log_every=1)
    splits = training_splits(source, recipe)
    keras.utils.set_random_seed(recipe.seed)
    recorders = [StepRecorder(count, draw) for draw in range(draws + 1)]
    with shared_randomness(recipe.seed, tuple), shared_dropout(recipe.seed, recipe.batch_size):
        for recorder in recorders:
            model = build_compiled(system, recipe)
            recorder.perturb_constants(model.optimizer)
            first = splits[0].first(1)
            model.test_on_batch(scale(first.inputs), first.labels)  # builds the metrics
            model.set_weights(weights)
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
        draw: Number of the perturbation; 0 for none.
    """

    def __init__(self, count: int, draw: int):
        super().__init__()
        self._count, self._generator = count, np.random.default_rng([draw, 7]) if draw else None
        self.losses: list[float] = []
        self.followed: list[list[np.ndarray]] = []

    def perturb_constants(self, optimizer) -> None:
        """Perturb what the optimiser computes with: learning rate, decay rates, epsilon."""
        if self._generator is None:
            return
        optimizer.learning_rate.assign(perturb(np.float32(optimizer.learning_rate.value), self._generator))
        for name, value in optimizer.get_config().items():
            if isinstance(value, float) and name != "learning_rate" and hasattr(optimizer, name):
                setattr(optimizer, name, float(perturb(np.float32(value), self._generator)))

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
        seed: Draws the masks.
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
    """Return the entries of a variable that are followed, float32 `(entries,)`: all, or some drawn at random."""
    flat = np.asarray(values, np.float32).ravel()
    if flat.size <= FOLLOWED_ENTRIES:
        return flat.copy()
    return flat[np.random.default_rng(flat.size).choice(flat.size, FOLLOWED_ENTRIES, replace=False)]


def predict_runs(arguments: list[str], runs: list[str]) -> list[np.ndarray]:
    """Return the class that each run predicts for each example that scores it, int64 `(n,)`.

    Args:
        arguments: Of `train.py`.
        runs: Run folders of the system, trained on this worker's backend.
    """
    system, recipe, source, options = _read_system(arguments)
    test = RunConfig(system.name, "", recipe, options.smoke).test_split(source)
    model = system.build()
    predicted = []
    for run in runs:
        load_weights(model, Path(run) / MODEL)
        outputs = predict(model, test.inputs)
        predicted.append(score(outputs, np.maximum(test.labels, 0), recipe.outputs).predictions)
    return predicted


def read_examples(arguments: list[str], indices: list[int]) -> dict:
    """Return the inputs `(n, ...)` and the labels `(n,)` of some test examples, and `all_labels` of every one."""
    _, _, source, _ = _read_system(arguments)
    chosen = np.array(indices, int)
    return {
        "inputs": source.test.inputs[chosen],
        "labels": source.test.labels[chosen],
        "all_labels": source.test.labels,
    }


def _read_system(arguments: list[str]):
    options = train.parse_arguments(arguments)
    system = models.load(options.model)
    recipe = train.make_recipe(options, system.recipe)
    return system, recipe, _read_data(recipe.dataset, options.data_dir), options


@functools.cache
def _read_data(name: str, archives: Path | None):
    """Return a data set, read once for all errands of this process."""
    return data.read(name, archives=archives)


def _checksums(split, recipe, count: int) -> list[str]:
    """Return a checksum of each of the first `count` batches, as this backend's pipeline gives them."""
    sums, epoch = [], 0
    while len(sums) < count:
        batches = training_batches(split, recipe.batch_size, recipe.seed, epoch, recipe.shuffle)
        for inputs, labels in batches.take(count - len(sums)):
            sums.append(hashlib.sha256(inputs.numpy().tobytes() + labels.numpy().tobytes()).hexdigest())
        epoch += 1
    return sums
