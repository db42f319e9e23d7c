"""`evaluate.py` gives one run the same score on every backend, and refuses what it cannot trust in one line."""

import gzip
import json
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import evaluate
from data.archives import EMBEDDED
from tests.commands import run_main

TRIAL = ["--set", "training_examples=5000", "--set", "log_every=50", "--set", "log_examples=100", "--no-figures"]


def outputs_of_run(folder):
    """Return a run's logits for all test images, and its weights."""
    import data
    import models
    from training.scoring import predict
    from training.weights import load_weights

    model = models.load("mnist_cnn").build()
    load_weights(model, Path(folder) / "model.keras")
    return predict(model, data.read("mnist").test.inputs), model.get_weights()


def damage_weights(folder, how):
    """Save over a run's model: with a NaN in a weight, or a model of another shape."""
    import keras

    import models

    if how == "nan":
        model = models.load("mnist_cnn").build()
        weights = model.get_weights()
        weights[0][0, 0, 0, 0] = np.nan
        model.set_weights(weights)
    else:
        model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save(Path(folder) / "model.keras")


@pytest.fixture(scope="module")
def run(workers, tmp_path_factory):
    """A run on JAX, 100 steps long: good enough to have opinions, bad enough to have doubts."""
    folder = tmp_path_factory.mktemp("run")
    arguments = ["--model", "mnist_cnn", "--backend", "jax", "--out", "run", *TRIAL]
    assert workers["jax"].run(run_main, "train", arguments, str(folder))[0] == 0
    return folder / "run"


@pytest.fixture
def copy(run, tmp_path):
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(run, tmp_path / "run"))


def evaluate_json(worker, *arguments, folder):
    """Return the object that `evaluate.py --json` prints."""
    code, stdout, stderr = worker.run(
        run_main, "evaluate", [*arguments, "--json", "--backend", worker.backend], str(folder)
    )
    assert code == 0, stderr
    return json.loads(stdout)


def test_a_run_has_the_same_accuracy_on_every_backend(workers, run, tmp_path):
    """Trained on JAX, scored on all three: same accuracy, and the loss to six digits."""
    results = {
        backend: evaluate_json(workers[backend], str(run), "--no-figures", folder=tmp_path)
        for backend in ("tensorflow", "jax", "torch")
    }

    trained = json.loads((run / "result.json").read_text())
    assert {result["accuracy"] for result in results.values()} == {trained["test_accuracy"]}
    for result in results.values():
        assert result["loss"] == pytest.approx(trained["test_loss"], rel=1e-6)
        assert result["examples"] == 10_000
        assert np.sum(result["confusion"]) == 10_000
        assert np.trace(result["confusion"]) / 10_000 == result["accuracy"]


def test_every_image_gets_the_same_class_on_every_backend(workers, run):
    """Image by image the classes agree, except where the two best logits tie within rounding; weights are the same."""
    found = workers.run_everywhere(outputs_of_run, str(run))

    logits, weights = found["jax"]
    for other_logits, other_weights in found.values():
        assert all(a.tobytes() == b.tobytes() for a, b in zip(weights, other_weights, strict=True))
        differs = logits.argmax(1) != other_logits.argmax(1)
        best = np.sort(logits, axis=1)
        assert np.all((best[:, -1] - best[:, -2])[differs] < 1e-5 * np.abs(logits).max())
        assert len(np.unique(logits.argmax(1))) == 10


def test_the_table_and_the_figures_are_there(worker, run, tmp_path):
    """Without `--json` it prints accuracy, loss and a row per class, and plots the figures."""
    arguments = [str(run), "--backend", worker.backend, "--out", "figures"]

    code, stdout, stderr = worker.run(run_main, "evaluate", arguments, str(tmp_path))

    assert code == 0, stderr
    assert "on 10,000 mnist test images" in stdout
    assert "…" not in stdout, "the table is cut"
    assert sorted(file.name for file in (tmp_path / "figures").iterdir()) == [
        "confusion.png",
        "first_predictions.png",
        "worst.png",
    ]


def test_a_picture_of_any_size_and_polarity_is_classified(workers, run, tmp_path):
    """A test image, enlarged and as dark ink on light paper, is the digit that it was; its outputs are plotted."""
    raw = gzip.decompress((EMBEDDED / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())[16 : 16 + 784]
    seven = Image.fromarray(255 - np.frombuffer(raw, np.uint8).reshape(28, 28)).resize((300, 200))
    seven.save(tmp_path / "seven.png")

    result = evaluate_json(workers["torch"], str(run), "--image", "seven.png", "--out", ".", folder=tmp_path)

    assert result["prediction"] == "7"
    assert sum(result["probabilities"].values()) == pytest.approx(1)
    assert (tmp_path / "seven-outputs.png").exists()


def cut_model(copy):
    """Cut the model's file."""
    path = copy / "model.keras"
    path.write_bytes(path.read_bytes()[:20_000])


def flip_model(copy):
    """Flip a bit among the weights."""
    path = copy / "model.keras"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def swell_model(copy):
    """Add a member that unpacks to 100 MB."""
    with zipfile.ZipFile(copy / "model.keras", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(100_000_000))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_model, "does not hold the weights of mnist_cnn"),
        (flip_model, "does not hold the weights of mnist_cnn"),
        (swell_model, "too many for mnist_cnn"),
        (lambda copy: (copy / "model.keras").unlink(), "go on with train.py --resume"),
        (lambda copy: (copy / "config.json").unlink(), "is not a run folder"),
        (lambda copy: (copy / "config.json").write_text("{"), "config.json is damaged"),
        (lambda copy: (copy / "config.json").write_text("[" * 100_000), "config.json is damaged"),
        (lambda copy: (copy / "config.json").write_text('{"model": "../x"}'), "config.json is damaged"),
    ],
)
def test_a_damaged_run_is_refused_in_one_line(workers, copy, damage, message):
    """Whatever is wrong with a run's files, it is said in one line."""
    damage(copy)

    code, stdout, stderr = workers["jax"].run(
        run_main, "evaluate", [str(copy), "--json", "--backend", "jax"], str(copy)
    )

    assert code == 2
    assert stdout == ""
    assert message in stderr
    assert stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("how", "message"), [("nan", "holds weights that are not finite"), ("shape", "does not hold the weights")]
)
def test_weights_that_do_not_fit_are_refused(workers, copy, how, message):
    """NaN among the weights, or another model's weights, are no evaluation."""
    workers["jax"].run(damage_weights, str(copy), how)

    code, _, stderr = workers["jax"].run(run_main, "evaluate", [str(copy), "--backend", "jax"], str(copy))

    assert code == 2
    assert message in stderr


def test_what_is_not_there_is_named(workers, tmp_path):
    """A wrong path is a one-line error."""
    code, _, stderr = workers["jax"].run(run_main, "evaluate", ["nowhere", "--backend", "jax"], str(tmp_path))

    assert code == 2
    assert stderr == "error: nowhere is not there; give a run folder, as runs/mnist_cnn-jax-seed1, or a .keras file\n"


def test_a_keras_file_alone_scores_like_its_run(workers, run, tmp_path):
    """The `.keras` file of a run, taken as a foreign one, has the run's accuracy."""
    shutil.copy(run / "model.keras", tmp_path / "mine.keras")

    result = evaluate_json(workers["jax"], "mine.keras", "--no-figures", folder=tmp_path)

    assert result["accuracy"] == json.loads((run / "result.json").read_text())["test_accuracy"]
    assert result["outputs"] == "logits"


def test_a_file_that_is_no_model_is_refused(workers, tmp_path):
    """A text file with a hopeful name is refused in one line."""
    (tmp_path / "model.keras").write_text("not a model")

    code, _, stderr = workers["jax"].run(run_main, "evaluate", ["model.keras", "--backend", "jax"], str(tmp_path))

    assert code == 2
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sentences", "is evaluated on images, and sentences has none; --dataset takes apparel, fashion_mnist, mnist"),
        ("iris", "is evaluated on images, and iris has none; --dataset takes apparel, fashion_mnist, mnist"),
        ("mnst", "no data set 'mnst' in data/; did you mean mnist?"),
    ],
)
@pytest.mark.parametrize("arguments", [[], ["--image", "digit.png"]])
def test_a_keras_file_and_a_data_set_without_images_are_refused_in_one_line(run, tmp_path, name, message, arguments):
    """What is known from the command line alone is said before anything is opened."""
    shutil.copy(run / "model.keras", tmp_path / "mine.keras")

    command = ["mine.keras", "--backend", "jax", "--dataset", name, *arguments]
    code, stdout, stderr = run_main("evaluate", command, str(tmp_path))

    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: ")
    assert stderr.endswith(f"{message}\n")
    assert stderr.count("\n") == 1


def test_the_helps_example_runs(workers, run, tmp_path):
    """The command at the end of `--help` works as it stands, where such a run is."""
    shutil.copytree(run, tmp_path / "runs" / "mnist_cnn-jax-seed1")
    words = shlex.split(evaluate.EXAMPLE.splitlines()[1])

    assert words[:2] == ["python", "evaluate.py"]
    assert workers["torch"].run(run_main, "evaluate", words[2:], str(tmp_path))[0] == 0
