"""Runs are made once, go on where they stopped, take turns, and one that fails costs itself alone."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from comparing import trainings
from comparing.plan import Plan
from comparing.screen import Screen
from foundation.errors import UserError
from foundation.files import write_json
from foundation.recipe import Recipe
from training.run_folder import RunConfig, RunFolder

RECIPE = Recipe("mnist", 50, 2, "adam", 0.001, "sparse_categorical_crossentropy_from_logits")
RESULT = {
    "test_accuracy": 0.5,
    "test_examples": 10,
    "images_per_second": 7.0,
    "seconds_to_first_step": {},
    "peak_memory_mib": 1.0,
}


class Trainer:
    """Stands in for the processes: notes what they are asked for, and leaves a finished run or a failure."""

    def __init__(self, fails=()):
        self.calls, self.fails, self.stopping = [], fails, False

    def train(self, name, request, steps):
        """Note the request, and finish."""
        self.calls.append((name, request))
        if name in self.fails:
            return "error: planted"
        finish_run(request.out, request.config)
        return None


def finish_run(path: Path, config: RunConfig) -> None:
    """Leave what a finished run leaves."""
    path.mkdir(parents=True, exist_ok=True)
    RunFolder(path).write_config(config)
    write_json(path / "result.json", RESULT)
    write_json(path / "environment.json", {})
    (path / "history.csv").write_text("epoch,loss\n0,0.5\n")
    (path / "model.keras").write_text("")


def plan(out: Path, seeds=2) -> Plan:
    """Return a plan of two backends."""
    return Plan("mnist_cnn", ("jax", "torch"), tuple(range(1, seeds + 1)), RECIPE, out, False, 0.3, "compare.py")


@pytest.fixture
def make(tmp_path):
    """Return a function that makes the runs of a plan by the stand-in for the processes."""

    def run(trainer, overwrite=False):
        return trainings.Trainings(plan(tmp_path), 10, Screen(quiet=True), trainer, overwrite).make_all()

    return run


def test_backends_take_turns_and_each_is_timed(make):
    """Seed 1: JAX first; seed 2: PyTorch first. Every run had the machine to itself."""
    trainer = Trainer()

    runs = make(trainer)

    twins = ["jax seed 1, perturbed 1", "jax seed 1, perturbed 2"]
    assert [name for name, _ in trainer.calls] == ["jax seed 1", "torch seed 1", "torch seed 2", "jax seed 2", *twins]
    assert [run.name for run in runs] == ["jax seed 1", "jax seed 2", "torch seed 1", "torch seed 2", *twins]
    assert dict(trainer.calls)[twins[1]].config.recipe.perturbation == 2
    assert all(run.alone for run in runs)


def test_finished_runs_are_kept_with_their_timing(make):
    """A second comparison makes none of them again, and still knows that they were alone."""
    make(Trainer())
    again = Trainer()

    runs = make(again)

    assert again.calls == []
    assert all(run.alone for run in runs)


def test_overwriting_makes_them_again(make):
    """The test above can fail."""
    make(Trainer())
    again = Trainer()

    make(again, overwrite=True)

    assert len(again.calls) == 6


def test_an_interrupted_run_goes_on_and_is_not_timed(make, tmp_path):
    """With a checkpoint it is resumed, without one it starts anew."""
    for backend in ("jax", "torch"):
        path = tmp_path / "runs" / f"{backend}-seed1"
        finish_run(path, plan(tmp_path).run_config(backend, 1))
        (path / "result.json").unlink()
    about = json.dumps({"names": [], "epoch": 1, "step": 0, "seconds": 0.0, "history": [], "log": []})
    np.savez(tmp_path / "runs" / "jax-seed1" / "checkpoint.npz", about=np.frombuffer(about.encode(), np.uint8))
    trainer = Trainer()

    runs = make(trainer)

    requests = dict(trainer.calls)
    assert (requests["jax seed 1"].resume, requests["jax seed 1"].overwrite) == (True, False)
    assert requests["jax seed 1"].out == tmp_path / "runs" / "jax-seed1"
    assert (requests["torch seed 1"].resume, requests["torch seed 1"].overwrite) == (False, True)
    assert {run.name: run.alone for run in runs}["jax seed 1"] is False
    assert {run.name: run.alone for run in runs}["torch seed 1"] is True


def test_a_run_killed_after_its_last_checkpoint_starts_anew(make, tmp_path):
    """`train.py --resume` has nothing left to do there."""
    finish_run(tmp_path / "runs" / "jax-seed1", plan(tmp_path).run_config("jax", 1))
    (tmp_path / "runs" / "jax-seed1" / "result.json").unlink()
    about = json.dumps({"names": [], "epoch": 2, "step": 0, "seconds": 0.0, "history": [], "log": []})
    np.savez(tmp_path / "runs" / "jax-seed1" / "checkpoint.npz", about=np.frombuffer(about.encode(), np.uint8))
    trainer = Trainer()

    make(trainer)

    assert dict(trainer.calls)["jax seed 1"].overwrite


def test_a_run_that_fails_costs_itself_alone(make):
    """Its last words are kept, the others are made."""
    runs = make(Trainer(fails=("torch seed 1",)))

    assert [run.failure for run in runs] == [None, None, "error: planted", None, None, None]


def test_runs_of_another_recipe_are_refused(tmp_path):
    """In one line that says what differs; overwriting is allowed to."""
    config = plan(tmp_path).run_config("jax", 1)
    finish_run(tmp_path / "runs" / "jax-seed1", dataclasses.replace(config, recipe=RECIPE.override(epochs=7)))

    with pytest.raises(UserError, match="jax-seed1 holds a run with epochs 7, not 2; choose another --out"):
        trainings.check_places(plan(tmp_path), overwrite=False)
    trainings.check_places(plan(tmp_path), overwrite=True)
