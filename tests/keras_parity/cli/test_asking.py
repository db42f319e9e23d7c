"""The options that shape a check become the request's arguments, and files of arrays are read."""

import argparse
import inspect

import numpy as np
import pytest

from keras_parity.cli.asking import add_request_options, read_arrays, request_options
from keras_parity.errors import UsageError
from keras_parity.request import CheckRequest


def ask(*words: str) -> dict:
    """Return the request's arguments that some words stand for."""
    parser = argparse.ArgumentParser()
    add_request_options(parser)
    return request_options(parser.parse_args(["model.keras", *words]))


def test_without_options_the_request_has_its_own_defaults():
    """The command line and Python ask for the same check."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(CheckRequest).parameters.items()}

    asked = ask()

    assert {name: value for name, value in asked.items() if name in defaults and defaults[name] != value} == {
        "executions": None  # as installed
    }


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--inference-only"], "training", False),
        (["--no-edge"], "edge", False),
        (["--no-reload"], "reload", False),
        (["--special"], "special", True),
        (["--metrics=acc,mse"], "metrics", ["acc", "mse"]),
        (["--loss-weights=[1, 2]"], "loss_weights", [1, 2]),
        (["--backends=jax,torch"], "executions", ("jax", "torch")),
    ],
)
def test_an_option_reaches_the_request(words, name, value):
    """Those that switch something off are the contrary of what they set."""
    assert ask(*words)[name] == value
    assert ask()[name] != value


def test_a_file_of_arrays_is_read_in_the_form_it_was_saved_in(tmp_path):
    """One array, several in order, or several by name."""
    one, two = np.arange(3.0), np.arange(4)
    np.save(tmp_path / "one.npy", one)
    np.savez(tmp_path / "single.npz", one)
    np.savez(tmp_path / "ordered.npz", *[one, two] * 6)
    np.savez(tmp_path / "named.npz", image=one, label=two)

    np.testing.assert_array_equal(read_arrays(tmp_path / "one.npy"), one)
    np.testing.assert_array_equal(read_arrays(tmp_path / "single.npz"), one)
    assert [len(array) for array in read_arrays(tmp_path / "ordered.npz")] == [3, 4] * 6
    assert list(read_arrays(tmp_path / "named.npz")) == ["image", "label"]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "is not there"), (b"no arrays", "cannot read"), (b"", "cannot read")]
)
def test_a_file_that_holds_no_arrays_is_refused_in_one_line(tmp_path, content, said):
    """With what to do, where there is something."""
    path = tmp_path / "inputs.npz"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=said) as refusal:
        read_arrays(path)
    assert "\n" not in str(refusal.value)


def test_a_file_of_no_arrays_and_one_of_objects_are_refused(tmp_path):
    """Objects would be unpickled."""
    np.savez(tmp_path / "empty.npz")
    np.savez(tmp_path / "objects.npz", np.array([{}], object))

    with pytest.raises(UsageError, match="holds no arrays"):
        read_arrays(tmp_path / "empty.npz")
    with pytest.raises(UsageError, match="cannot read .* as arrays: Object arrays"):
        read_arrays(tmp_path / "objects.npz")
