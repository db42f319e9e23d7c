"""What a run is computed from is perturbed, as long as it runs, and how far its results move is measured."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Value
from keras_parity.protocol.tasks import Nudge, RunModel, SetWeights
from tests.keras_parity.errands import errand
from tests.keras_parity.worker.asking import BIAS, INPUTS, KERNEL, ask, open_case

NUDGE = Nudge(2.0**-20, 0)
KERNEL_QUANTITY, OUTPUT = Quantity(Kind.WEIGHT, "kernel"), Quantity(Kind.OUTPUT)
RAISED = Raised("ValueError: no")


def nudge_weights(nudge: Nudge | None) -> list[np.ndarray]:
    """Return the kernel of a call's layer while its weights are nudged, and afterwards. Runs in a worker."""
    from keras_parity.worker.case import current_case
    from keras_parity.worker.nudging import nudged_weights
    from keras_parity.worker.replay import to_value

    call = current_case().calls["reference"]["dense#0"]
    with nudged_weights("reference", call, nudge):
        within = to_value(call.operation.kernel.value).array
    return [within, to_value(call.operation.kernel.value).array]


def run_with_layers_that_round(nudge: Nudge | None) -> np.ndarray:
    """Return what the reference computes where each layer within it rounds. Runs in a worker."""
    from keras_parity.worker.capture import CallStack
    from keras_parity.worker.case import current_case, running
    from keras_parity.worker.nudging import let_layers_round
    from keras_parity.worker.replay import to_tensor, to_value

    stack = CallStack()
    stack.start_at("")
    if nudge is not None:
        let_layers_round(stack, nudge)
    with running("reference", stack):
        return to_value(current_case().models["reference"](to_tensor(INPUTS, "float64"))).array


def normalise(nudge: Nudge | None, alone: bool) -> np.ndarray:
    """Return normalised single values whose means may round. Runs in a worker."""
    import keras

    from keras_parity.worker.nudging import letting_means_round

    layer = keras.layers.LayerNormalization(epsilon=1e-3)
    layer.build((3, 1))
    with letting_means_round(nudge, alone):
        return keras.ops.convert_to_numpy(layer(np.array([[3.0], [-2.0], [0.5]], np.float32)))


def call(name: str, *args: object) -> object:
    """Return what a function of the module gives. Runs in a worker."""
    from keras_parity.worker import nudging

    function: Callable = getattr(nudging, name)
    return function(*args)


def test_a_layers_weights_are_nudged_for_a_while(worker):
    """Each by the nudge's size; without a nudge nothing moves."""
    open_case(worker)
    worker.ask(SetWeights([KERNEL, BIAS]))
    worker.ask(RunModel([INPUTS], False, True))

    within, afterwards = worker.ask(errand(nudge_weights, NUDGE))

    np.testing.assert_array_equal(np.abs(within - KERNEL), np.abs(KERNEL) * NUDGE.size)
    np.testing.assert_array_equal(afterwards, KERNEL)
    np.testing.assert_array_equal(worker.ask(errand(nudge_weights, None))[0], KERNEL)


@pytest.mark.parametrize(
    ("worker", "rounds"), [("tensorflow", True), ("jax", False), ("torch", True)], indirect=["worker"]
)
def test_layers_round_within_a_run_except_on_jax(worker, rounds):
    """JAX would compile the model anew."""
    open_case(worker)
    worker.ask(SetWeights([KERNEL, BIAS]))

    plain, rounded = (worker.ask(errand(run_with_layers_that_round, nudge)) for nudge in (None, NUDGE))

    moved = (np.abs(rounded - plain) / np.abs(plain)).max()
    assert (NUDGE.size / 2 < moved < 4 * NUDGE.size) == rounds
    assert (moved == 0) != rounds


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_means_of_single_values_round_where_a_run_heeds_it(backend):
    """Of what JAX has compiled, only a call alone does."""
    nudge = Nudge(1e-3, 0)

    assert np.abs(ask(backend, normalise, None, True)).max() < 1e-6
    assert np.abs(ask(backend, normalise, nudge, True)).max() > 0.01
    assert (np.abs(ask(backend, normalise, nudge, False)).max() > 0.01) == (backend != "jax")


def test_the_largest_move_of_a_result_counts():
    """Of its finite values, over all nudges that could be computed; whole numbers and other shapes are left out."""
    exact = {
        OUTPUT: Value(np.array([1.0, 2.0, math.inf]), "float32"),
        KERNEL_QUANTITY: Value(np.array([1.0]), "float32"),
        Quantity(Kind.MASK): Value(np.array([1]), "int32"),
    }
    near = {
        OUTPUT: Value(np.array([1.25, 2.0, math.inf]), "float32"),
        KERNEL_QUANTITY: Value(np.array([1.0, 2.0]), "float32"),
        Quantity(Kind.MASK): Value(np.array([7]), "int32"),
    }
    far = {OUTPUT: Value(np.array([1.0, 1.5, math.nan]), "float32")}

    assert ask("torch", call, "largest_moves", exact, [near, RAISED, far]) == {OUTPUT: 0.5}
    assert ask("torch", call, "largest_moves", RAISED, [near]) == {}


def test_neighbours_are_those_that_could_be_computed():
    """One that raised, or that lacks a quantity, is left out."""
    first, second = {OUTPUT: Value(np.ones(1), "float64")}, {KERNEL_QUANTITY: Value(np.zeros(1), "float64")}

    found = ask("torch", call, "select_neighbours", [first, RAISED, second], [OUTPUT])

    assert found == {OUTPUT: [np.ones(1)]}
