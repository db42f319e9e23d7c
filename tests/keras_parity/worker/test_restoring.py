"""No run begins with what another one has left in stateful layers or optimisers."""

import numpy as np
import pytest

from tests.keras_parity.worker.asking import ask


def carry_on(builds: bool) -> tuple[list[float], list[float]]:
    """Return what a second optimiser holds before and after a run that uses it, with all restored. Runs in a worker."""
    import keras

    from keras_parity.worker import restoring

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    model.second = keras.optimizers.Adagrad(initial_accumulator_value=0.25)
    if not builds:
        model.second.build(model.trainable_variables)
        model.second.variables[-1].assign([[3.0], [4.0], [5.0]])

    def held() -> list[float]:
        return [float(x) for x in np.ravel(keras.ops.convert_to_numpy(model.second.variables[-1].value))]

    before = [0.25] * 3 if builds else held()
    with restoring.other_optimizers_restored(model):
        model.second.apply([keras.ops.ones((3, 1))], model.trainable_variables)
        assert held() != before
    return before, held()


@pytest.mark.parametrize("builds", [True, False])
def test_a_second_optimiser_begins_each_run_alike(builds):
    """Whether a run builds it or it was built before; else what is measured of a training would be its going on."""
    before, after = ask("jax", carry_on, builds)

    assert before == after


def lose_state() -> tuple[bool, bool]:
    """Return whether a stateful layer carries on what it saw, before and after it is reset. Runs in a worker."""
    import keras

    from keras_parity.worker import restoring

    layer = keras.layers.GRU(2, stateful=True)
    model = keras.Sequential([keras.Input((3, 2), batch_size=1), layer])
    model.predict(np.ones((1, 3, 2)), verbose=0)
    before = bool(np.any(keras.ops.convert_to_numpy(layer.states[0])))
    restoring.reset_states(model)
    return before, bool(np.any(keras.ops.convert_to_numpy(layer.states[0])))


def test_what_earlier_runs_have_left_is_forgotten():
    """A stateful layer starts from zeros again."""
    assert ask("torch", lose_state) == (True, False)
