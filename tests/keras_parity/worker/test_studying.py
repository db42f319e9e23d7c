"""A call is replayed alone, in both precisions and at its neighbours, which tell the error that nobody can avoid."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.tasks import MeasureCalls, Nudge, ReplayNeighbours, RunModel, SetWeights, StudyCalls
from tests.keras_parity.worker.asking import BIAS, INPUTS, KERNEL, keyed, open_case

OUTPUT = Quantity(Kind.OUTPUT)


def build_without_way_back():
    """A layer with a loop that nobody can go back through on JAX."""
    import keras

    class Iterate(keras.layers.Layer):
        def call(self, x):
            return keras.ops.while_loop(lambda i, _: i < 2, lambda i, v: (i + 1, 2.0 * v), (0, x))[1]

    return keras.Sequential([keras.Input((3,)), Iterate(name="iterate")])


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
