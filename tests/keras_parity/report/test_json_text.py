"""A verdict as strict JSON comes back the same, and so does one that keras-parity 0.1 wrote."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.report.json_text import parse_json, render_json
from tests.keras_parity.verdicts import agreeing, disagreeing, finding


def test_numbers_that_json_lacks_have_a_form_of_their_own():
    """NaN is null, infinities are words; both come back."""
    sizes = {"max_abs_error": math.inf, "rounding_units": math.nan}
    verdict = disagreeing(finding(cause=Cause.NAN, **sizes))

    text = render_json(verdict)

    [written] = json.loads(text)["findings"]
    assert (written["max_abs_error"], written["rounding_units"]) == ("Infinity", None)
    [read] = parse_json(text).findings
    assert read.max_abs_error == math.inf
    assert math.isnan(read.rounding_units)


def test_numpys_values_and_sets_become_plain_ones():
    """A setting may be either."""
    verdict = agreeing(used={"array": np.arange(3), "scalar": np.float32(0.5), "set": {7}})

    assert json.loads(render_json(verdict))["used"] == {"array": [0, 1, 2], "scalar": 0.5, "set": [7]}


def test_a_report_of_the_first_version_is_read():
    """Its backends are the executions, its texts become quantities, and its message the detail."""
    old = {
        "format": 1,
        "outcome": "disagree",
        "reason": "r",
        "model": "m.keras",
        "settings": {"backends": ["jax", "torch"], "dtype": "float32", "seed": 1, "threshold": 500.0},
        "findings": [
            {
                "layer": "dense",
                "layer_type": "Dense",
                "backend": "jax",
                "backends": ["jax", "torch"],
                "quantity": "gradient of kernel",
                "mode": "training",
                "cause": "semantic",
                "draw": "ordinary 1",
                "ordinary": True,
                "max_abs_error": 0.5,
                "rounding_units": None,
                "message": "dense: jax is alone on the gradient of kernel (semantic): by far",
            }
        ],
        "measurements": [],
        "notes": [],
        "failures": {},
        "raised_everywhere": False,
        "environment": {},
        "seconds": 1.0,
    }

    verdict = parse_json(json.dumps(old))

    [read] = verdict.findings
    assert (read.execution, read.quantity, read.detail) == ("jax", Quantity(Kind.GRADIENT, "kernel"), "by far")
    assert math.isnan(read.rounding_units)
    assert verdict.request.executions == ("jax", "torch")
    assert verdict.used == {"threshold": 500.0}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 3}', '{"format": 2, "outcome": "maybe"}'])
def test_what_is_no_report_is_refused_as_such(text):
    """One kind of error for all."""
    with pytest.raises(ValueError, match="this is not a keras-parity report"):
        parse_json(text)


def test_a_verdict_comes_back_equal():
    """With findings and measurements."""
    verdict = replace(disagreeing(finding(known="adam")), seconds=2.0)

    assert parse_json(render_json(verdict)) == verdict
