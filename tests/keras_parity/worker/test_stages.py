"""The tasks of a check, one after the other on one model: it is described, given weights, run, and replayed."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.crew import shared_crew
from keras_parity.errors import ModelLost, RemoteError
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Tried
from keras_parity.protocol.tasks import (
    CallInputs,
    CloseCase,
    ConstrainWeights,
    ForgetCalls,
    LearnInputs,
    MeasureCalls,
    Nudge,
    OpenCase,
    Predict,
    ReplayNeighbours,
    RunModel,
    SetWeights,
    StudyCalls,
    TryInputs,
)
from keras_parity.source import describe_source
from tests.keras_parity.worker.asking import keyed

GENERATOR = np.random.default_rng(0)
INPUTS = GENERATOR.standard_normal((4, 3)).astype(np.float32).astype(np.float64)
KERNEL, BIAS = (GENERATOR.standard_normal(shape).astype(np.float32).astype(np.float64) for shape in ((3, 2), (2,)))
OUTPUT = Quantity(Kind.OUTPUT)


def build():
    """A dense layer and a dropout."""
    import keras

    given = keras.Input((3,), name="given")
    dense = keras.layers.Dense(2, name="dense")(given)
    return keras.Model(given, keras.layers.Dropout(0.5, name="dropout")(dense), name="model")


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


def build_distance():
    """A layer that takes an absolute value, and one that ends with an activation."""
    import keras

    class Distance(keras.layers.Layer):
        def build(self, shape):
            self.tower = keras.layers.Dense(2, activation="leaky_relu", name="tower")
            self.tower.build(shape)

        def call(self, x):
            return keras.ops.abs(self.tower(x))

    return keras.Sequential([keras.Input((3,)), Distance(name="distance")])


def build_without_way_back():
    """A layer with a loop that nobody can go back through on JAX."""
    import keras

    class Iterate(keras.layers.Layer):
        def call(self, x):
            return keras.ops.while_loop(lambda i, _: i < 2, lambda i, v: (i + 1, 2.0 * v), (0, x))[1]

    return keras.Sequential([keras.Input((3,)), Iterate(name="iterate")])


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


@pytest.fixture(params=TRAINING_BACKENDS)
def worker(request):
    """The worker of each backend, with no case open afterwards."""
    worker = shared_crew()[request.param]
    yield worker
    worker.ask(CloseCase())


def open_case(worker, function=build, dtype="float32"):
    """Open a case; return the description."""
    return worker.ask(OpenCase(describe_source(function), dtype, seed=1))


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


def test_the_unavoidable_error_is_about_a_rounding(worker):
    """The result moves by some units when inputs and weights do by one; without samples nothing is measured."""
    open_case(worker)
    worker.ask(SetWeights([KERNEL, BIAS]))
    worker.ask(RunModel([INPUTS], False, True))
    measured = worker.ask(StudyCalls({"dense#0": [INPUTS]}, False, [0, 1, 2], False))["dense#0"]
    unmeasured = worker.ask(StudyCalls({"dense#0": [INPUTS]}, False, [], False))["dense#0"]
    nudges = [Nudge(2.0**-24, seed) for seed in (0, 1)]
    near = worker.ask(ReplayNeighbours("dense#0", [INPUTS], False, False, nudges, [OUTPUT]))

    assert 1e-9 < measured.moves[OUTPUT] < 1e-5
    assert not unmeasured.moves
    assert len(near[OUTPUT]) == 2
    assert 0 < np.abs(near[OUTPUT][0] - measured.reference[OUTPUT].array).max() <= measured.moves[OUTPUT]


def test_what_a_study_kept_is_measured_as_in_one_go(worker):
    """Studied first and measured afterwards, or both at once: the same moves; other weights are studied anew."""
    open_case(worker)
    worker.ask(SetWeights([KERNEL, BIAS]))
    worker.ask(RunModel([INPUTS], False, True))
    at_once = worker.ask(StudyCalls({"dense#0": [INPUTS]}, False, [0, 1], True))["dense#0"]
    task = StudyCalls({"dense#0": [INPUTS]}, False, [], True, keep=True)
    study = worker.ask(task)["dense#0"]
    for samples, alike in (([0], False), ([0, 1], True)):
        study = study.measured(worker.ask(MeasureCalls(replace(task, samples=samples), alike))["dense#0"])
    worker.ask(SetWeights([100 * KERNEL, BIAS]))
    other = worker.ask(MeasureCalls(replace(task, samples=[0, 1]), True))["dense#0"]

    assert study.moves == at_once.moves
    assert study.dtype_moves == at_once.dtype_moves
    assert study.noise == at_once.noise
    assert other.moves[OUTPUT] > 10 * study.moves[OUTPUT]


def test_dropout_is_the_same_on_all_backends_and_its_call_depends_on_the_mode(worker):
    """So training mode can be compared."""
    open_case(worker)
    worker.ask(SetWeights([np.zeros((3, 2)), np.ones(2)]))
    ran = worker.ask(RunModel([INPUTS], True, True))
    study = worker.ask(StudyCalls({"dropout#0": [np.ones((4, 2))]}, True, [], False))["dropout#0"]

    [moded] = [call.moded for call in ran.calls if call.key == "dropout#0"]
    assert moded
    kept = keyed(1, "randomness", "dropout#0", 1).random((4, 2)) >= 0.5
    np.testing.assert_array_equal(study.checked[OUTPUT].array, kept * 2.0)


def test_a_call_tells_which_functions_of_the_backend_its_own_code_runs(worker):
    """So a known divergence of one is recognised within a layer; what a call within it runs is that one's."""
    open_case(worker, build_distance)
    ran = worker.ask(RunModel([INPUTS], True, True))
    functions = {call.path: call.functions for call in ran.calls}

    assert functions["distance"] == {"absolute"}
    assert "leaky_relu" in functions["distance/tower"]
    assert not functions[""]


@pytest.mark.parametrize("worker", ["jax"], indirect=True)
def test_what_is_raised_on_the_way_back_leaves_the_results(worker):
    """In both precisions; that a gradient was asked for and raised is told."""
    open_case(worker, build_without_way_back)
    worker.ask(RunModel([INPUTS], False, True))
    study = worker.ask(StudyCalls({"iterate#0": [INPUTS]}, False, [0], True))["iterate#0"]

    assert "while_loop" in study.checked_gradients.text
    assert "while_loop" in study.reference_gradients.text
    np.testing.assert_allclose(study.checked[OUTPUT].array, 4 * INPUTS, rtol=1e-6)
    assert 1e-9 < study.moves[OUTPUT] < 1e-5


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
