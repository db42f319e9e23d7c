"""A request is made once, written into the verdict, read back, and printed as the command that makes it again."""

import dataclasses
import json
import shlex
from dataclasses import replace

import numpy as np
import pytest

from keras_parity.cli import build_parser
from keras_parity.cli.asking import request_options
from keras_parity.errors import UsageError
from keras_parity.protocol.source import ModelSource
from keras_parity.request import CheckRequest, make_request

MODELS = """
import keras


def build(units=4, name="it"):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)], name=name)
"""
SGD = {"class_name": "SGD", "config": {"learning_rate": 0.1, "nesterov": True}}
OPTIONS = [
    {},
    {"loss": {"class_name": "Huber", "config": {"delta": 0.5}}},
    {"loss": {"first": "mse", "second": "mae"}},
    {"loss": ["mse", "mae"]},
    {"loss": ["mse", "mae"], "loss_weights": [0.5, 2.0], "weighted_metrics": ["accuracy"]},
    {"loss_weights": {"first": 1.0}, "weighted_metrics": {"first": ["accuracy"]}},
    {"class_weight": {0: 1.0, 2: 0.25}},
    {"optimizer": "my_pkg.train:make", "loss": "my_pkg.train:loss", "steps": 1000},
    {"optimizer": SGD, "steps": 0},
    {"metrics": ("accuracy", "AUC")},
    {"metrics": ({"class_name": "AUC", "config": {"num_thresholds": 5}},)},
    {"metrics": {"first": ["accuracy", "AUC"], "second": []}},
    {"metrics": ("a,b", "c"), "seed": -3},
    {"special": True, "batch_size": 2, "edge": False},
    {"training": False, "reload": False, "time_limit": 12.5},
    {"time_limit": 1234567.125},
    {"dtype": "mixed_float16", "seed": 7},
    {"kwargs": {"units": 5, "name": 'it\'s "quoted" and spaced'}},
    {"kwargs": {"name": "$(x) `y` \\ \n -z", "units": {"list": [1, 2.5, None, True]}}},
]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    """A working folder with a module of models."""
    (tmp_path / "request_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)


def read_command(command: str) -> CheckRequest:
    """Return the request that a command line makes."""
    _, *words = shlex.split(command)
    options = build_parser().parse_args(words)
    return make_request(options.model, **request_options(options))


def draw_options(generator) -> dict:
    """Return some of each option, as a user may mix them."""
    drawn: dict = {}
    for options in OPTIONS:
        for name, value in options.items():
            if generator.random() < 0.3:
                drawn[name] = value
    return drawn


@pytest.mark.parametrize("seed", range(50))
def test_any_mix_of_options_comes_out_of_the_printed_command(seed):
    """None of them is lost beside another."""
    options = draw_options(np.random.default_rng(seed))
    request = make_request("request_models:build", ["torch", "jax", "tensorflow"], **options)

    assert read_command(request.command("reduce")) == request


def test_every_option_of_a_request_is_one_of_the_commands():
    """What the property above mixes leaves none of them out."""
    mixed = {name for options in OPTIONS for name in options}
    in_files_or_python = {"source", "executions", "inputs", "targets", "inputs_file", "targets_file", "sample_weight"}

    assert mixed | in_files_or_python == {field.name for field in dataclasses.fields(CheckRequest)}


def test_losses_in_a_tuple_are_no_single_name():
    """They come out as a list, which means the same."""
    request = make_request("request_models:build", ["jax", "torch"], loss=("mse", "mae"))

    assert read_command(request.command()).loss == ["mse", "mae"]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("verb", ["check", "reduce"])
def test_the_printed_command_makes_the_same_request(verb, options):
    """Whatever was asked for; for checking again, and for reducing."""
    request = make_request("request_models:build", ["jax", "torch"], **options)

    assert read_command(request.command(verb)) == request


def test_files_of_arrays_are_named_in_the_command():
    """They are read again, and their arrays are the same."""
    np.save("x.npy", np.ones((2, 3)))
    np.savez("y.npz", np.zeros(2), np.ones(2))
    request = read_command("keras-parity check request_models:build --inputs x.npy --targets y.npz")

    again = read_command(request.command())

    assert (again.inputs_file, again.targets_file) == ("x.npy", "y.npz")
    assert np.array_equal(again.inputs, request.inputs)
    assert all(np.array_equal(one, other) for one, other in zip(again.targets, request.targets, strict=True))


def test_a_file_whose_name_begins_with_a_dash_is_no_option():
    """It is named by its folder."""
    request = CheckRequest(ModelSource("-model.keras", "file", path="/models/-model.keras"), ("jax", "torch"), steps=0)

    _, *words = shlex.split(request.command())

    assert build_parser().parse_args(words).model == "./-model.keras"


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_request_comes_back_from_json(options):
    """As a report holds it."""
    request = make_request("request_models:build", ["jax", "torch"], **options)

    read = CheckRequest.from_dict(json.loads(json.dumps(request.to_dict())))

    assert read.command() == request.command()
    assert replace(read, source=replace(read.source, sys_path=request.source.sys_path)) == request


def test_what_only_python_can_hold_is_said():
    """No command line names a function of a notebook or an array of a program; a call of Python does."""

    def own_loss(target, output):
        return output

    for options in ({"loss": own_loss}, {"inputs": np.ones((2, 3))}):
        request = make_request("request_models:build", ["jax", "torch"], **options)

        assert request.command() is None
        (name,) = options
        assert f"{name}={name}" in request.call("check")
        assert "in Python" in json.dumps(request.to_dict())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "int8"}, "no dtype 'int8'"),
        ({"steps": -1}, "steps is -1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"time_limit": float("nan")}, "time_limit is nan"),
        ({"executions": ["jax", "theano"]}, "no backend 'theano'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(options, said):
    """Before anything starts."""
    with pytest.raises(UsageError, match=said) as raised:
        make_request("request_models:build", **options)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("given", [{0: 1.0, 1: 5}, {"0": 1, "1": 5.0}])
def test_weights_of_classes_are_numbers_by_number(given):
    """In JSON their names are texts; a report brings them back."""
    request = make_request("request_models:build", ["jax", "torch"], class_weight=given)

    assert request.class_weight == {0: 1.0, 1: 5.0}
    assert CheckRequest.from_dict(json.loads(json.dumps(request.to_dict()))).class_weight == {0: 1.0, 1: 5.0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"class_weight": {0: 2.0}, "sample_weight": np.ones(4)}, "give class_weight or sample_weight, not both"),
        ({"class_weight": [1.0, 2.0]}, "it must have a number for each class"),
        ({"class_weight": {"cat": 1.0}}, "it must have a number for each class"),
    ],
)
def test_weights_that_keras_would_refuse_are_refused_in_one_line(options, said):
    """Before anything starts."""
    with pytest.raises(UsageError, match=said):
        make_request("request_models:build", ["jax", "torch"], **options)
