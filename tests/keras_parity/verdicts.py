"""Verdicts made by hand, for the tests of what is said about them."""

import math
from dataclasses import replace

from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.source import ModelSource
from keras_parity.request import CheckRequest
from keras_parity.verdict import Cause, Finding, Measurement, Outcome, Verdict

OUTPUT = Quantity(Kind.OUTPUT)
REQUEST = CheckRequest(ModelSource("model.keras", "file", path="model.keras"), TRAINING_BACKENDS)
USED = {"batch_size": 4, "threshold": 500.0}
ENVIRONMENT = {
    "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "jax": "0.10.2", "torch": "2.13.0+cpu", "numpy": "2.3.0"},
    "processor": "a processor with two cores",
    "threads": {"tensorflow": 1, "jax": 1, "torch": 1},
    "date": "2026-01-01 12:00:00 UTC",
    "command": "keras-parity check model.keras",
}
HOSTILE = "<script>alert('1')</script>\"|`x`\x1b[31m\n[a](https://example.org)@all\u202egnp\ud800"


def finding(layer: str = "conv_1", execution: str | None = "jax", **changes) -> Finding:
    """Return a difference in a layer's output, with some values changed."""
    values = {
        "layer_type": "Conv2D",
        "executions": TRAINING_BACKENDS,
        "quantity": OUTPUT,
        "mode": "inference",
        "cause": Cause.SEMANTIC,
        "draw": "ordinary 1",
        "ordinary": True,
        "max_abs_error": 1.25e-3,
        "rounding_units": 41_234.0,
        "detail": f"the output of {layer} on {execution} differs by 1.2e-3 from the others'",
    }
    return Finding(layer=layer, execution=execution, **{**values, **changes})


def measurements(layers: int, worst: dict | None = None) -> list[Measurement]:
    """Return clean errors of `layers` layers on three backends, those in `worst` replaced."""
    found = []
    for i in range(layers):
        name, kind = f"conv_{i}", ("Conv2D", "BatchNormalization", "ReLU")[i % 3]
        for direction, quantity in (("forward", OUTPUT), ("backward", Quantity(Kind.GRADIENT, "kernel"))):
            for j, backend in enumerate(TRAINING_BACKENDS):
                units = (worst or {}).get((name, backend, direction), (i * 7 + j * 3) % 11 / 3 * (1 + i % 4 * 9))
                found.append(Measurement(name, kind, backend, direction, units, quantity, units * 6e-8))
    return found


def agreeing(layers: int = 3, **changes) -> Verdict:
    """Return a verdict that finds no difference."""
    values = {
        "outcome": Outcome.AGREE,
        "reason": f"all {layers} layers agree, forward and backward",
        "model": "model.keras",
        "measurements": measurements(layers),
        "request": REQUEST,
        "used": dict(USED),
        "environment": dict(ENVIRONMENT),
        "seconds": 1.5,
    }
    return Verdict(**{**values, **changes})


def disagreeing(*findings: Finding, layers: int = 3, **changes) -> Verdict:
    """Return a verdict with these differences, or one, and the measurements that go with them."""
    findings = findings or (finding(),)
    worst = {(f.layer, f.execution, "forward"): f.rounding_units for f in findings if f.quantity == OUTPUT}
    values = {
        "outcome": Outcome.DISAGREE,
        "reason": "a layer computes something else",
        "findings": list(findings),
        "measurements": measurements(layers, worst),
    }
    return agreeing(layers, **{**values, **changes})


def inconclusive(**changes) -> Verdict:
    """Return a verdict of a check in which one backend died."""
    values = {
        "outcome": Outcome.INCONCLUSIVE,
        "reason": "torch did not finish, and fewer than two backends are left",
        "failures": {"torch": 'Traceback (most recent call last):\n  File "model.py", line 3\nMemoryError: 12 GiB'},
        "measurements": [],
        "seconds": math.nan,
    }
    return agreeing(**{**values, **changes})


def hostile() -> Verdict:
    """Return a verdict in which every text that can come from a model or a process is an attack on the reader."""
    text = HOSTILE
    found = finding(text, "jax", layer_type=text, quantity=Quantity(Kind.STATE, text), draw=text, detail=text)
    return disagreeing(
        found,
        finding(f"{text}2", "torch", accepted=text),
        reason=text,
        model=text,
        measurements=[Measurement(text, text, "jax", "forward", 3.0, Quantity(Kind.STATE, text), 1e-7)],
        notes=[text],
        failures={"torch": text},
        request=replace(REQUEST, source=replace(REQUEST.source, label=text), loss=text),
        used={**USED, text: text},
        environment={text: {text: [text]}},
    )
