"""`train.py` does what its help says, and what goes wrong is said in one line."""

import csv
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import train
from tests.commands import ROOT, finish, run_main, start

# Few images, many checkpoints: 40 steps of 50, a log line every 5.
SHORT = ["--no-figures", "--set", "training_examples=2000", "--set", "log_every=5", "--set", "log_examples=100"]


def read_weights(path):
    """Return the arrays of a saved model."""
    import keras

    return keras.models.load_model(path, compile=False).get_weights()


@pytest.fixture(scope="module")
def smoke(workers, tmp_path_factory):
    """A smoke run with all flags, per backend: exit code, output and folder."""
    runs = {}

    def get(backend):
        if backend not in runs:
            folder = tmp_path_factory.mktemp(f"smoke-{backend}")
            arguments = ["--model", "mnist_cnn", "--backend", backend, "--smoke", "--tsne", "--tensorboard", "--csv"]
            runs[backend] = (*workers[backend].run(run_main, "train", arguments, str(folder)), folder)
        return runs[backend]

    return get


def test_a_smoke_run_leaves_a_whole_run_folder(worker, smoke):
    """Two steps on few images write every file that a real run writes."""
    code, _, stderr, folder = smoke(worker.backend)

    run = folder / "runs" / f"mnist_cnn-{worker.backend}-seed1-smoke"
    assert code == 0, stderr
    assert sorted(os.listdir(run)) == [
        "checkpoint.npz",
        "config.json",
        "csv_logger.csv",
        "environment.json",
        "figures",
        "history.csv",
        "log.jsonl",
        "model.keras",
        "result.json",
        "tensorboard",
    ]
    assert sorted(os.listdir(run / "figures")) == [
        "confusion.png",
        "curves.png",
        "feature_maps.png",
        "first_predictions.png",
        "four_samples.png",
        "kernels.png",
        "samples.png",
        "tsne.gif",
        "tsne.png",
        "worst.png",
    ]
    with Image.open(run / "figures" / "tsne.gif") as animation:
        assert animation.n_frames == 2
    assert len((run / "log.jsonl").read_text().splitlines()) == 2
    assert len(list(csv.DictReader((run / "csv_logger.csv").read_text().splitlines()))) == 1
    assert any(run.glob("tensorboard/train/events*"))


def test_the_output_is_the_originals(worker, smoke):
    """The architecture, the log line and the first ten predictions beside the truth are printed on stdout."""
    _, stdout, _, _ = smoke(worker.backend)

    assert "28,938" in stdout
    assert "conv2 (Conv2D)" in stdout
    lines = [line for line in stdout.splitlines() if line.startswith("Epoch: 0 | train loss: ")]
    assert len(lines) == 2
    assert all(" | test accuracy: 0." in line for line in lines)
    assert "[7 2 1 0 4 1 4 9 5 9] truth" in stdout
    assert "] prediction" in stdout


def test_the_run_records_what_it_ran_on(worker, smoke):
    """Versions, processor, threads, commit and command; cost of the log, start-up and peak memory."""
    run = smoke(worker.backend)[3] / "runs" / f"mnist_cnn-{worker.backend}-seed1-smoke"

    environment = json.loads((run / "environment.json").read_text())
    result = json.loads((run / "result.json").read_text())

    assert environment["versions"]["keras"].startswith("3.15")
    assert environment["threads"]
    assert {"processor", "cores", "git_commit", "command", "date"} <= set(environment)
    assert 0 < result["logging_seconds"] < result["training_seconds"]
    assert set(result["seconds_to_first_step"]) == {"imports", "data", "model_and_first_step"}
    assert result["peak_memory_mib"] > 100
    assert result["parameters"] == 28_938


def test_an_earlier_run_is_never_overwritten_silently(workers, tmp_path):
    """A second run takes a new number; `--overwrite` replaces; `--out` refuses what is there."""
    arguments = ["--model", "mnist_cnn", "--backend", "jax", "--smoke", "--no-figures"]
    runs = tmp_path / "runs"

    for expected in ("mnist_cnn-jax-seed1-smoke", "mnist_cnn-jax-seed1-smoke-2"):
        assert workers["jax"].run(run_main, "train", arguments, str(tmp_path))[0] == 0
        assert (runs / expected / "model.keras").exists()
    (runs / "mnist_cnn-jax-seed1-smoke" / "model.keras").write_text("old")
    code, _, _ = workers["jax"].run(run_main, "train", [*arguments, "--overwrite"], str(tmp_path))
    out = [*arguments, "--out", str(runs / "mnist_cnn-jax-seed1-smoke")]
    refused, _, error = workers["jax"].run(run_main, "train", out, str(tmp_path))

    assert code == 0
    assert (runs / "mnist_cnn-jax-seed1-smoke" / "model.keras").read_bytes() != b"old"
    assert sorted(os.listdir(runs)) == ["mnist_cnn-jax-seed1-smoke", "mnist_cnn-jax-seed1-smoke-2"]
    assert refused == 2
    assert "is already there; choose another --out, or --overwrite" in error


def test_overwrite_deletes_nothing_that_no_run_wrote(workers, tmp_path):
    """A folder of somebody's papers is safe from a wrong `--out`."""
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.tex").write_text("years")
    arguments = ["--model", "mnist_cnn", "--smoke", "--backend", "jax", "--out", "papers", "--overwrite"]

    code, _, error = workers["jax"].run(run_main, "train", arguments, str(tmp_path))

    assert code == 2
    assert "holds 'thesis.tex', which no run wrote" in error
    assert (tmp_path / "papers" / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "mnist_cn"], "did you mean mnist_cnn"),
        (["--model", "mnist_cnn", "--backend", "jaxx"], "invalid choice: 'jaxx'"),
        (["--resume", "nowhere"], "nowhere is not a folder"),
        (["--resume", ".", "--smoke"], "takes no --set, --smoke"),
        ([], "one of the arguments --model --resume --list is required"),
        (["--model", "mnist_cnn", "--epoch", "3"], "there is no flag --epoch; did you mean --epochs?"),
    ],
)
def test_a_typo_costs_one_line_and_no_framework(arguments, message, tmp_path):
    """A wrong command line ends with exit code 2 and a clear message, before keras is imported."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import train; code = train.main({arguments!r})"
    code = f"{code}; assert 'keras' not in sys.modules; sys.exit(code)"

    process = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


def test_a_wrong_backend_in_the_environment_is_named(tmp_path):
    """`KERAS_BACKEND` is honoured, so nonsense in it is an error."""
    code, _, error = finish(start("train", "--model", "mnist_cnn", folder=tmp_path, KERAS_BACKEND="theano"))

    assert code == 2
    assert error == "error: KERAS_BACKEND is 'theano'; choose one of tensorflow, jax, torch\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "batchsize=3"], "did you mean 'batch_size'"),
        (["--set", "lr=1"], "did you mean 'learning_rate'"),
        (["--epochs", "0"], "epochs is 0; it must be 1 or more"),
        (["--set", "training_examples=70000"], "there are 60,000"),
        (["--data-dir", "nowhere"], "nowhere is not a folder"),
        (["--out", "file/run"], "cannot write file/run: "),
    ],
)
def test_bad_values_give_one_line_and_no_folder(workers, tmp_path, arguments, message):
    """What only the recipe, the data or the disk can refuse is refused in one line too."""
    (tmp_path / "file").write_text("")

    command = ["--model", "mnist_cnn", "--backend", "jax", "--no-figures", *arguments]
    code, _, error = workers["jax"].run(run_main, "train", command, str(tmp_path))

    assert code == 2
    assert message in error
    assert error.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "runs").exists()


def test_list_shows_every_system(tmp_path):
    """`--list` has name, parameters, data set and origin; a variant has its own number of parameters."""
    code, stdout, _ = run_main("train", ["--list"], str(tmp_path))

    assert code == 0
    assert all(text in stdout for text in ("mnist_cnn", "28,938", "mnist", "tutorial", "lenet-narrow", "58,154"))


def test_the_helps_example_runs(workers, tmp_path):
    """The command at the end of `--help` works as it stands."""
    words = shlex.split(train.EXAMPLE.splitlines()[1])

    assert words[:3] == ["KERAS_BACKEND=jax", "python", "train.py"]
    code, _, _ = workers["jax"].run(run_main, "train", [*words[3:], "--backend", "jax"], str(tmp_path))
    assert code == 0


@pytest.fixture(scope="module")
def uninterrupted(workers, tmp_path_factory):
    """The weights of a short run that was never stopped, per backend."""
    weights = {}

    def get(backend):
        if backend not in weights:
            folder = tmp_path_factory.mktemp(f"uninterrupted-{backend}")
            arguments = ["--model", "mnist_cnn", "--backend", backend, "--out", "run", *SHORT]
            assert workers[backend].run(run_main, "train", arguments, str(folder))[0] == 0
            weights[backend] = workers[backend].run(read_weights, str(folder / "run" / "model.keras"))
        return weights[backend]

    return get


def wait_for_log(run, process, lines):
    """Wait until a running process has logged so many lines."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if (run / "log.jsonl").exists() and len((run / "log.jsonl").read_text().splitlines()) >= lines:
            return
        time.sleep(0.005)
    raise AssertionError(process.communicate())


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_run_stopped_in_mid_epoch_ends_with_the_weights_of_one_never_stopped(worker, uninterrupted, tmp_path, stop):
    """`kill -9` and Ctrl-C in mid-epoch, then `--resume`: bit for bit the weights of an uninterrupted run."""
    run = tmp_path / "run"
    arguments = ["--model", "mnist_cnn", "--backend", worker.backend, "--out", "run", "--checkpoint-every", "0", *SHORT]
    process = start("train", *arguments, folder=tmp_path)
    wait_for_log(run, process, 3)
    process.send_signal(stop)
    code, _, error = finish(process)
    stopped_at = len((run / "log.jsonl").read_text().splitlines())

    resume = ["--resume", "run", "--no-figures"]
    resumed, _, resume_error = worker.run(run_main, "train", resume, str(tmp_path))

    assert resumed == 0, resume_error
    assert stopped_at < 8, "it was stopped after its end: nothing was tested"
    if stop == signal.SIGINT:
        assert code == 130
        assert error.splitlines()[-1].endswith("go on with: python train.py --resume run")
    weights = worker.run(read_weights, str(run / "model.keras"))
    for value, expected in zip(weights, uninterrupted(worker.backend), strict=True):
        assert value.tobytes() == expected.tobytes()
    steps = [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert steps == [5, 10, 15, 20, 25, 30, 35, 40]


def test_other_weights_would_be_noticed(workers, uninterrupted, tmp_path):
    """The comparison above can fail: another seed ends with other bits."""
    arguments = ["--model", "mnist_cnn", "--backend", "jax", "--out", "run", "--seed", "2", *SHORT]
    workers["jax"].run(run_main, "train", arguments, str(tmp_path))

    weights = workers["jax"].run(read_weights, str(tmp_path / "run" / "model.keras"))

    assert any(a.tobytes() != b.tobytes() for a, b in zip(weights, uninterrupted("jax"), strict=True))


def test_a_run_goes_on_with_its_own_backend(workers, tmp_path):
    """Another backend would not give the same weights, so it is refused."""
    smoke = ["--model", "mnist_cnn", "--backend", "jax", "--smoke", "--no-figures", "--out", "run"]
    workers["jax"].run(run_main, "train", smoke, str(tmp_path))

    code, _, error = workers["torch"].run(run_main, "train", ["--resume", "run", "--backend", "torch"], str(tmp_path))

    assert code == 2
    assert "was trained on jax; --resume goes on with that backend" in error


def smoke_with_little_disk(folder):
    """Run a smoke training whose files may not grow past 60 kB, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        return run_main("train", ["--model", "mnist_cnn", "--smoke", "--no-figures", "--out", "run"], folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_line(worker, tmp_path):
    """No half-written file is left with the name of a whole one."""
    os.environ.pop("KERAS_BACKEND", None)

    code, _, error = worker.run(smoke_with_little_disk, str(tmp_path))

    assert code == 2
    assert "cannot write run/" in error
    assert "free some space" in error
    assert not [name for name in os.listdir(tmp_path / "run") if name in ("checkpoint.npz", "model.keras")]
    assert not [name for name in os.listdir(tmp_path / "run") if name.startswith(".")]


def test_the_saved_model_opens_in_plain_keras_everywhere(workers, smoke):
    """The `.keras` file needs none of our code, and its weights are the same bits on every backend."""
    run = smoke("torch")[3] / "runs" / "mnist_cnn-torch-seed1-smoke"

    weights = workers.run_everywhere(read_weights, str(run / "model.keras"))

    for backend in ("tensorflow", "jax"):
        for value, expected in zip(weights[backend], weights["torch"], strict=True):
            np.testing.assert_array_equal(value, expected)
