"""A copy of the code with a system and a data set of its own, small enough to train in a second; faults go into it."""

import json
import shutil
from pathlib import Path

from tests.commands import ROOT, finish, start

PACKAGES = ("comparing", "data", "figures", "foundation", "keras_parity", "models", "training")

DATA = '''"""Ten overlapping clouds of points."""

import numpy as np

from data.split import Dataset, Split

CLASS_NAMES = ("<b>red</b>", *"123456789")


def read(archives=None, cache=None):
    """Return the clouds."""
    generator = np.random.default_rng(3)
    centres = generator.normal(0, 0.4, (10, 32))

    def split(count):
        labels = generator.integers(0, 10, count)
        return Split((centres[labels] + generator.normal(0, 1, (count, 32))).astype(np.float32), labels)

    return Dataset("clouds", split(3000), split(2000), CLASS_NAMES)
'''

MODEL = '''"""A tiny network for ten clouds of points.

1,386 parameters.

Origin: ours.
"""

from foundation.recipe import Recipe

RECIPE = Recipe(
    dataset="clouds",
    batch_size=50,
    epochs=3,
    optimizer="adam",
    learning_rate=0.005,
    loss="sparse_categorical_crossentropy_from_logits",
    log_every=10,
)


def build():
    """Build the network."""
    import keras
    from keras import layers

    initializer, rate = choose(keras)
    point = keras.Input((32,), name="point")
    x = layers.Dense(32, activation="relu", kernel_initializer=initializer, name="hidden")(point)
    x = layers.Dropout(rate, seed=1, name="dropout")(x)
    return keras.Model(point, layers.Dense(10, name="logits")(x), name="tiny")


def choose(keras):
    """Return the initialiser and the rate of the dropout."""
    return "glorot_uniform", 0.2
'''

# Each is added at the end of a file of the copy, and changes what one backend does there, and nothing else.
FAULTS = {
    "dropout": (
        "models/tiny.py",
        """

def choose(keras):
    return "glorot_uniform", 0.5 if keras.backend.backend() == "torch" else 0.2
""",
    ),
    "optimiser": (
        "training/optimizers.py",
        """
make_sound_optimizer = make_optimizer


def make_optimizer(recipe):
    factor = 1.01 if keras.backend.backend() == "torch" else 1.0
    return make_sound_optimizer(recipe.override(learning_rate=factor * recipe.learning_rate))
""",
    ),
    "data order": (
        "data/pipeline.py",
        """
sound_order = epoch_order


def epoch_order(count, seed, epoch):
    import keras

    order = sound_order(count, seed, epoch)
    return order[::-1] if keras.backend.backend() == "torch" else order
""",
    ),
    "initialiser": (
        "models/tiny.py",
        """

def choose(keras):
    wide = keras.initializers.RandomNormal(stddev=30.0)
    return wide if keras.backend.backend() == "torch" else "glorot_uniform", 0.2
""",
    ),
    "construction": (
        "models/tiny.py",
        """

def choose(keras):
    if keras.backend.backend() == "torch":
        raise RuntimeError("planted: no such thing on PyTorch")
    return "glorot_uniform", 0.2
""",
    ),
}


def copy_code(folder: Path, fault: str | None = None) -> Path:
    """Copy the code into `folder`, with the tiny system, and plant a fault of `FAULTS`; return the folder."""
    for script in ("compare.py", "train.py"):
        shutil.copy(ROOT / script, folder)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "embedded")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    (folder / "data" / "clouds.py").write_text(DATA)
    (folder / "models" / "tiny.py").write_text(MODEL)
    if fault is not None:
        name, text = FAULTS[fault]
        with (folder / name).open("a") as file:
            file.write(text)
    return folder


def compare(folder: Path, *arguments: str) -> tuple[int, dict | None, str]:
    """Run the copy's `compare.py` on two backends; return its exit code, its report, if any, and what it wrote."""
    given = [] if "--from" in arguments or "--backends" in arguments else ["--backends", "jax,torch"]
    out = [] if "--out" in arguments else ["--out", "report"]
    code, stdout, stderr = finish(start(folder / "compare", *given, *out, *arguments, folder=folder))
    place = Path(arguments[arguments.index("--out") + 1]) if "--out" in arguments else Path("report")
    path = folder / place / "report.json"
    return code, json.loads(path.read_text()) if path.exists() else None, stdout + stderr


def outcomes(report: dict) -> dict[str, str]:
    """Return the outcome of each question."""
    return {answer["question"]: answer["outcome"] for answer in report["answers"]}
