"""The run folder: what a training run leaves behind, and how it is named, protected and read back."""

import csv
import io
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from data.split import Dataset, Split
from foundation.errors import UserError
from foundation.files import append_line, describe_os_error, write_json, write_text
from foundation.recipe import Recipe
from keras_parity.names import TRAINING_BACKENDS

CONFIG, ENVIRONMENT, RESULT = "config.json", "environment.json", "result.json"
HISTORY, LOG, MODEL, CHECKPOINT = "history.csv", "log.jsonl", "model.keras", "checkpoint.npz"
FIGURES, TENSORBOARD, CSV_LOG, SUBMISSION = "figures", "tensorboard", "csv_logger.csv", "submission.csv"
SMOKE_TEST_EXAMPLES = 500
_OURS = {CONFIG, ENVIRONMENT, RESULT, HISTORY, LOG, MODEL, CHECKPOINT, FIGURES, TENSORBOARD, CSV_LOG, SUBMISSION}


@dataclass(frozen=True)
class RunConfig:
    """What `config.json` holds: enough to rebuild the model and to go on training.

    Attributes:
        model: Name of a system in `models/`.
        backend: The backend that trains it.
        recipe: The values it trains with, overrides applied.
        smoke: Whether it is only a trial, on few images.
    """

    model: str
    backend: str
    recipe: Recipe
    smoke: bool = False

    @property
    def default_name(self) -> str:
        """The name of the folder in `runs/`."""
        return f"{self.model}-{self.backend}-seed{self.recipe.seed}{'-smoke' if self.smoke else ''}"

    def test_split(self, dataset: Dataset) -> Split:
        """Return the test images that score this run: all of them, or the first few of a trial."""
        return dataset.test.first(min(SMOKE_TEST_EXAMPLES, len(dataset.test))) if self.smoke else dataset.test

    def steps_per_epoch(self, dataset: Dataset) -> int:
        """Return the steps of an epoch of this run on `dataset`."""
        examples = self.recipe.training_examples or len(dataset.train)
        kept = int(examples * (1 - self.recipe.validation_split))
        return -(-kept // self.recipe.batch_size)


class RunFolder:
    """One run's folder.

    Args:
        path: An existing folder.
    """

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def create(cls, config: RunConfig, out: Path | None, overwrite: bool) -> "RunFolder":
        """Make the folder of a new run and write its `config.json`.

        Args:
            config: The run.
            out: The folder to use; None takes `runs/<model>-<backend>-seed<n>`, with a number added if that is taken.
            overwrite: Whether an earlier run in that place may be deleted.

        Raises:
            UserError: If `out` is taken and `overwrite` is false, holds anything that is no run's, or cannot be made.
        """
        path = out or Path("runs") / config.default_name
        try:
            if overwrite:
                _delete_run(path)
            if out is None:
                number = 1
                while not _claim(path):
                    number += 1
                    path = Path("runs") / f"{config.default_name}-{number}"
            elif not _claim(path):
                raise UserError(f"{path} is already there; choose another --out, or --overwrite to replace that run")
        except OSError as error:
            raise describe_os_error(error, path) from error
        folder = cls(path)
        folder.write_config(config)
        return folder

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Return the folder of an earlier run.

        Raises:
            UserError: If `path` is not one.
        """
        if not path.is_dir():
            raise UserError(f"{path} is not a folder; runs lie in runs/, as runs/mnist_cnn-jax-seed1")
        if not (path / CONFIG).is_file():
            raise UserError(f"{path} has no {CONFIG}, so it is not a run folder")
        return cls(path)

    def write_config(self, config: RunConfig) -> None:
        """Write `config.json`."""
        write_json(self.path / CONFIG, asdict(config))

    def read_config(self) -> RunConfig:
        """Return the run's configuration.

        Raises:
            UserError: If `config.json` is damaged or not of this version.
        """
        try:
            values = json.loads((self.path / CONFIG).read_text(encoding="utf-8"))
            recipe = Recipe.from_dict(values.pop("recipe"))
            config = RunConfig(recipe=recipe, **values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{self.path / CONFIG} is damaged ({type(error).__name__}); train that run again"
            ) from error
        if not (
            config.backend in TRAINING_BACKENDS and isinstance(config.model, str) and isinstance(config.smoke, bool)
        ):
            raise UserError(f"{self.path / CONFIG} is damaged; train that run again")
        return config

    def write_history(self, history: list[dict]) -> None:
        """Write `history.csv`: a row per finished epoch, the keys of the first row as columns."""
        text = io.StringIO()
        if history:
            writer = csv.DictWriter(text, fieldnames=list(history[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
        write_text(self.path / HISTORY, text.getvalue())

    def append_log(self, row: dict) -> None:
        """Add a line to `log.jsonl`."""
        append_line(self.path / LOG, json.dumps(row))

    def read_log(self) -> list[dict]:
        """Return the rows of `log.jsonl`; none if the run has no log.

        Raises:
            UserError: If the file is damaged.
        """
        path = self.path / LOG
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            return [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise UserError(f"{path} is damaged ({type(error).__name__}); train that run again") from error

    def write_log(self, log: list[dict]) -> None:
        """Replace `log.jsonl`, when a run goes on from an earlier step than it had logged."""
        write_text(self.path / LOG, "".join(json.dumps(row) + "\n" for row in log))


def _claim(path: Path) -> bool:
    """Make the folder `path` and return True; False if something with content is already there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir()
    except FileExistsError:
        return path.is_dir() and not os.listdir(path)
    return True


def _delete_run(path: Path) -> None:
    """Delete an earlier run's folder, and nothing that we did not write.

    Raises:
        UserError: If `path` is a file, or a folder that holds something else.
    """
    if not path.exists() and not path.is_symlink():
        return
    if path.is_symlink() or not path.is_dir():
        raise UserError(f"{path} is not a folder; --overwrite replaces nothing but runs")
    foreign = sorted(entry for entry in os.listdir(path) if entry not in _OURS and not entry.startswith("."))
    if foreign:
        raise UserError(f"{path} holds {foreign[0]!r}, which no run wrote; move it away, or choose another --out")
    shutil.rmtree(path)
