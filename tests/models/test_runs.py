"""What only some systems' runs have: a submission, unknown labels, a run beside it, outputs of one column."""

import csv
import json

import numpy as np
import pytest

from foundation.recipe import LOGITS, PROBABILITIES, SIGMOIDS
from tests.commands import run_main
from tests.models.test_models import write_small_folder
from training.scoring import count_right, score

SMOKE = ["--backend", "jax", "--smoke", "--no-figures"]


@pytest.fixture
def apparel(workers, tmp_path):
    """A small competition folder in `tmp_path`."""
    workers["jax"].run(write_small_folder, str(tmp_path / "apparel"))
    return tmp_path / "apparel"


def test_a_run_writes_its_predictions_in_the_sample_submissions_order(workers, apparel, tmp_path):
    """`submission.csv` has the ids as `sample_submission.csv` has them, and what the network says of each."""
    ids = [str(number) for number in np.random.default_rng(1).permutation(np.arange(121, 151))]
    (apparel / "sample_submission.csv").write_text("id,label\n" + "".join(f"{row_id},0\n" for row_id in ids))

    arguments = ["--model", "apparel_cnn", "--data-dir", "apparel", "--out", "run", *SMOKE]
    code, _, error = workers["jax"].run(run_main, "train", arguments, str(tmp_path))

    assert code == 0, error
    rows = list(csv.DictReader((tmp_path / "run" / "submission.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == ids
    first = json.loads((tmp_path / "run" / "result.json").read_text())["first_predictions"]
    assert [int(row["label"]) for row in rows[:10]] == first


def test_a_competition_without_test_labels_gives_a_submission_and_no_score(workers, apparel, tmp_path):
    """The test images have no labels: there is no accuracy, and none is made up."""
    (apparel / "test_labels.csv").unlink()

    arguments = ["--model", "apparel_cnn", "--data-dir", "apparel", "--out", "run", *SMOKE]
    code, stdout, error = workers["jax"].run(run_main, "train", arguments, str(tmp_path))
    evaluated, _, evaluation_error = workers["jax"].run(
        run_main, "evaluate", ["run", "--data-dir", "apparel", "--backend", "jax"], str(tmp_path)
    )

    assert code == 0, error
    assert "the 30 test images have no labels" in stdout
    assert json.loads((tmp_path / "run" / "result.json").read_text())["test_accuracy"] is None
    assert (tmp_path / "run" / "submission.csv").exists()
    assert evaluated == 2
    assert "there is no score" in evaluation_error


def test_a_log_of_unknown_labels_is_refused(workers, apparel, tmp_path):
    """An accuracy on labels that nobody knows would be a lie."""
    (apparel / "test_labels.csv").unlink()

    arguments = ["--model", "apparel_cnn", "--data-dir", "apparel", *SMOKE, "--set", "log_every=1"]
    code, _, error = workers["jax"].run(run_main, "train", arguments, str(tmp_path))

    assert code == 2
    assert "add --set log_every=0" in error


def test_two_runs_are_plotted_beside_each_other(workers, tmp_path):
    """`evaluate.py RUN --beside RUN2` plots both networks' outputs, and how far they over-fit."""
    for name in ("lenet", "mlp"):
        code, _, error = workers["jax"].run(run_main, "train", ["--model", name, "--out", name, *SMOKE], str(tmp_path))
        assert code == 0, error

    arguments = ["lenet", "--beside", "mlp", "--backend", "jax", "--out", "beside"]
    code, _, error = workers["jax"].run(run_main, "evaluate", arguments, str(tmp_path))

    assert code == 0, error
    assert sorted(path.name for path in (tmp_path / "beside").iterdir()) == ["outputs_beside.png", "overfitting.png"]


def test_runs_on_other_data_are_not_plotted_beside_each_other(workers, tmp_path):
    """A 0 and a T-shirt have nothing to say to each other."""
    for name in ("mlp", "keras_cnn", "iris_mlp"):
        workers["jax"].run(run_main, "train", ["--model", name, "--out", name, *SMOKE], str(tmp_path))

    for first, second in (("mlp", "keras_cnn"), ("iris_mlp", "iris_mlp")):
        arguments = [first, "--beside", second, "--backend", "jax"]
        code, _, error = workers["jax"].run(run_main, "evaluate", arguments, str(tmp_path))

        assert code == 2
        assert "must be two runs on the same images" in error


def test_a_network_of_flowers_takes_no_picture(workers, tmp_path):
    """`--image` is refused in one line, before the file is looked for."""
    workers["jax"].run(run_main, "train", ["--model", "iris_mlp", "--out", "run", *SMOKE], str(tmp_path))

    arguments = ["run", "--backend", "jax", "--image", "digit.png"]
    code, _, error = workers["jax"].run(run_main, "evaluate", arguments, str(tmp_path))

    assert code == 2
    assert error == "error: run does not take pictures; leave out --image\n"


def test_a_single_sigmoid_tells_two_classes():
    """0.8 is class 1 with probability 0.8, 0.3 class 0 with 0.7; the loss is the binary cross-entropy."""
    scored = score(np.array([[0.8], [0.3]]), np.array([1, 1]), SIGMOIDS)

    np.testing.assert_allclose(scored.probabilities, [[0.2, 0.8], [0.7, 0.3]])
    assert scored.predictions.tolist() == [1, 0]
    assert scored.loss == pytest.approx(-(np.log(0.8) + np.log(0.3)) / 2)
    assert count_right(lambda inputs: inputs, [(np.array([[0.8], [0.3]]), np.array([1, 1]))]) == 1


def test_sigmoids_probabilities_and_logits_are_scored_as_what_they_are():
    """One row of outputs has another loss as each of the three; the prediction is the same."""
    outputs, labels = np.array([[0.9, 0.2, 0.1]]), np.array([0])

    scores = {kind: score(outputs, labels, kind) for kind in (SIGMOIDS, PROBABILITIES, LOGITS)}

    assert scores[SIGMOIDS].loss == pytest.approx(-(np.log(0.9) + np.log(0.8) + np.log(0.9)) / 3)
    assert scores[PROBABILITIES].loss == pytest.approx(-np.log(0.9))
    assert scores[LOGITS].loss == pytest.approx(-0.9 + np.log(np.exp(outputs).sum()))
    assert {scored.predictions[0] for scored in scores.values()} == {0}
