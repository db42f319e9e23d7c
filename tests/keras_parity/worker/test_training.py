"""Whole training steps in float64 are NumPy's, by Keras's own step and composed of its parts; `fit` reports them."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.tasks import Batch, ComposedPlan, FitPlan, PredictPlan, StepsPlan, Training
from tests.keras_parity.worker.asking import ask

GENERATOR = np.random.default_rng(0)
INPUTS, TARGETS = GENERATOR.standard_normal((4, 3)), GENERATOR.standard_normal((4, 2))
KERNEL = GENERATOR.standard_normal((3, 2))
RATE = 0.1
DESCENT = Training({"class_name": "SGD", "config": {"learning_rate": RATE}}, "mean_squared_error", ("mae",))
BATCH = Batch([INPUTS], [TARGETS])


def run(plan, kind: str, how: str = "plain") -> tuple[dict, np.ndarray]:
    """Run a plan in float64 on a layer without a bias; return the results and the weights. Runs in a worker."""
    import keras

    from keras_parity.worker import training
    from keras_parity.worker.precision import reference_precision

    with reference_precision():
        layer = keras.layers.Dense(2, use_bias=False, name="dense")
        model = keras.Sequential([keras.Input((3,)), layer])
        model.set_weights([KERNEL])
        if how == "compiled":
            model.compile(keras.optimizers.SGD(RATE), "mean_squared_error")
        found = getattr(training, f"run_{kind}")(model, plan, None, {})
        if how == "again":
            model.set_weights([KERNEL])
            found = getattr(training, f"run_{kind}")(model, plan, None, {})
    return {str(quantity): value.array for quantity, value in found.items()}, np.asarray(model.get_weights()[0])


def own_losses(loss) -> object:
    """Return what the losses are called that a model came compiled with. Runs in a worker."""
    import keras

    from keras_parity.worker.training import own_losses

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    if loss is not None:
        model.compile("sgd", keras.losses.Huber() if loss == "instance" else loss)
    return own_losses(model)


def descend(steps: int) -> tuple[list[float], np.ndarray]:
    """Return the losses and the last weights of plain descent, by NumPy."""
    kernel, losses = KERNEL.copy(), []
    for _ in range(steps):
        error = INPUTS @ kernel - TARGETS
        losses.append((error**2).mean())
        kernel -= RATE * INPUTS.T @ (2 * error / error.size)
    return losses, kernel


@pytest.mark.parametrize("how", ["plain", "compiled", "again"])
@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_steps_are_numpys(backend, how):
    """The loss before each step, and the weights after the last; a model that came compiled starts anew each time."""
    training = Training(own=True) if how == "compiled" else DESCENT
    found, _ = ask(backend, run, StepsPlan(training, [BATCH, BATCH]), "steps", how)

    losses, kernel = descend(2)
    np.testing.assert_allclose(found["kernel after training"], kernel, rtol=1e-12)
    np.testing.assert_allclose(found["reported loss after step 1"], losses[0], rtol=1e-12)
    if how != "compiled":
        assert "reported mae after step 2" in found


@pytest.mark.parametrize("how", ["plain", "compiled"])
@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_composed_steps_are_the_same(backend, how):
    """Without Keras's own step; of a model that came compiled from its own loss and optimiser."""
    training = Training(own=True) if how == "compiled" else DESCENT
    found, weights = ask(backend, run, ComposedPlan(training, [BATCH, BATCH]), "composed", how)

    np.testing.assert_allclose(found["reported loss after step 2"], descend(2)[0][1], rtol=1e-12)
    np.testing.assert_allclose(found["kernel after training"], descend(2)[1], rtol=1e-12)
    np.testing.assert_allclose(weights, descend(2)[1], rtol=1e-12)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_an_epoch_of_fit_takes_the_batches_in_order(backend):
    """Two batches of the same four examples are two steps; both reports are told."""
    data = Batch([np.tile(INPUTS, (2, 1))], [np.tile(TARGETS, (2, 1))])

    found, _ = ask(backend, run, FitPlan(DESCENT, data, 4), "fit")

    losses, kernel = descend(3)
    np.testing.assert_allclose(found["kernel after training"], descend(2)[1], rtol=1e-12)
    np.testing.assert_allclose(found["reported loss of evaluate"], losses[2], rtol=1e-6)
    assert {"reported loss of fit", "reported mae of fit", "reported mae of evaluate"} <= set(found)
    assert not np.allclose(kernel, descend(2)[1])


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_examples_weigh_what_their_classes_do(backend):
    """In Keras's own steps and in `fit`; the class of a row of targets is where its largest number stands."""
    targets = TARGETS[[0, 1, 1, 0]] * [[1], [-1], [1], [-1]]
    weights = np.where(targets.argmax(-1) == 1, 5.0, 1.0)
    loss = (weights * ((INPUTS @ KERNEL - targets) ** 2).mean(-1)).mean()
    batch = Batch([INPUTS], [targets], class_weight={1: 5.0})

    steps, _ = ask(backend, run, StepsPlan(DESCENT, [batch]), "steps")
    fit, _ = ask(backend, run, FitPlan(DESCENT, batch, 4), "fit")

    assert weights.sum() == 12
    np.testing.assert_allclose(steps["reported loss after step 1"], loss, rtol=1e-6)
    np.testing.assert_allclose(fit["reported loss of fit"], loss, rtol=1e-6)
    np.testing.assert_allclose(fit["kernel after training"], steps["kernel after training"], rtol=1e-6)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_predictions_are_told_twice(backend):
    """What a model carries on would show."""
    found, _ = ask(backend, run, PredictPlan([np.tile(INPUTS, (2, 1))], 4), "predict")

    for name in ("prediction", "prediction again"):
        np.testing.assert_allclose(found[name], np.tile(INPUTS @ KERNEL, (2, 1)), rtol=1e-12)


def runs_eagerly(own: bool) -> list[bool]:
    """Return whether a model runs eagerly in `predict` and in `fit`, where nobody asks for it. Runs in a worker."""
    import keras

    from keras_parity.worker import training

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", run_eagerly=own)
    compiled, seen = {training.RUN_EAGERLY: model.run_eagerly}, []
    training.run_predict(model, PredictPlan([INPUTS], 4), None, compiled)
    seen.append(model.run_eagerly)
    training.run_fit(model, FitPlan(Training(own=True), BATCH, 4), None, compiled)
    return [*seen, model.run_eagerly]


@pytest.mark.parametrize("own", [True, False])
def test_a_model_that_came_compiled_to_run_eagerly_does_so(own):
    """Its code may need NumPy's values, which no graph has."""
    assert ask("tensorflow", runs_eagerly, own) == [own, own]


@pytest.mark.parametrize(("loss", "name"), [(None, None), ("mse", "mse"), ("instance", "huber_loss")])
def test_a_models_own_loss_is_called_by_its_name(loss, name):
    """Whatever form `compile` was given."""
    assert ask("jax", own_losses, loss) == name
