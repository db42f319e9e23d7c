"""Each type of an option reads what it should and refuses the rest in one line."""

import argparse

import pytest

from keras_parity.cli import arguments
from keras_parity.errors import UsageError


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (arguments.read_count, "0", 0),
        (arguments.read_positive, "7", 7),
        (arguments.read_seconds, "1e-2", 0.01),
        (arguments.read_json_object, '{"classes": 10}', {"classes": 10}),
        (arguments.read_weights, "[1, 0.5]", [1, 0.5]),
        (arguments.read_weights, '{"a": 2}', {"a": 2}),
        (arguments.read_identifier, "mse", "mse"),
        (arguments.read_identifier, '{"class_name": "Huber"}', {"class_name": "Huber"}),
        (arguments.read_identifiers, "acc, mse", ["acc", "mse"]),
        (arguments.read_identifiers, '{"class_name": "AUC", "config": {}}', [{"class_name": "AUC", "config": {}}]),
        (arguments.read_identifiers, '{"a": ["acc"]}', {"a": ["acc"]}),
    ],
)
def test_what_is_meant_is_read(read, text, value):
    """Names as they are, JSON as what it holds."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (arguments.read_count, "-1", "a whole number from 0 on"),
        (arguments.read_positive, "0", "a whole number from 1 on"),
        (arguments.read_seconds, "inf", "a number of seconds above 0"),
        (arguments.read_seconds, "soon", "a number of seconds above 0"),
        (arguments.read_json_object, "[1]", "a JSON object"),
        (arguments.read_json_object, "{", "this is no JSON"),
        (arguments.read_weights, '["a"]', "a JSON list of numbers"),
        (arguments.read_weights, "[true]", "a JSON list of numbers"),
        (arguments.read_weights, "2", "a JSON list of numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(read, text, said):
    """The line says what to write."""
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"), [("jax,theano", "'theano' is none of"), ("jax,jax", "each once"), ("jax", "two or more")]
)
def test_two_or_more_backends_are_named_each_once(text, said):
    """A space after a comma is let pass."""
    assert arguments.read_backends("jax, torch", ("jax", "torch")) == ("jax", "torch")

    with pytest.raises(argparse.ArgumentTypeError, match=said):
        arguments.read_backends(text, ("jax", "torch"))


def test_executions_are_those_of_the_registry():
    """Installed or not: what is not is refused with the command that installs it, when it is looked for."""
    assert arguments.read_executions("jax, openvino") == ("jax", "openvino")

    with pytest.raises(argparse.ArgumentTypeError, match="'theano' is none of tensorflow, jax, torch, openvino"):
        arguments.read_executions("jax,theano")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seeed", "1"], "there is no option --seeed; did you mean --seed?"),
        (["--zzzzzz"], "there is no option --zzzzzz$"),
        (["surplus"], "'surplus' is one word too many"),
        (["--se", "1"], "there is no option --se;"),
    ],
)
def test_an_unknown_option_is_named_with_the_one_that_was_meant(words, said, capsys):
    """No option is taken by its beginning alone; a line on the usage goes before."""
    parser = arguments.Parser(prog="program")
    parser.add_argument("--seed")
    assert parser.parse_args(["--seed", "3"]).seed == "3"

    with pytest.raises(UsageError, match=said):
        parser.parse_args(words)
    assert capsys.readouterr().err.startswith("usage: program")
