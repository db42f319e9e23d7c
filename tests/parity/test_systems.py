"""Every system on its data, backend against backend: same function, same first steps, same predictions, same weights.

A trial of `compare.py` trains each system on all backends and asks the first two questions; the trained weights are
then carried to every other backend. tests/test_compare.py plants faults for the first two questions to find.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import compare
import models
from comparing.report.content import Report
from comparing.steps import Recording, compare_steps
from keras_parity.crew import Crew
from keras_parity.names import TRAINING_BACKENDS
from tests.commands import ROOT
from tests.models.test_models import write_small_folder
from tests.training.runs import same_bits

# On TensorFlow Keras's Adam adds squares of an embedding's gradients: docs/divergences.
OTHER_STEPS = {"text_lstm": "tensorflow"}
# Outputs of the same weights may differ by so much of the largest one. Measured: at most 6e-7, of mnist_cnn.
CLOSE = 1e-5
EXAMPLES = 200  # predicted with each run's weights


@dataclass(frozen=True)
class Trial:
    """A trial of `compare.py`: its exit code and report, and the folder of the runs."""

    code: int
    report: Report
    runs: Path
    data_dir: str | None


@pytest.fixture(scope="module")
def trial(workers, tmp_path_factory):
    """Return a system's trial; each is made once, all by the same process of each backend."""
    trials = {}
    with Crew() as processes:

        def get(name: str) -> Trial:
            if name not in trials:
                folder = tmp_path_factory.mktemp(name)
                baseline = ROOT / "reports" / f"{name}-smoke.json"
                arguments = ["--model", name, "--smoke", "--baseline", str(baseline), "--out", str(folder / "report")]
                data_dir = str(folder / "apparel") if name == "apparel_cnn" else None
                if data_dir:
                    workers["jax"].run(write_small_folder, data_dir)
                    arguments += ["--data-dir", data_dir]
                code = compare.main(arguments, processes)
                report = Report.from_dict(json.loads((folder / "report" / "report.json").read_text()))
                trials[name] = Trial(code, report, folder / "report" / "runs", data_dir)
            return trials[name]

        yield get


def answer(report: Report, question: str):
    """Return a question's answer."""
    return next(found for found in report.answers if found.question == question)


@pytest.mark.parametrize("name", models.names())
def test_every_system_computes_the_same_function(trial, name):
    """The same in float64, and in float32 but for rounding: layer by layer, forward and backward."""
    found = answer(trial(name).report, "function")

    assert found.outcome == "agree", found.reason
    assert found.number is not None


@pytest.mark.parametrize("name", models.names())
def test_every_system_takes_the_same_first_steps(trial, name):
    """From the same weights loss and weights stay within the band of rounding, on all but the one known backend."""
    found = answer(trial(name).report, "steps")

    expected = "disagree" if name in OTHER_STEPS else "agree"
    assert (found.outcome, found.culprit) == (expected, OTHER_STEPS.get(name)), found.reason


@pytest.mark.parametrize("name", models.names())
def test_every_system_is_as_its_baseline_has_it(trial, name):
    """The exit code is the verdict's, all backends have trained, and nothing is worse than the committed report."""
    made = trial(name)

    assert made.code == (1 if name in OTHER_STEPS else 0), made.report.sentence
    assert made.report.baseline.worse == ()
    assert {(run.backend, run.seed) for run in made.report.runs} == {(backend, 1) for backend in TRAINING_BACKENDS}
    assert (made.runs.parent / "report.md").read_text().startswith("### ")


def carry(name: str, runs: str, data_dir: str | None, shift: float = 0.0):
    """Return, for each backend's run, the weights as this backend has them once loaded, and its outputs.

    Args:
        name: The system.
        runs: The folder of its runs.
        data_dir: The folder of its data.
        shift: Is added to every weight, for the comparison to find.
    """
    import data
    from training.scoring import predict
    from training.weights import load_weights

    system = models.load(name)
    test = data.read(system.recipe.dataset, archives=data_dir and Path(data_dir)).test
    inputs = test.first(min(EXAMPLES, len(test))).inputs
    model = system.build()
    carried = {}
    for backend in TRAINING_BACKENDS:
        load_weights(model, Path(runs) / f"{backend}-seed1" / "model.keras")
        if shift:
            model.set_weights([weight + np.asarray(shift, weight.dtype) for weight in model.get_weights()])
        carried[backend] = model.get_weights(), predict(model, inputs)
    return carried


def predict_alike(outputs: np.ndarray, others: np.ndarray) -> bool:
    """Return whether two backends' outputs `(n, k)` are close, and their classes equal but for ties within rounding."""
    room = CLOSE * np.abs(outputs).max()
    ordered = np.sort(np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs, axis=1)
    tied = ordered[:, -1] - ordered[:, -2] < 2 * room
    same = (others > 0.5) == (outputs > 0.5) if outputs.shape[1] == 1 else others.argmax(1) == outputs.argmax(1)
    return bool(np.abs(outputs - others).max() <= room and (same.reshape(-1) | tied).all())


@pytest.mark.parametrize("name", models.names())
def test_every_systems_weights_predict_the_same_on_every_backend(trial, workers, name):
    """Trained on any backend and carried to any other: the same bits, and the same outputs but for rounding."""
    made = trial(name)

    found = workers.run_everywhere(carry, name, str(made.runs), made.data_dir)

    for trained_on in TRAINING_BACKENDS:
        weights, outputs = found[trained_on][trained_on]
        for backend in TRAINING_BACKENDS:
            carried, predicted = found[backend][trained_on]
            assert same_bits(carried, weights), f"{trained_on} to {backend}"
            assert predict_alike(outputs, predicted), f"{trained_on} to {backend}"
    first, *others = (found[backend][backend][0] for backend in TRAINING_BACKENDS)
    assert not any(same_bits(first, other) for other in others), "all backends have trained the same weights"


@pytest.mark.parametrize("name", ["mnist_cnn", "iris_mlp"])
def test_other_weights_would_predict_otherwise(trial, workers, name):
    """The test above can fail: a hundredth added to each weight shows in bits and in outputs."""
    made = trial(name)

    weights, outputs = workers["jax"].run(carry, name, str(made.runs), made.data_dir)["jax"]
    others, predicted = workers["torch"].run(carry, name, str(made.runs), made.data_dir, shift=0.01)["jax"]

    assert not same_bits(others, weights)
    assert not predict_alike(outputs, predicted)


def record(learning_rate: float):
    """Return what this backend records of the first steps of `iris_mlp`, at a learning rate."""
    import keras

    from comparing.in_worker import record_steps
    from comparing.tasks import RecordSteps
    from training.request import TrainingRequest
    from training.run_folder import RunConfig

    recipe = models.load("iris_mlp").recipe.override(learning_rate=learning_rate)
    request = TrainingRequest(RunConfig("iris_mlp", keras.backend.backend(), recipe), "pytest")
    shapes = [weight.shape for weight in models.load("iris_mlp").build().weights]
    generator = np.random.default_rng(1)
    weights = [generator.normal(size=shape).astype(np.float32) for shape in shapes]
    return record_steps(RecordSteps(request, weights, count=6, perturbed=2))


def test_a_learning_rate_a_hundredth_larger_would_be_another_step(workers):
    """The comparison of steps can fail, and names the backend that is alone."""
    rate = models.load("iris_mlp").recipe.learning_rate
    sound = {backend: Recording(**workers[backend].run(record, rate)) for backend in TRAINING_BACKENDS}

    shifted = sound | {"jax": Recording(**workers["jax"].run(record, 1.01 * rate))}

    assert compare_steps(sound, TRAINING_BACKENDS).outcome == "agree"
    found = compare_steps(shifted, TRAINING_BACKENDS)
    assert (found.outcome, found.culprit) == ("disagree", "jax")
