"""One comparison from its beginning to its report: the runs, the four questions, the speeds."""

import datetime
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import models
from comparing.answers import Answer, conclude, unanswered, verdict_sentence
from comparing.destination import compare_destinations
from comparing.function import CRITERION, check_functions
from comparing.plan import Plan
from comparing.predictions import Classes, compare_predictions, find_disputed
from comparing.processes import WORKER_LIMIT, Processes, RunningWorkers
from comparing.report.content import Curve, DisputedExample, Environment, Report, RunSummary, SweepRow
from comparing.runs import Run
from comparing.screen import Screen
from comparing.speed import summarise_speed
from comparing.steps import Recording, compare_steps
from comparing.sweep import measure_sweep
from comparing.tasks import DescribeTraining, MakeInitialWeights, PredictRuns, ReadExamples, RecordSteps
from comparing.trainings import Trainings, check_places
from foundation.errors import UserError
from keras_parity.crew import Crew, answer_or_error
from keras_parity.errors import RemoteError, WorkerError
from keras_parity.protocol.tasks import Task
from keras_parity.report.json_text import render_json
from keras_parity.verdict import Verdict
from training.environment import describe_environment
from training.request import TrainingRequest
from training.run_folder import MODEL

MOST_DISPUTED = 24  # images shown, of those that the backends classify differently


Answered = TypeVar("Answered")


@dataclass(frozen=True)
class TrainingFacts:
    """What only a worker, which has keras and the data, can tell of a training.

    Attributes:
        parameters: How many the network has.
        steps_per_epoch: Training steps of an epoch.
        training_examples: How many the data set has.
        test_examples: How many score a run.
        class_names: A name per class.
        shows_images: Whether the examples are images.
    """

    parameters: int
    steps_per_epoch: int
    training_examples: int
    test_examples: int
    class_names: list[str]
    shows_images: bool


class TrainingComparison:
    """The state of a comparison.

    Args:
        plan: What was asked for.
        crew: A process for each backend.
        screen: Shows the progress.
    """

    def __init__(self, plan: Plan, crew: Crew, screen: Screen):
        self._plan, self._crew, self._screen = plan, crew, screen
        self._started = time.perf_counter()
        self.failures: dict[str, str] = {}
        self.facts = self._learn_facts()

    def make_runs(self, overwrite: bool) -> list[Run]:
        """Make the runs that are not there yet; return those that have finished and keep the others' last words."""
        check_places(self._plan, overwrite)
        steps = self.facts.steps_per_epoch * self._plan.recipe.epochs
        smoke = self._plan.smoke
        trainer = RunningWorkers(self._crew, self._screen) if smoke else Processes(self._screen)
        runs = Trainings(self._plan, steps, self._screen, trainer, overwrite).make_all()
        self.failures |= {run.name: run.failure for run in runs if run.failure is not None}
        return [run for run in runs if run.failure is None]

    def measure_sweep(self, sizes: list[int]) -> list[SweepRow]:
        """Return each backend's speed at each batch size."""
        rows, failures = measure_sweep(self._plan, sizes, self.facts.training_examples, self._screen)
        self.failures |= failures
        return rows

    def compare(self, runs: Sequence[Run], sweep: Sequence[SweepRow] = ()) -> Report:
        """Ask the four questions of finished runs and return the report."""
        plan, facts, system = self._plan, self.facts, models.load(self._plan.model)
        twins = [run for run in runs if run.perturbation != plan.recipe.perturbation]
        runs = [run for run in runs if run.perturbation == plan.recipe.perturbation]
        steps = self._compare_steps()
        classes = {} if plan.smoke else self._predict(runs)
        predictions = compare_predictions(classes, plan.backends, plan.smoke)
        destination = compare_destinations(runs, plan.backends, plan.margin, plan.smoke)
        # A trial's two steps have hardly moved the weights.
        trained = runs[0].path / MODEL if runs and not plan.smoke else None
        function, verdicts = self._check_functions(trained)
        answers = (function, steps, destination, predictions)
        outcome = conclude(answers, self.failures)
        confusions, disputed, disputed_seed = self._look_at_images(classes)
        return Report(
            outcome=outcome.value,
            sentence=verdict_sentence(plan.model, plan.backends, answers, outcome, self.failures),
            model=plan.model,
            title=system.title,
            source=system.origin,
            parameters=facts.parameters,
            test_examples=facts.test_examples,
            class_names=tuple(facts.class_names),
            smoke=plan.smoke,
            backends=plan.backends,
            seeds=tuple(sorted({run.seed for run in runs})),
            margin=plan.margin,
            recipe=vars(plan.recipe),
            answers=answers,
            failures=self.failures,
            runs=tuple(_describe_run(run, plan.out) for run in runs),
            curves=tuple(_read_curve(run, facts.steps_per_epoch) for run in runs),
            twins=tuple(_read_curve(run, facts.steps_per_epoch) for run in twins),
            speed=summarise_speed(runs, plan.backends),
            sweep=tuple(sweep),
            confusions=confusions,
            disputed=disputed,
            disputed_seed=disputed_seed,
            engine={name: json.loads(render_json(verdict)) for name, verdict in verdicts.items()},
            environment=_describe_environment(runs),
            command=plan.command,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            seconds=time.perf_counter() - self._started,
        )

    def _learn_facts(self) -> TrainingFacts:
        """Return what a worker tells of the training, from the first backend that can.

        Raises:
            UserError: If what was asked for cannot be trained, or no backend works.
        """
        words = ""
        for backend in self._plan.backends:
            try:
                request = self._plan.question(backend)
                return TrainingFacts(**self._crew[backend].ask(DescribeTraining(request)))
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
        weights = self._call_first("initial weights", MakeInitialWeights)
        if weights is None:
            return compare_steps({}, [])
        count, perturbed = self._plan.first_steps()
        questions = {backend: self._plan.question(backend) for backend in self._plan.backends}
        answers = self._ask_all(
            {b: RecordSteps(request, weights, count, perturbed) for b, request in questions.items()}
        )
        recorded = self._kept(answers, "the first steps")
        return compare_steps({b: Recording(**answer) for b, answer in recorded.items()}, self._plan.backends)

    def _predict(self, runs: Sequence[Run]) -> dict[tuple[str, int], np.ndarray]:
        """Return the classes that each run predicts, computed on its own backend."""
        self._screen.say("same predictions?")
        own = {backend: [run for run in runs if run.backend == backend] for backend in self._plan.backends}
        tasks = {
            backend: PredictRuns(self._plan.question(backend), [str(run.path.resolve()) for run in its])
            for backend, its in own.items()
            if its
        }
        return {
            (backend, run.seed): classes
            for backend, answer in self._kept(self._ask_all(tasks), "the predictions").items()
            for run, classes in zip(own[backend], answer, strict=True)
        }

    def _check_functions(self, trained: Path | None) -> tuple[Answer, dict[str, Verdict]]:
        working = [backend for backend in self._plan.backends if backend not in self.failures]
        if len(working) < 2:
            return unanswered("function", CRITERION, "Fewer than two backends work."), {}
        say, plan = self._screen.say, self._plan
        builder = models.load(plan.model).arguments
        return check_functions(plan.model, builder, trained, working, self._crew, plan.smoke, say)

    def _look_at_images(
        self, classes: Classes
    ) -> tuple[dict[str, tuple[tuple[float, ...], ...]], tuple[DisputedExample, ...], int | None]:
        """Return what the page shows of the test examples: each backend's confusions, what is disputed, its seed."""
        seeds = sorted({seed for _, seed in classes})
        backends = [backend for backend in self._plan.backends if any(b == backend for b, _ in classes)]
        if not seeds or len(backends) < 2:
            return {}, (), None
        seed = next((s for s in seeds if sum(other == s for _, other in classes) > 1), seeds[0])
        indices = find_disputed(classes, seed, MOST_DISPUTED)
        found = self._call_first("examples", lambda request: ReadExamples(request, indices))
        if found is None:
            return {}, (), None
        truths = found["all_labels"][: len(next(iter(classes.values())))]
        size = len(self.facts.class_names)
        confusions = {
            backend: count_confusions([own for (b, _), own in classes.items() if b == backend], truths, size)
            for backend in backends
            if truths.min() >= 0
        }
        disputed = tuple(
            DisputedExample(
                index=index,
                truth=int(found["labels"][i]),
                predicted={b: int(classes[b, seed][index]) for b in backends if (b, seed) in classes},
                pixels=found["inputs"][i].squeeze().tolist() if self.facts.shows_images else None,
            )
            for i, index in enumerate(indices)
        )
        return confusions, disputed, seed

    def _ask_all(self, tasks: Mapping[str, Task[Answered]]) -> dict[str, Answered | WorkerError]:
        """Return what each backend's worker answers, a `WorkerError` of one that fails; all are asked at once."""
        futures = {b: self._crew[b].submit(task, time_limit=WORKER_LIMIT) for b, task in tasks.items()}
        answers: dict[str, Answered | WorkerError] = {}
        for backend, future in futures.items():
            answer = answer_or_error(future)
            answers[backend] = answer
        return answers

    def _call_first(self, what: str, task: Callable[[TrainingRequest], Task[Answered]]) -> Answered | None:
        """Return what the first backend that can gives; None if none can.

        Args:
            what: What is asked for, in words.
            task: Makes the task from the training that it is about.
        """
        for backend in self._plan.backends:
            try:
                return self._crew[backend].ask(task(self._plan.question(backend)))
            except WorkerError as error:
                self._fail(backend, what, error)
        return None

    def _kept(self, answers: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Return the answers that are none of a worker's failures, and keep the failures' last words."""
        for backend, answer in answers.items():
            if isinstance(answer, WorkerError):
                self._fail(backend, what, answer)
        return {backend: answer for backend, answer in answers.items() if not isinstance(answer, WorkerError)}

    def _fail(self, backend: str, what: str, error: WorkerError) -> None:
        words = getattr(error, "last_words", "") or getattr(error, "traceback", "")
        self.failures[backend] = f"{what}: {error}\n{words}".strip()


def count_confusions(predictions: Iterable[np.ndarray], truths: np.ndarray, size: int) -> tuple[tuple[float, ...], ...]:
    """Return how often each class (row) was taken for each (column), the mean over several predictions.

    Args:
        predictions: Integers `(n,)` in 0..size-1, each.
        truths: Integers `(n,)` likewise.
        size: How many classes there are.
    """
    counts = [np.bincount(truths * size + predicted, minlength=size**2) for predicted in predictions]
    return tuple(tuple(row) for row in np.mean(counts, axis=0).reshape(size, size).tolist())


def _describe_environment(runs: Sequence[Run]) -> Environment:
    environment = describe_environment(None)
    keep = ("git_commit", "versions", "system", "processor", "cores", "memory_gib", "settings")
    return Environment(
        **{key: environment[key] for key in keep},
        devices={run.backend: tuple(run.environment.get("accelerators") or ["CPU"]) for run in runs},
        threads={run.backend: run.environment.get("threads") for run in runs},
    )


def _describe_run(run: Run, out: Path) -> RunSummary:
    folder = run.path.relative_to(out).as_posix() if run.path.is_relative_to(out) else run.path.name
    keep = ("test_accuracy", "test_loss", "images_per_second", "training_seconds", "peak_memory_mib", "epochs")
    values: dict[str, Any] = {key: run.result.get(key) for key in keep}
    return RunSummary(run.backend, run.seed, folder, run.alone, **values)


def _read_curve(run: Run, steps_per_epoch: int) -> Curve:
    """Return a run's loss and accuracy against its steps: those of its log, or of its epochs where it keeps no log."""
    if run.log:
        of, rows, names = "log", run.log, ("train_loss", "test_accuracy")
        steps = [row["step"] for row in rows]
    else:
        of, rows, names = "epochs", run.history, ("loss", "accuracy")
        steps = list(itertools.accumulate(steps_per_epoch for _ in rows))
    loss, accuracy = (tuple(row[name] for row in rows) for name in names)
    return Curve(run.backend, run.seed, of, tuple(steps), loss, accuracy)
