"""CONTRIBUTING's example is a whole system: one file, found by its name, trained by `train.py`."""

import re
import shutil

import pytest

from tests.commands import ROOT, finish, start


@pytest.fixture
def checkout(tmp_path):
    """A copy of the code, into which a newcomer may write; the data are in the test session's cache."""
    shutil.copy(ROOT / "train.py", tmp_path)
    for package in ("data", "figures", "foundation", "models", "training", "keras_parity"):
        ignored = shutil.ignore_patterns("__pycache__", "embedded")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    return tmp_path


def example():
    """Return the first Python block of CONTRIBUTING.md."""
    return re.search(r"```python\n(.+?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL).group(1)


def run_there(checkout, *arguments):
    """Run the copy's own `train.py`."""
    return finish(start(checkout / "train", *arguments, folder=checkout, KERAS_BACKEND="jax"))


def test_the_example_in_contributing_is_a_system_that_trains(workers, checkout):
    """Written to `models/softmax.py` and nothing else, it trains, saves and plots."""
    workers["jax"].run(read_mnist)
    (checkout / "models" / "softmax.py").write_text(example())

    code, stdout, error = run_there(checkout, "--model", "softmax", "--smoke", "--out", "run")

    assert code == 0, error
    assert "7,850" in stdout
    assert "test accuracy" in stdout
    assert (checkout / "run" / "model.keras").exists()


def test_without_the_file_there_is_no_such_system(checkout):
    """The test above can fail."""
    code, _, error = run_there(checkout, "--model", "softmax", "--smoke")

    assert code == 2
    assert "no system 'softmax' in models/" in error


def read_mnist():
    """Prepare MNIST in the cache."""
    import data

    data.read("mnist")
