"""What a worker answers is plain: it crosses the wall, and an input says whether it takes a few values alone."""

import numpy as np
import pytest

from keras_parity.protocol import messages
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import (
    CallOutline,
    Description,
    InputSpec,
    LearnedInputs,
    Raised,
    Ran,
    Reloaded,
    Study,
    Value,
    WeightSpec,
)

IMAGE = InputSpec("image", (None, 8, 8, 3), "float32")
RESULTS = {Quantity(Kind.OUTPUT): Value(np.ones(3), "float32")}
CALL = CallOutline("dense#0", "dense", "Dense", (), False, False, 1, 24, {"units": 3})


@pytest.mark.parametrize(
    "answer",
    [
        LearnedInputs([IMAGE], True, (5,)),
        Description("model", [IMAGE], [WeightSpec("dense/kernel", (2, 3), "float32", True)], [np.ones((2, 3))]),
        Ran([CALL], raised=Raised("ValueError: no", "dense")),
        Study("float32", RESULTS, Raised("no", unsupported=True), {Quantity(Kind.OUTPUT): 1e-7}, {}),
        Reloaded(RESULTS, RESULTS),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_every_answer_crosses_the_wall(answer):
    """The parent decodes it, though it refuses whatever is not plain."""
    parts = messages.encode(messages.Done(answer))

    back = messages.decode([bytearray(memoryview(part).cast("B")) for part in parts]).value

    assert type(back) is type(answer)
    assert repr(back) == repr(answer)


@pytest.mark.parametrize(
    ("changes", "discrete"),
    [
        ({}, False),
        ({"low": 0.0, "high": 1.0}, False),
        ({"tokens": 5}, True),
        ({"whole": True}, True),
        ({"vocabulary": ("a", "b")}, True),
        ({"dtype": "bool"}, True),
        ({"dtype": "string"}, True),
    ],
)
def test_an_input_of_few_values_can_be_neither_tiny_nor_no_number(changes, discrete):
    """Edge draws of such values leave it out."""
    assert InputSpec(**{"name": "x", "shape": (None, 2), "dtype": "float32", **changes}).discrete is discrete
