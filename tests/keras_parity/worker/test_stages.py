"""The tasks of a check on a whole model: it is described, given weights, run and its inputs are learned."""

import numpy as np
import pytest

from keras_parity.errors import ModelLost, RemoteError
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Tried
from keras_parity.protocol.tasks import (
    CallInputs,
    CloseCase,
    ConstrainWeights,
    ForgetCalls,
    LearnInputs,
    Predict,
    RunModel,
    SetWeights,
    StudyCalls,
    TryInputs,
)
from tests.keras_parity.worker.asking import BIAS, INPUTS, KERNEL, open_case

OUTPUT = Quantity(Kind.OUTPUT)


def build_with_table():
    """A table of seven rows."""
    import keras

    tokens = keras.Input((4,), dtype="int32", name="tokens")
    return keras.Model(tokens, keras.layers.Embedding(7, 2, name="table")(tokens))


def build_constrained():
    """The logarithm of a sum with weights that may not be negative."""
    import keras

    given = keras.Input((2,))
    positive = keras.layers.Dense(1, use_bias=False, kernel_constraint="non_neg")
    return keras.Model(given, keras.ops.log(positive(given)))


def build_for_float32():
    """A layer that nobody can call with float64."""
    import keras

    class Narrow(keras.layers.Layer):
        def call(self, x):
            if keras.backend.standardize_dtype(x.dtype) == "float64":
                raise TypeError("float32 alone")
            return 2.0 * x

    return keras.Sequential(
        [keras.Input((3,)), Narrow(name="narrow"), keras.layers.Dense(2, kernel_constraint="non_neg", name="dense")]
    )


def build_nothing():
    """No model."""
    return 3


def test_a_model_is_described(worker):
    """The states of random numbers are left out, and who owns each weight is told."""
    description = open_case(worker)

    assert (description.name, description.outputs, description.compiled) == ("model", ["dropout"], False)
    assert [(w.path.rpartition("/")[2], w.shape, w.dtype, w.owner) for w in description.weights] == [
        ("kernel", (3, 2), "float32", "Dense"),
        ("bias", (2,), "float32", "Dense"),
    ]
    assert description.bytes_per_example == 8 * (3 + 2 + 2)


def test_both_models_get_the_weights_and_compute_numpys(worker):
    """The reference to float64's last digits, the checked one to float32's; a call's inputs are shared."""
    open_case(worker)
    worker.ask(SetWeights([KERNEL, BIAS]))
    ran = worker.ask(RunModel([INPUTS], False, True))
    shared = worker.ask(CallInputs(["dense#0"]))["dense#0"]
    study = worker.ask(StudyCalls({"dense#0": shared}, False, [0, 1], True))["dense#0"]

    expected = INPUTS @ KERNEL + BIAS
    assert [call.key for call in ran.calls if "dropout" not in call.key] == ["#0", "dense#0"]
    np.testing.assert_array_equal(shared[0], INPUTS)
    np.testing.assert_allclose(study.reference[OUTPUT].array, expected, rtol=1e-14)
    np.testing.assert_allclose(study.checked[OUTPUT].array, expected, rtol=1e-5)
    assert np.abs(study.checked[OUTPUT].array - expected).max() > 0
    assert study.checked[OUTPUT].dtype == "float32"
    np.testing.assert_allclose(worker.ask(Predict([INPUTS]))[0], expected, rtol=1e-14)


def test_a_model_that_cannot_be_built_in_float64_is_checked_all_the_same(worker):
    """Its float64 results are taken as ones that raised: the others' judge it; its weights' constraints hold."""
    described = open_case(worker, build_for_float32)
    constrained, _ = worker.ask(ConstrainWeights([KERNEL, BIAS]))
    worker.ask(SetWeights([KERNEL, BIAS]))
    ran = worker.ask(RunModel([INPUTS], False, True))
    studies = worker.ask(StudyCalls({"#0": [INPUTS], "dense#0": [INPUTS]}, False, [0], True))

    assert [w.shape for w in described.weights] == [(3, 2), (2,)]
    np.testing.assert_allclose(constrained, np.maximum(KERNEL, 0.0), rtol=1e-6)
    assert (ran.raised, "float32 alone" in ran.reference_raised.text) == (None, True)
    assert "float32 alone" in studies["dense#0"].reference.text
    np.testing.assert_allclose(studies["#0"].checked[OUTPUT].array, 2 * INPUTS @ KERNEL + BIAS, rtol=1e-5)
    np.testing.assert_allclose(worker.ask(Predict([INPUTS]))[0], 2 * INPUTS @ KERNEL + BIAS, rtol=1e-5)


def test_what_an_input_can_take_is_learned_and_tried(worker):
    """A table's size is found by looking where the input goes."""
    described = open_case(worker, build_with_table)
    learned = worker.ask(LearnInputs(described.inputs))
    draws = [[np.full((2, 4), number, "int32")] for number in (6, 7)]
    good, bad = worker.ask(TryInputs(draws, watched=True))
    unwatched, _ = worker.ask(TryInputs(draws, watched=False))

    assert learned.specs[0].tokens == 7
    assert good == unwatched == Tried(None, None, True)
    assert "7 is out of the range from 0 to 6" in bad.violation


def test_what_gives_nan_or_raises_is_told(worker):
    """A weight's constraint is asked for what is drawn."""
    open_case(worker, build_constrained)
    [values] = worker.ask(ConstrainWeights([np.array([[-1.0], [2.0]])]))
    worker.ask(SetWeights([values]))

    fine, nan, wrong = worker.ask(TryInputs([[np.ones((2, 2))], [-np.ones((2, 2))], [np.ones((2, 3))]], watched=False))

    assert values.tolist() == [[0.0], [2.0]]
    assert (fine, nan) == (Tried(None, None, True), Tried(None, None, False))
    assert wrong.raised is not None


def test_what_is_no_model_is_the_users_mistake_and_calls_can_be_forgotten(worker):
    """A case that was never opened holds nothing."""
    answer = open_case(worker, build_nothing)
    assert isinstance(answer, Raised)
    assert answer.misuse
    assert "gave an int, not a keras.Model" in answer.text

    open_case(worker)
    worker.ask(RunModel([INPUTS], False, True))
    worker.ask(ForgetCalls())
    with pytest.raises(RemoteError, match="KeyError"):
        worker.ask(CallInputs(["dense#0"]))

    worker.ask(CloseCase())
    with pytest.raises(ModelLost, match="this worker holds no model"):
        worker.ask(Predict([INPUTS]))
