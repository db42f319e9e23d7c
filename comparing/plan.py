"""What is compared: a system, the backends and seeds, where it all goes, and in which order the runs are made."""

from dataclasses import dataclass
from pathlib import Path

from foundation.recipe import Recipe
from training.request import TrainingRequest
from training.run_folder import RunConfig

# Steps, and trainings with perturbed weights, of the second question; and those of a trial. Ours: the first backend
# fault known (Adam of a repeated embedding row on TensorFlow) stands out from the second step on.
STEPS, PERTURBED = 20, 4
STEPS_OF_TRIAL, PERTURBED_OF_TRIAL = 6, 2
# Further trainings of one run, from initial weights that differ in the last place: what rounding makes of whole curves.
TWINS = 2
# So many examples are enough to take the first steps with, where a batch is large.
MOST_EXAMPLES, LEAST_STEPS = 20_000, 3


@dataclass(frozen=True)
class Plan:
    """A comparison that was asked for.

    Attributes:
        model: Name of the system.
        backends: Two or more.
        seeds: The seeds of each backend's runs.
        recipe: What all runs train with, overrides applied, but for the seed.
        out: Folder of the report and of the runs.
        smoke: Whether it is only a trial.
        margin: The largest difference of accuracies that is none, in percentage points.
        command: What the user typed.
        steps: Of the second question; None takes the usual number.
        data_dir: Folder of the data set's files; None takes the usual place.
    """

    model: str
    backends: tuple[str, ...]
    seeds: tuple[int, ...]
    recipe: Recipe
    out: Path
    smoke: bool
    margin: float
    command: str
    steps: int | None = None
    data_dir: Path | None = None

    def turns(self) -> list[list[tuple[str, int]]]:
        """Return the (backend, seed) pairs, a list for each seed, whose backends take turns at being the first."""
        return [
            [(self.backends[(i + turn) % len(self.backends)], seed) for i in range(len(self.backends))]
            for turn, seed in enumerate(self.seeds)
        ]

    def twins(self) -> list[tuple[str, int, int]]:
        """Return backend, seed and perturbation of the runs that show what rounding makes of one; of a trial none."""
        return [] if self.smoke else [(self.backends[0], self.seeds[0], twin) for twin in range(1, TWINS + 1)]

    def run_path(self, backend: str, seed: int, perturbation: int = 0) -> Path:
        """Return the folder of a run."""
        twin = f"-perturbed{perturbation}" if perturbation else ""
        return self.out / "runs" / f"{backend}-seed{seed}{twin}"

    def run_config(self, backend: str, seed: int, perturbation: int = 0) -> RunConfig:
        """Return what a run's `config.json` holds.

        Args:
            backend: The run's.
            seed: The run's.
            perturbation: The run's; 0 for the recipe's own.
        """
        own = self.recipe.override(seed=seed, perturbation=perturbation or None)
        return RunConfig(self.model, backend, own, self.smoke)

    def run_request(self, backend: str, seed: int, perturbation: int = 0) -> TrainingRequest:
        """Return the training that makes a run, from its beginning; the arguments are those of `run_config`."""
        return TrainingRequest(
            self.run_config(backend, seed, perturbation),
            self.command,
            out=self.run_path(backend, seed, perturbation),
            data_dir=self.data_dir,
            overwrite=True,
            figures=False,
        )

    def question(self, backend: str) -> TrainingRequest:
        """Return the training whose beginning, or whose data, a question is about."""
        return TrainingRequest(
            RunConfig(self.model, backend, self.recipe, self.smoke), self.command, data_dir=self.data_dir
        )

    def first_steps(self) -> tuple[int, int]:
        """Return how many steps the second question looks at, and how many perturbed trainings measure its band."""
        steps, perturbed = (STEPS_OF_TRIAL, PERTURBED_OF_TRIAL) if self.smoke else (STEPS, PERTURBED)
        return self.steps or min(steps, max(LEAST_STEPS, MOST_EXAMPLES // self.recipe.batch_size)), perturbed
