"""Which values an input can take is found by watching where they go, whatever way they take."""

import numpy as np
import pytest

from keras_parity.protocol.results import InputSpec, LearnedInputs, Tried
from tests.keras_parity.worker.asking import ask

REALS, INTEGERS = InputSpec("x", (None, 4), "float32"), InputSpec("x", (None, 4), "int32", tokens=10)


def models() -> dict:
    """Return models by what they do with their input. Runs in a worker."""
    from keras import layers, ops

    table = layers.Embedding(7, 2)
    masked = layers.Embedding(7, 2, mask_zero=True)
    masking = layers.Masking(-1.0)
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
        "takes a power": lambda x: ops.power(x, 0.4),
        "takes a square": lambda x: ops.power(x, 2.0),
        "counts": lambda x: ops.bincount(x, minlength=5),
        "cuts out": lambda x: ops.slice(ops.ones((8, 3)), [ops.cast(x[0, 0], "int32"), 0], (2, 3)),
        "writes": lambda x: ops.slice_update(
            ops.ones((8, 3)), ops.stack([x[0, 0], ops.zeros_like(x[0, 0])]), ops.ones((1, 3))
        ),
        "masks": lambda x: ops.where(x, 1.0, 2.0),
        "adds up": lambda x: ops.sum(ops.cast(x, "float32")),
        "marks a padding": lambda x: masking(x[..., None] * ops.ones((1, 1, 2))),
        "gives NaN": lambda x: ops.log(x),
        "adds": lambda x: x + 1,
        "raises": lambda x: ops.matmul(x, x),
    }


def learn(what: str, spec: InputSpec) -> LearnedInputs:
    """Return what is learned of a model's input. Runs in a worker."""
    from keras_parity.worker.input_ranges import learn_inputs

    return learn_inputs([runner(what)], [spec])


def tried(what: str, array: np.ndarray) -> Tried:
    """Return what came of a run under observation. Runs in a worker."""
    from keras_parity.worker.input_ranges import try_inputs

    return try_inputs([runner(what)], [array], watched=True)


def runner(what: str):
    """Return what runs a model. Runs in a worker."""
    import keras

    model = models()[what]

    def run(arrays):
        kind = arrays[0].dtype.kind
        array = arrays[0].astype({"i": "int32", "b": "bool"}.get(kind, "float32"))
        with keras.StatelessScope():
            return model(keras.ops.convert_to_tensor(array))

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
        ("counts", INTEGERS, {"tokens": 10}),
        ("cuts out", INTEGERS, {"tokens": 7}),
        ("writes", INTEGERS, {"tokens": 8}),
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
        ("takes a power", 0.0, None),
        ("takes a square", None, None),
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


def test_masks_and_marks_of_padding_are_seen():
    """A mask of booleans, which goes to no number; the value that a Masking layer looks for."""
    booleans = InputSpec("x", (None, 4), "bool")

    assert [ask("torch", learn, what, booleans).specs[0].mask for what in ("masks", "adds up")] == [True, False]
    assert ask("torch", learn, "marks a padding", REALS).specs[0].marker == -1.0


def test_a_model_that_cannot_be_run_tells_nothing():
    """The check itself finds out why."""
    assert ask("torch", learn, "raises", REALS) == LearnedInputs([REALS])


def test_what_comes_of_a_draw_is_told():
    """An index out of range, NaN, an error; the first is brought into the range."""
    assert ask("torch", tried, "looks up", np.array([[6, 0, 1, 2]])) == Tried(None, None, True)
    out = ask("torch", tried, "looks up", np.array([[7, 0, 1, 2]]))
    assert "7 is out of the range from 0 to 6" in out.violation
    assert out.usable
    assert ask("torch", tried, "gives NaN", -np.ones((2, 3))) == Tried(None, None, False)
    assert ask("torch", tried, "raises", np.ones((2, 3))).raised is not None
