"""The catalogue as data: configurations that are all different, can be parsed and drawn."""

import ast
from collections import Counter

import numpy as np

from keras_parity.scan.catalogue import _CONFIGURATIONS, CATALOGUE
from keras_parity.scan.configuration import VARIABLES
from keras_parity.scan.values import DRAWN, LISTED, draw_inputs


def test_each_configuration_is_there_once():
    """A second one of the same name would hide the first."""
    names = Counter(configuration.name for configuration in _CONFIGURATIONS)

    assert [name for name, count in names.items() if count > 1] == []
    assert len(CATALOGUE) == len(_CONFIGURATIONS) > 1000


def test_expressions_use_their_inputs_and_public_names_alone():
    """What is evaluated in a worker holds no other name."""
    for configuration in CATALOGUE.values():
        tree = ast.parse(configuration.expression, mode="eval")
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        inputs = set(VARIABLES[: len(configuration.inputs)])
        assert "x" in names, configuration.name
        assert names <= inputs | bound | {"layers", "ops", "keras", "float", "slice", "Ellipsis"}, configuration.name


def test_every_input_is_of_a_kind_that_can_be_drawn():
    """The values of each kind have the shape that is asked for."""
    kinds = {tensor.values.partition(" ")[0] for c in CATALOGUE.values() for tensor in c.inputs}
    assert kinds <= {"below", *DRAWN, *LISTED}

    for configuration in list(CATALOGUE.values())[::20]:
        for array, tensor in zip(draw_inputs(configuration, "float32", 2), configuration.inputs, strict=True):
            assert np.shape(array) == (tensor.batch or 2, *tensor.shape)
