"""A comparison's run: what `train.py` left in a folder, read back."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

from foundation.errors import UserError
from training.run_folder import ENVIRONMENT, HISTORY, MODEL, RESULT, RunConfig, RunFolder


@dataclass
class Run:
    """One run of a comparison, finished or not.

    Attributes:
        backend: The backend it trained on.
        seed: Its seed.
        path: Its folder.
        failure: The last words of a run that failed; None of any other.
        alone: Whether it had the machine to itself from its start to its end, so that its speed can be compared.
        result: What `result.json` holds; empty of a run that has not finished.
        environment: What `environment.json` holds.
        log: A row per log line.
        history: A row per epoch.
        perturbation: Of its initial weights, in the last place; 0 for none.
    """

    backend: str
    seed: int
    path: Path
    failure: str | None = None
    alone: bool = False
    result: dict = field(default_factory=dict)
    environment: dict = field(default_factory=dict)
    log: list[dict] = field(default_factory=list)
    history: list[dict] = field(default_factory=list)
    perturbation: int = 0

    @property
    def name(self) -> str:
        """What the display and the reports call it."""
        return f"{self.backend} seed {self.seed}" + (f", perturbed {self.perturbation}" if self.perturbation else "")

    @property
    def accuracy(self) -> float | None:
        """Share of the test examples that it classifies right; None of a run without."""
        return self.result.get("test_accuracy")


def read_run(path: Path, alone: bool = False) -> tuple[RunConfig, Run]:
    """Return a finished run with its configuration.

    Raises:
        UserError: If it is no run, damaged, or not finished.
    """
    folder = RunFolder.open(path)
    config = folder.read_config()
    if not is_finished(path):
        raise UserError(f"{path} is not finished; go on with: python train.py --resume {path}")
    try:
        result, environment = (json.loads((path / name).read_text(encoding="utf-8")) for name in (RESULT, ENVIRONMENT))
        with (path / HISTORY).open(encoding="utf-8", newline="") as file:
            history = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
        run = Run(
            config.backend,
            config.recipe.seed,
            path,
            None,
            alone,
            result,
            environment,
            folder.read_log(),
            history,
            config.recipe.perturbation,
        )
        for key in ("images_per_second", "seconds_to_first_step", "peak_memory_mib", "test_examples"):
            run.result[key]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}); train that run again") from error
    return config, run


def is_finished(path: Path) -> bool:
    """Return whether a run folder holds a whole run."""
    return (path / RESULT).is_file() and (path / MODEL).is_file()


def describe_difference(first: RunConfig, second: RunConfig) -> str:
    """Return the first value in which two runs differ, seeds and backends included, as `epochs 1, not 3`; else ""."""
    values, others = ({**vars(config.recipe), **vars(config)} for config in (first, second))
    for key in values:
        if key != "recipe" and values[key] != others[key]:
            return f"{key} {values[key]}, not {others[key]}"
    return ""
