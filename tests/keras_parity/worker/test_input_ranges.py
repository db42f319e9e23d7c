"""Which values an input can take is found by watching where they go, whatever way they take."""

import numpy as np
import pytest

from keras_parity.protocol.results import InputSpec, LearnedInputs
from tests.keras_parity.worker.asking import ask

REALS, INTEGERS = InputSpec("x", (None, 4), "float32"), InputSpec("x", (None, 4), "int32", tokens=10)


def models() -> dict:
    """Return models by what they do with their input. Runs in a worker."""
    from keras import layers, ops

    table = layers.Embedding(7, 2)
    masked = layers.Embedding(7, 2, mask_zero=True)
    return {
        "looks up": table,
        "looks up with padding": masked,
        "looks up what it has doubled": lambda x: table(2 * ops.cast(x, "int32")),
        "looks up within a layer": lambda x: ops.take(ops.ones((30, 2)), ops.cast(x, "int32"), axis=0),
        "takes the root": ops.sqrt,
        "takes the logarithm of one more": ops.log1p,
        "takes the arc sine": ops.arcsin,
        "divides by 255": lambda x: ops.divide(x, 255.0),
        "rescales": layers.Rescaling(1 / 127.5, offset=-1.0),
        "is one hot": lambda x: ops.one_hot(ops.cast(x, "int32"), 5),
        "takes what is not zero": lambda x: ops.where(ops.cast(x, "bool"), 1.0, 2.0),
        "adds": lambda x: x + 1,
        "raises": lambda x: ops.matmul(x, x),
    }


def learn(what: str, spec: InputSpec) -> LearnedInputs:
    """Return what is learned of a model's input. Runs in a worker."""
    from keras_parity.worker.input_ranges import learn_inputs

    return learn_inputs([runner(what)], [spec])


def violation(what: str, array: np.ndarray) -> str | None:
    """Return what lies out of range. Runs in a worker."""
    from keras_parity.worker.input_ranges import find_violation

    return find_violation([runner(what)], [array])


def runner(what: str):
    """Return what runs a model. Runs in a worker."""
    import keras

    model = models()[what]

    def run(arrays):
        array = arrays[0].astype("int32" if arrays[0].dtype.kind == "i" else "float32")
        with keras.StatelessScope():
            model(keras.ops.convert_to_tensor(array))

    return run


@pytest.mark.parametrize(
    ("what", "spec", "changes"),
    [
        ("looks up", INTEGERS, {"tokens": 7}),
        ("looks up", REALS, {"tokens": 7}),
        ("looks up with padding", INTEGERS, {"tokens": 7, "padded": True}),
        ("looks up what it has doubled", INTEGERS, {"tokens": 4}),
        ("looks up within a layer", INTEGERS, {"tokens": 30}),
        ("is one hot", INTEGERS, {"tokens": 5}),
        ("takes what is not zero", INTEGERS, {"tokens": 2}),
    ],
)
def test_whole_numbers_stay_within_what_they_are_looked_up_in(what, spec, changes):
    """Through whatever computation they go there."""
    [found] = ask("torch", learn, what, spec).specs

    assert {name: getattr(found, name) for name in changes} == changes
    assert found.reason


@pytest.mark.parametrize(
    ("what", "low", "high"),
    [
        ("takes the root", 0.0, None),
        ("takes the logarithm of one more", -1.0, None),
        ("takes the arc sine", -1.0, 1.0),
        ("divides by 255", 0.0, 255.0),
        ("rescales", 0.0, 255.0),
        ("adds", None, None),
    ],
)
def test_reals_stay_within_the_domain_or_what_a_layer_is_made_for(what, low, high):
    """To a thousandth; what nothing bounds stays as it is."""
    [found] = ask("torch", learn, what, REALS).specs

    for bound, expected in ((found.low, low), (found.high, high)):
        assert (bound is None) == (expected is None)
        assert expected is None or bound == pytest.approx(expected, abs=2e-3)
    assert found.tokens is None


def test_a_model_that_cannot_be_run_tells_nothing():
    """The check itself finds out why."""
    assert ask("torch", learn, "raises", REALS) == LearnedInputs([REALS])


def test_an_index_out_of_range_is_told_and_another_fault_not():
    """Of each draw that is tried."""
    assert ask("torch", violation, "looks up", np.array([[6, 0, 1, 2]])) is None
    assert "7 is out of the range from 0 to 6" in ask("torch", violation, "looks up", np.array([[7, 0, 1, 2]]))
    assert ask("torch", violation, "raises", np.ones((2, 3))) is None
