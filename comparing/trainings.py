"""Making a comparison's runs: what is there is kept, what was interrupted goes on."""

import dataclasses
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from comparing.plan import Plan
from comparing.processes import Processes, RunningWorkers
from comparing.runs import Run, describe_difference, is_finished, read_run
from comparing.screen import Screen
from foundation.errors import UserError
from foundation.files import write_json
from keras_parity.backend_process import usable_cores
from training.checkpoint import read_checkpoint
from training.run_folder import CHECKPOINT, CONFIG, RunFolder

# The runs of the first seeds are alone on the machine, so that their speeds can be compared; more would only take time.
TIMED_SEEDS = 5
# Further runs go side by side where there are cores for it; a small network does not keep more of them busy. Ours.
CORES_PER_RUN = 4
TIMINGS = "timings.json"


def check_places(plan: Plan, overwrite: bool) -> None:
    """Refuse to go on with runs of another recipe that lie where this comparison's would.

    Raises:
        UserError: Naming the first one and what differs.
    """
    first = ((backend, seed, 0) for turn in plan.turns() for backend, seed in turn)
    for which in (*first, *plan.twins()):
        path = plan.run_path(*which)
        if overwrite or not (path / CONFIG).exists():
            continue
        difference = describe_difference(RunFolder.open(path).read_config(), plan.run_config(*which))
        if difference:
            raise UserError(
                f"{path} holds a run with {difference}; choose another --out, or --overwrite to train all runs again"
            )


class Trainings:
    """Makes the runs of a plan.

    Args:
        plan: The comparison.
        steps: Training steps of a whole run.
        screen: Shows the progress.
        trainer: Trains a run.
        overwrite: Train again what is there already.
    """

    def __init__(
        self,
        plan: Plan,
        steps: int,
        screen: Screen,
        trainer: Processes | RunningWorkers,
        overwrite: bool = False,
    ):
        self._plan, self._steps, self._screen = plan, steps, screen
        self._overwrite, self._lock, self._trainer = overwrite, threading.Lock(), trainer
        self._timings_file = plan.out / TIMINGS
        self._alone = _read_timings(self._timings_file)

    def make_all(self) -> list[Run]:
        """Make the runs that are not there yet and return all, by backend and seed; those with perturbed weights last.

        Raises:
            KeyboardInterrupt: After the runs under way have written their checkpoints.
        """
        turns = self._plan.turns()
        timed = 0 if self._plan.smoke else TIMED_SEEDS
        several = len(self._plan.backends) if self._plan.smoke else max(1, usable_cores() // CORES_PER_RUN)
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
        request = self._plan.run_request(backend, seed, perturbation)
        if there and _can_resume(run.path, self._plan.recipe.epochs):
            request, alone = dataclasses.replace(request, resume=True, overwrite=False), False
        run.failure = self._trainer.train(run.name, request, self._steps)
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
