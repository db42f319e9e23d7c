"""A request crosses a process's command line unchanged."""

import dataclasses
import json
from pathlib import Path

import pytest

import models
from foundation.errors import UserError
from training.request import TrainingRequest
from training.run_folder import RunConfig

RECIPE = models.load("mnist_cnn").recipe.override(seed=3, learning_rate=0.5)
REQUEST = TrainingRequest(
    RunConfig("mnist_cnn", "jax", RECIPE, True), "train.py --smoke", out=Path("run"), figures=False
)


@pytest.mark.parametrize("request_", [REQUEST, dataclasses.replace(REQUEST, out=None, data_dir=Path("x"), resume=True)])
def test_a_request_survives_json(request_):
    """Every field, also those that are no JSON."""
    assert TrainingRequest.from_dict(json.loads(json.dumps(request_.to_dict()))) == request_


def test_a_request_of_another_recipe_is_refused():
    """The test above can fail."""
    values = REQUEST.to_dict()
    values["config"]["recipe"]["lr"] = values["config"]["recipe"].pop("learning_rate")

    with pytest.raises(UserError, match="not one of this version"):
        TrainingRequest.from_dict(values)
