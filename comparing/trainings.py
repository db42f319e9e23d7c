"""Making a comparison's runs by `train.py`'s own code: what is there is kept, what was interrupted goes on."""

import itertools
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from comparing.plan import Plan
from comparing.processes import Processes, RunningWorkers
from comparing.runs import Run, describe_difference, is_finished, read_run
from comparing.screen import Screen
from training.checkpoint import read_checkpoint
from training.errors import UserError
from training.files import write_json
from training.recipe import Recipe
from training.run_folder import CHECKPOINT, CONFIG, RunFolder

# The runs of the first seeds are alone on the machine, so that their speeds can be compared; more would only take time.
TIMED_SEEDS = 5
# Further runs go side by side where there are cores for it; a small network does not keep more of them busy. Ours.
CORES_PER_RUN = 4
TIMINGS = "timings.json"


def check_places(plan: Plan, recipe: Recipe, overwrite: bool) -> None:
    """Refuse to go on with runs of another recipe that lie where this comparison's would.

    Raises:
        UserError: Naming the first one and what differs.
    """
    for which in (*itertools.chain.from_iterable(plan.turns()), *plan.twins()):
        path = plan.run_path(*which)
        if overwrite or not (path / CONFIG).exists():
            continue
        difference = describe_difference(RunFolder.open(path).read_config(), plan.run_config(recipe, *which))
        if difference:
            raise UserError(
                f"{path} holds a run with {difference}; choose another --out, or --overwrite to train all runs again"
            )


class Trainings:
    """Makes the runs of a plan.

    Args:
        plan: The comparison.
        recipe: Its recipe, overrides applied.
        steps: Training steps of a whole run.
        screen: Shows the progress.
        trainer: Trains a run.
        overwrite: Train again what is there already.
    """

    def __init__(
        self,
        plan: Plan,
        recipe: Recipe,
        steps: int,
        screen: Screen,
        trainer: Processes | RunningWorkers,
        overwrite: bool = False,
    ):
        self._plan, self._recipe, self._steps, self._screen = plan, recipe, steps, screen
        self._overwrite, self._lock, self._trainer = overwrite, threading.Lock(), trainer
        self._timings_file = plan.out / TIMINGS
        self._alone = _read_timings(self._timings_file)

    def make_all(self) -> list[Run]:
        """Make the runs that are not there yet and return all, by backend and seed; those with perturbed weights last.

        Raises:
            KeyboardInterrupt: After the runs under way have written their checkpoints.
        """
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        turns = self._plan.turns()
        timed = 0 if self._plan.smoke else TIMED_SEEDS
        several = len(self._plan.backends) if self._plan.smoke else max(1, cores // CORES_PER_RUN)
        try:
            runs = [self._make(*pair, alone=True) for turn in turns[:timed] for pair in turn]
            with ThreadPoolExecutor(several) as pool:
                rest = [*itertools.chain.from_iterable(turns[timed:]), *self._plan.twins()]
                try:
                    runs += pool.map(lambda which: self._make(*which, alone=several == 1), rest)
                except KeyboardInterrupt:
                    self._trainer.stop()
                    raise
        except KeyboardInterrupt:
            self._trainer.stop()
            raise
        order = {backend: position for position, backend in enumerate(self._plan.backends)}
        return sorted(runs, key=lambda run: (run.perturbation, order[run.backend], run.seed))

    def _make(self, backend: str, seed: int, perturbation: int = 0, *, alone: bool) -> Run:
        """Return a run: the finished one that is there, the interrupted one brought to its end, or a new one."""
        run = Run(backend, seed, self._plan.run_path(backend, seed, perturbation), perturbation=perturbation)
        there = (run.path / CONFIG).exists() and not self._overwrite
        if there and is_finished(run.path):
            run = read_run(run.path, self._alone.get(run.path.name, False))[1]
            self._screen.end(run.name, f"{_describe(run)} (was there)")
            return run
        if self._trainer.stopping:
            return run
        if there and _can_resume(run.path, self._recipe.epochs):
            arguments, alone = ["--resume", str(run.path)], False
        else:
            arguments = [*self._plan.arguments, "--seed", str(seed), "--out", str(run.path), "--overwrite"]
            arguments += ["--set", f"perturbation={perturbation}"] if perturbation else []
        arguments.append("--no-figures")
        run.failure = self._trainer.train(run.name, run.path, backend, arguments, self._steps, self._recipe.epochs)
        if run.failure is None:
            run = read_run(run.path, alone)[1]
            with self._lock:
                self._alone[run.path.name] = alone
                write_json(self._timings_file, self._alone)
        self._screen.end(run.name, run.failure.splitlines()[-1] if run.failure else _describe(run))
        return run


def _can_resume(path: Path, epochs: int) -> bool:
    """Return whether an interrupted run can go on; one killed between its last checkpoint and its result cannot."""
    try:
        return read_checkpoint(path / CHECKPOINT)[0].epoch < epochs
    except UserError:
        return False


def _describe(run: Run) -> str:
    accuracy = "no labels to score" if run.accuracy is None else f"accuracy {run.accuracy:.4f}"
    return f"{accuracy}, {run.result['images_per_second']:,.0f} examples/s"


def _read_timings(path: Path) -> dict[str, bool]:
    """Return which runs had the machine to themselves; a damaged file says of none that it had."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): value is True for name, value in values.items()}
    except (OSError, ValueError, AttributeError):
        return {}
