"""Short trainings on made-up images, to be run in a backend's worker."""

from pathlib import Path

import numpy as np


def make_dataset(examples: int = 130, seed: int = 0):
    """Return a data set of `examples` training and 45 test images: noise with a bright row that tells the class."""
    from data.split import Dataset, Split

    def split(count: int, generator) -> Split:
        labels = generator.integers(0, 10, count)
        images = generator.integers(0, 100, (count, 28, 28, 1), dtype=np.uint8)
        images[np.arange(count), 4 + 2 * labels] = 255
        return Split(images, labels)

    generator = np.random.default_rng(seed)
    return Dataset("made_up", split(examples, generator), split(45, generator), tuple("0123456789"))


def train_briefly(
    folder: str,
    *,
    model: str = "mnist_cnn",
    stop_after: int | None = None,
    resume: bool = False,
    seconds: float = 0,
    **values,
):
    """Train a system on `make_dataset()` and return its weights and record.

    Args:
        folder: An existing folder.
        model: The system, one that takes images.
        stop_after: Die without a word after so many executions, as a killed process would.
        resume: Go on from the folder's checkpoint.
        seconds: Least time between checkpoints.
        **values: Overrides of the recipe.
    """
    import keras

    import models
    from training.fit import train
    from training.run_folder import RunFolder

    class Die(keras.callbacks.Callback):
        executions = 0

        def on_train_batch_end(self, batch, logs=None):
            self.executions += 1
            if self.executions == stop_after:
                raise ConnectionAbortedError("killed by the test")

    system = models.load(model)
    recipe = system.recipe.override(**({"batch_size": 20, "epochs": 2, "log_every": 2, "log_examples": 40} | values))
    try:
        training = train(
            system,
            recipe,
            make_dataset(),
            RunFolder(Path(folder)),
            resume=resume,
            checkpoint_seconds=seconds,
            say=lambda _: None,
            callbacks=[Die()] if stop_after else [],
        )
    except ConnectionAbortedError:
        return None
    return {
        "weights": training.model.get_weights(),
        "optimizer": [keras.ops.convert_to_numpy(variable) for variable in training.model.optimizer.variables],
        "history": [{key: row[key] for key in row if "second" not in key} for row in training.history],
        "log": training.log,
        "finished": training.finished,
        "images": training.images,
    }


def same_bits(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Return whether two lists of arrays are equal bit for bit."""
    return len(first) == len(second) and all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))
