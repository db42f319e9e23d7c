"""One comparison from its beginning to its report: the runs, the four questions, the speeds."""

import datetime
import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from comparing.answers import Answer, conclude, unanswered, verdict_sentence
from comparing.destination import compare_destinations
from comparing.function import CRITERION, check_functions
from comparing.plan import Plan
from comparing.predictions import compare_predictions, find_disputed
from comparing.processes import WORKER_LIMIT, Processes, RunningWorkers
from comparing.runs import Run
from comparing.screen import Screen
from comparing.speed import summarise_speed
from comparing.steps import compare_steps
from comparing.sweep import measure_sweep
from comparing.trainings import Trainings, check_places
from keras_parity.errors import RemoteError, WorkerError
from keras_parity.report.json_text import render_json
from keras_parity.workers import Workers, result_or_error
from training.environment import describe_environment
from training.errors import UserError
from training.recipe import Recipe
from training.run_folder import MODEL

FORMAT = 1
MOST_DISPUTED = 24  # images shown, of those that the backends classify differently


class Comparison:
    """The state of a comparison.

    Args:
        plan: What was asked for.
        workers: A process for each backend.
        screen: Shows the progress.
        command: What the user typed.
    """

    def __init__(self, plan: Plan, workers: Workers, screen: Screen, command: str):
        self._plan, self._workers, self._screen, self._command = plan, workers, screen, command
        self._started = time.perf_counter()
        self.failures: dict[str, str] = {}
        self.system = self._describe_system()
        self.recipe = Recipe.from_dict(self.system["recipe"])

    def make_runs(self, overwrite: bool) -> list[Run]:
        """Make the runs that are not there yet; return those that have finished and keep the others' last words."""
        check_places(self._plan, self.recipe, overwrite)
        steps = self.system["steps_per_epoch"] * self.recipe.epochs
        smoke = self._plan.smoke
        trainer = RunningWorkers(self._workers, self._screen) if smoke else Processes(self._screen)
        runs = Trainings(self._plan, self.recipe, steps, self._screen, trainer, overwrite).make_all()
        self.failures |= {run.name: run.failure for run in runs if run.failure is not None}
        return [run for run in runs if run.failure is None]

    def measure_sweep(self, sizes: list[int]) -> list[dict]:
        """Return each backend's speed at each batch size."""
        rows, failures = measure_sweep(self._plan, sizes, self.system["training_examples"], self._screen)
        self.failures |= failures
        return rows

    def compare(self, runs: list[Run], sweep: Sequence[dict] = ()) -> dict:
        """Ask the four questions of finished runs and return the report, in JSON's types."""
        plan, system = self._plan, self.system
        twins = [run for run in runs if run.perturbation != self.recipe.perturbation]
        runs = [run for run in runs if run.perturbation == self.recipe.perturbation]
        backends = list(plan.backends)
        steps = self._compare_steps()
        classes = {} if plan.smoke else self._predict(runs)
        predictions = compare_predictions(classes, backends, plan.smoke)
        destination = compare_destinations(runs, backends, plan.margin, plan.smoke)
        # A trial's two steps have hardly moved the weights.
        trained = runs[0].path / MODEL if runs and not plan.smoke else None
        function, verdicts = self._check_functions(trained)
        answers = [function, steps, destination, predictions]
        outcome = conclude(answers, self.failures)
        return {
            "format": FORMAT,
            "outcome": outcome.value,
            "sentence": verdict_sentence(plan.model, backends, answers, outcome, self.failures),
            "model": plan.model,
            "title": system["title"],
            "source": system["source"],
            "parameters": system["parameters"],
            "test_examples": system["test_examples"],
            "class_names": system["class_names"],
            "smoke": plan.smoke,
            "backends": backends,
            "seeds": sorted({run.seed for run in runs}),
            "margin": plan.margin,
            "recipe": vars(self.recipe),
            "answers": [vars(answer) | {"title": answer.title} for answer in answers],
            "failures": self.failures,
            "runs": [_describe_run(run, plan.out) for run in runs],
            "curves": [_read_curve(run, system["steps_per_epoch"]) for run in runs],
            "twins": [_read_curve(run, system["steps_per_epoch"]) for run in twins],
            "speed": summarise_speed(runs, backends),
            "sweep": list(sweep),
            **self._look_at_images(classes),
            "engine": {name: json.loads(render_json(verdict)) for name, verdict in verdicts.items()},
            "environment": self._describe_environment(runs),
            "command": self._command,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": time.perf_counter() - self._started,
        }

    def _describe_system(self) -> dict:
        """Return what a worker tells of the system, from the first backend that can.

        Raises:
            UserError: If what was asked for cannot be trained, or no backend works.
        """
        words = ""
        for backend in self._plan.backends:
            try:
                return self._workers[backend].call("comparing.in_worker:describe_system", list(self._plan.arguments))
            except RemoteError as error:
                if error.type_name == "UserError":
                    raise UserError(error.text) from error
                words = f"{error.traceback}\n{error}"
            except WorkerError as error:
                words = str(error)
            self.failures[backend] = words
        raise UserError(f"no backend can build {self._plan.model}: {words.splitlines()[-1]}")

    def _compare_steps(self) -> Answer:
        """Let each backend take the first steps, side by side, and compare them."""
        self._screen.say("same steps?")
        arguments = list(self._plan.arguments)
        count, draws = self._plan.first_steps(self.recipe.batch_size)
        weights = self._call_first("draw_initial_weights", arguments)
        if weights is None:
            return compare_steps({}, [])
        recorded = self._workers.everywhere(
            "comparing.in_worker:record_steps", arguments, weights, count, draws, time_limit=WORKER_LIMIT
        )
        return compare_steps(self._kept(recorded, "the first steps"), list(self._plan.backends))

    def _predict(self, runs: list[Run]) -> dict[tuple[str, int], np.ndarray]:
        """Return the classes that each run predicts, computed on its own backend."""
        self._screen.say("same predictions?")
        futures = {}
        for backend in self._plan.backends:
            own = [run for run in runs if run.backend == backend]
            paths = [str(run.path.resolve()) for run in own]
            if own:
                call = "comparing.in_worker:predict_runs"
                arguments = list(self._plan.arguments)
                futures[backend] = own, self._workers[backend].submit(call, arguments, paths, time_limit=WORKER_LIMIT)
        answers = {backend: result_or_error(future) for backend, (_, future) in futures.items()}
        return {
            (backend, run.seed): classes
            for backend, answer in self._kept(answers, "the predictions").items()
            for run, classes in zip(futures[backend][0], answer, strict=True)
        }

    def _check_functions(self, trained: Path | None):
        working = [backend for backend in self._plan.backends if backend not in self.failures]
        if len(working) < 2:
            return unanswered("function", CRITERION, "Fewer than two backends work."), {}
        say, plan = self._screen.say, self._plan
        return check_functions(plan.model, self.system["builder"], trained, working, self._workers, plan.smoke, say)

    def _look_at_images(self, classes: dict) -> dict:
        """Return what the page shows of the test examples: confusions by backend, and what is disputed."""
        seeds = sorted({seed for _, seed in classes})
        backends = [backend for backend in self._plan.backends if any(b == backend for b, _ in classes)]
        if not seeds or len(backends) < 2:
            return {"confusions": {}, "disputed": []}
        seed = next((s for s in seeds if sum(other == s for _, other in classes) > 1), seeds[0])
        indices = find_disputed(classes, seed, MOST_DISPUTED)
        found = self._call_first("read_examples", list(self._plan.arguments), indices)
        if found is None:
            return {"confusions": {}, "disputed": []}
        count, truths = len(next(iter(classes.values()))), found["all_labels"]
        names = self.system["class_names"]
        confusions = {
            backend: np.mean(
                [
                    np.bincount(truths[:count] * len(names) + predicted, minlength=len(names) ** 2)
                    for (b, _), predicted in classes.items()
                    if b == backend
                ],
                axis=0,
            )
            .reshape(len(names), -1)
            .tolist()
            for backend in backends
            if truths.min() >= 0
        }
        disputed = [
            {
                "index": index,
                "truth": int(found["labels"][i]),
                "predicted": {b: int(classes[b, seed][index]) for b in backends if (b, seed) in classes},
                "pixels": found["inputs"][i].squeeze().tolist() if self.system["shows_images"] else None,
            }
            for i, index in enumerate(indices)
        ]
        return {"confusions": confusions, "disputed": disputed, "disputed_seed": seed}

    def _call_first(self, function: str, *arguments):
        """Return what the first backend that can gives; None if none can."""
        for backend in self._plan.backends:
            try:
                return self._workers[backend].call(f"comparing.in_worker:{function}", *arguments)
            except WorkerError as error:
                self._fail(backend, function.replace("_", " "), error)
        return None

    def _kept(self, answers: dict, what: str) -> dict:
        """Return the answers that are none of a worker's failures, and keep the failures' last words."""
        for backend, answer in answers.items():
            if isinstance(answer, WorkerError):
                self._fail(backend, what, answer)
        return {backend: answer for backend, answer in answers.items() if not isinstance(answer, WorkerError)}

    def _fail(self, backend: str, what: str, error: WorkerError) -> None:
        words = getattr(error, "last_words", "") or getattr(error, "traceback", "")
        self.failures[backend] = f"{what}: {error}\n{words}".strip()

    def _describe_environment(self, runs: list[Run]) -> dict:
        environment = describe_environment(None)
        keep = ("git_commit", "versions", "system", "processor", "cores", "memory_gib", "settings")
        devices = {run.backend: run.environment.get("accelerators") or ["CPU"] for run in runs}
        threads = {run.backend: run.environment.get("threads") for run in runs}
        return {key: environment[key] for key in keep} | {"devices": devices, "threads": threads}


def _describe_run(run: Run, out: Path) -> dict:
    folder = run.path.relative_to(out).as_posix() if run.path.is_relative_to(out) else run.path.name
    keep = ("test_accuracy", "test_loss", "images_per_second", "training_seconds", "peak_memory_mib", "epochs")
    return {"backend": run.backend, "seed": run.seed, "folder": folder, "alone": run.alone} | {
        key: run.result.get(key) for key in keep
    }


def _read_curve(run: Run, steps_per_epoch: int) -> dict:
    """Return a run's loss and accuracy against its steps: those of its log, or of its epochs where it keeps no log."""
    if run.log:
        columns = {"step": "step", "loss": "train_loss", "accuracy": "test_accuracy"}
        values = {ours: [row[theirs] for row in run.log] for ours, theirs in columns.items()}
        return {"backend": run.backend, "seed": run.seed, "of": "log", **values}
    steps = list(itertools.accumulate(steps_per_epoch for _ in run.history))
    values = {key: [row[key] for row in run.history] for key in ("loss", "accuracy")}
    return {"backend": run.backend, "seed": run.seed, "of": "epochs", "step": steps, **values}
