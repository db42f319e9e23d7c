"""Runs are made once, go on where they stopped, take turns, and one that fails costs itself alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from comparing import trainings
from comparing.plan import Plan
from comparing.screen import Screen
from training.errors import UserError
from training.files import write_json
from training.recipe import Recipe
from training.run_folder import RunFolder

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

    def train(self, name, path, backend, arguments, steps, epochs):
        """Note the arguments, and finish."""
        self.calls.append((name, arguments))
        if name in self.fails:
            return "error: planted"
        seed, _, twin = name.removeprefix(f"{backend} seed ").partition(", perturbed ")
        finish_run(path, backend, int(seed), RECIPE.override(perturbation=int(twin or 0)))
        return None


def finish_run(path: Path, backend: str, seed: int, recipe=RECIPE) -> None:
    """Leave what a finished run leaves."""
    path.mkdir(parents=True, exist_ok=True)
    RunFolder(path).write_config(plan(path.parent.parent).run_config(recipe, backend, seed))
    write_json(path / "result.json", RESULT)
    write_json(path / "environment.json", {})
    (path / "history.csv").write_text("epoch,loss\n0,0.5\n")
    (path / "model.keras").write_text("")


def plan(out: Path, seeds=2) -> Plan:
    """Return a plan of two backends."""
    return Plan("mnist_cnn", ("jax", "torch"), tuple(range(1, seeds + 1)), ("--model", "mnist_cnn"), out, False, 0.3)


@pytest.fixture
def make(tmp_path):
    """Return a function that makes the runs of a plan by the stand-in for the processes."""

    def run(trainer, overwrite=False):
        return trainings.Trainings(plan(tmp_path), RECIPE, 10, Screen(quiet=True), trainer, overwrite).make_all()

    return run


def test_backends_take_turns_and_each_is_timed(make):
    """Seed 1: JAX first; seed 2: PyTorch first. Every run had the machine to itself."""
    trainer = Trainer()

    runs = make(trainer)

    twins = ["jax seed 1, perturbed 1", "jax seed 1, perturbed 2"]
    assert [name for name, _ in trainer.calls] == ["jax seed 1", "torch seed 1", "torch seed 2", "jax seed 2", *twins]
    assert [run.name for run in runs] == ["jax seed 1", "jax seed 2", "torch seed 1", "torch seed 2", *twins]
    assert "perturbation=2" in dict(trainer.calls)[twins[1]]
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
    for name in ("jax-seed1", "torch-seed1"):
        finish_run(tmp_path / "runs" / name, name.split("-")[0], 1)
        (tmp_path / "runs" / name / "result.json").unlink()
    about = json.dumps({"names": [], "epoch": 1, "step": 0, "seconds": 0.0, "history": [], "log": []})
    np.savez(tmp_path / "runs" / "jax-seed1" / "checkpoint.npz", about=np.frombuffer(about.encode(), np.uint8))
    trainer = Trainer()

    runs = make(trainer)

    arguments = dict(trainer.calls)
    assert arguments["jax seed 1"][:2] == ["--resume", str(tmp_path / "runs" / "jax-seed1")]
    assert "--overwrite" in arguments["torch seed 1"]
    assert {run.name: run.alone for run in runs}["jax seed 1"] is False
    assert {run.name: run.alone for run in runs}["torch seed 1"] is True


def test_a_run_killed_after_its_last_checkpoint_starts_anew(make, tmp_path):
    """`train.py --resume` has nothing left to do there."""
    finish_run(tmp_path / "runs" / "jax-seed1", "jax", 1)
    (tmp_path / "runs" / "jax-seed1" / "result.json").unlink()
    about = json.dumps({"names": [], "epoch": 2, "step": 0, "seconds": 0.0, "history": [], "log": []})
    np.savez(tmp_path / "runs" / "jax-seed1" / "checkpoint.npz", about=np.frombuffer(about.encode(), np.uint8))
    trainer = Trainer()

    make(trainer)

    assert "--overwrite" in dict(trainer.calls)["jax seed 1"]


def test_a_run_that_fails_costs_itself_alone(make):
    """Its last words are kept, the others are made."""
    runs = make(Trainer(fails=("torch seed 1",)))

    assert [run.failure for run in runs] == [None, None, "error: planted", None, None, None]


def test_runs_of_another_recipe_are_refused(tmp_path):
    """In one line that says what differs; overwriting is allowed to."""
    finish_run(tmp_path / "runs" / "jax-seed1", "jax", 1, RECIPE.override(epochs=7))

    with pytest.raises(UserError, match="jax-seed1 holds a run with epochs 7, not 2; choose another --out"):
        trainings.check_places(plan(tmp_path), RECIPE, overwrite=False)
    trainings.check_places(plan(tmp_path), RECIPE, overwrite=True)
