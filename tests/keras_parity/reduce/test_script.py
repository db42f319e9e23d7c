"""The script's text is Python, says what is meant, and gives the numbers back exactly."""

import ast
from dataclasses import replace

import numpy as np
import pytest

from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.reducing import Custom, Reproducer, Slot
from keras_parity.reduce.script import _array, render_script, show, spell_layer, spell_target
from tests.keras_parity.verdicts import finding

DENSE = Reproducer(
    "keras.layers.Dense",
    {"units": 1, "kernel_initializer": {"module": "keras.initializers", "class_name": "Zeros", "config": {}}},
    (Slot(0),),
    {},
    (np.ones((1, 2)),),
    ("float",),
    (np.array([[1.0], [2.0]]),),
    ("kernel",),
    takes_training=True,
)
POWER = Reproducer("keras.ops.power", {}, ([Slot(0), Slot(1)],), {"axis": (1,)}, (np.ones(2),) * 2, ("float",) * 2)


def script(case=DENSE, found=None, dtype="float32", weighting="ones") -> str:
    """Return a script's text, which is Python in any case."""
    text = render_script(case, found or finding(), dtype, weighting, "A header.")
    compile(text, "script.py", "exec")
    return text


def test_what_is_called_is_spelled_as_a_user_types_it():
    """Objects within are made by their classes; a class of the user's own goes by its name."""
    own = replace(DENSE, custom=Custom(b"", "Mine", "my.module", None))

    assert spell_target(DENSE) == "keras.layers.Dense(units=1, kernel_initializer=keras.initializers.Zeros())"
    assert spell_target(own).startswith("Mine(units=1")
    assert spell_target(POWER) == "keras.ops.power"
    assert spell_layer(POWER) == []


def test_tensors_are_numbered_where_there_are_several():
    """Lists and tuples keep their form."""
    assert "y = keras.ops.power([x0, x1], axis=(1,))" in script(POWER)


@pytest.mark.parametrize(
    ("quantity", "line"),
    [
        (Quantity(Kind.OUTPUT, "[1]"), "value = y[1]"),
        (Quantity(Kind.STATE, "kernel"), "value = layer.weights[0]  # kernel"),
        (Quantity(Kind.MASK), 'value = getattr(y, "_keras_mask", None)'),
        (Quantity(Kind.ADDED_LOSS), "value = sum(layer.losses)"),
        (Quantity(Kind.GRADIENT, "kernel"), "value = layer.weights[0]  # now the gradient of kernel"),
        (Quantity(Kind.GRADIENT, "input"), "value = model.layers[0].held  # now the gradient of input"),
    ],
)
def test_the_script_prints_what_the_finding_is_about(quantity, line):
    """Its numbers, and its dtype and shape before them."""
    text = script(found=finding(quantity=quantity, mode="training"))

    assert line in text
    assert text.rstrip().endswith(show("value")[-1])
    assert "training=True" in text


def test_an_error_is_caught_and_printed():
    """So that the script shows it beside what the others print."""
    text = script(found=finding(cause=Cause.ERROR))

    [attempt] = [node for node in ast.parse(text).body if isinstance(node, ast.Try)]
    assert "'raises'" in ast.unparse(attempt.handlers[0])


@pytest.mark.parametrize(
    ("dtype", "line"),
    [
        ("float64", 'os.environ["JAX_ENABLE_X64"] = "1"'),
        ("mixed_float16", 'keras.config.set_dtype_policy("mixed_float16")'),
    ],
)
def test_the_precision_is_set(dtype, line):
    """JAX must be told before it is imported."""
    text = script(dtype=dtype)

    assert line in text
    assert text.index("import os") < text.index("import keras") if dtype == "float64" else "import os" not in text


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.1, np.nan], [-0.0, 1e-30]]),
        np.array([np.inf, -np.inf]),
        np.arange(20),
        np.zeros((4, 5)),
        np.ones((4, 5)),
        np.array(2.5),
        np.array([True, False]),
        np.random.default_rng(7).standard_normal((5, 5)),
    ],
    ids=lambda array: str(array.shape),
)
def test_an_array_is_given_back_exactly(array):
    """By the expression that stands for it."""
    read = np.asarray(eval(_array(array), {"np": np, "nan": None, "inf": None}))

    np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(np.signbit(read.astype(float)), np.signbit(array.astype(float)))
