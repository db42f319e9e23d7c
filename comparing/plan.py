"""What is compared: a system, the backends and seeds, where it all goes, and in which order the runs are made."""

from dataclasses import dataclass
from pathlib import Path

from training.recipe import Recipe
from training.run_folder import RunConfig

# Steps, and trainings with perturbed weights, of the second question; and those of a trial. Ours: the first backend
# fault known (Adam of a repeated embedding row on TensorFlow) stands out from the second step on.
STEPS, DRAWS = 20, 4
STEPS_OF_TRIAL, DRAWS_OF_TRIAL = 6, 2
# So many examples are enough to take the first steps with, where a batch is large.
MOST_EXAMPLES, LEAST_STEPS = 20_000, 3


@dataclass(frozen=True)
class Plan:
    """A comparison that was asked for.

    Attributes:
        model: Name of the system.
        backends: Two or more.
        seeds: The seeds of each backend's runs.
        arguments: Of `train.py`, those that all runs share: the system and its recipe.
        out: Folder of the report and of the runs.
        smoke: Whether it is only a trial.
        margin: The largest difference of accuracies that is none, in percentage points.
        steps: Of the second question; None takes the usual number.
    """

    model: str
    backends: tuple[str, ...]
    seeds: tuple[int, ...]
    arguments: tuple[str, ...]
    out: Path
    smoke: bool
    margin: float
    steps: int | None = None

    def turns(self) -> list[list[tuple[str, int]]]:
        """Return the (backend, seed) pairs, a list for each seed, whose backends take turns at being the first."""
        return [
            [(self.backends[(i + turn) % len(self.backends)], seed) for i in range(len(self.backends))]
            for turn, seed in enumerate(self.seeds)
        ]

    def run_path(self, backend: str, seed: int) -> Path:
        """Return the folder of a run."""
        return self.out / "runs" / f"{backend}-seed{seed}"

    def run_config(self, recipe: Recipe, backend: str, seed: int) -> RunConfig:
        """Return what a run's `config.json` holds.

        Args:
            recipe: The system's, overrides applied, of any seed.
            backend: The run's.
            seed: The run's.
        """
        return RunConfig(self.model, backend, recipe.override(seed=seed), self.smoke)

    def first_steps(self, batch_size: int) -> tuple[int, int]:
        """Return how many steps the second question looks at, and how many perturbed trainings measure its band."""
        steps, draws = (STEPS_OF_TRIAL, DRAWS_OF_TRIAL) if self.smoke else (STEPS, DRAWS)
        return self.steps or min(steps, max(LEAST_STEPS, MOST_EXAMPLES // batch_size)), draws
