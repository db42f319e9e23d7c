"""A loss, a metric and an optimiser, each alone on numbers that all share, give what NumPy gives."""

import numpy as np
import pytest

from keras_parity.errors import RemoteError
from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask, keyed

GENERATOR = np.random.default_rng(0)
OUTPUT, TARGET = GENERATOR.standard_normal((6, 3)), GENERATOR.standard_normal((6, 3))
SEED = 5


def run(plan, kind: str) -> dict:
    """Run a plan in float64 on a small model; the path of its weight is told too. Runs in a worker."""
    import keras

    from keras_parity.worker import parts
    from keras_parity.worker.precision import reference_precision

    with reference_precision():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, use_bias=False, name="dense")])
        model.set_weights([np.full((2, 2), 0.5)])
        found = getattr(parts, f"run_{kind}")(model, plan, None, {})
    return {str(quantity): value.array for quantity, value in found.items()} | {"path": model.weights[0].path}


def resolve(kind: str, what) -> str:
    """Return the name of what is named. Runs in a worker."""
    from keras_parity.worker.parts import resolve

    found = resolve(kind, what)
    return getattr(found, "__name__", type(found).__name__)


def resolve_metric(what: str, target: np.ndarray, output: np.ndarray) -> str:
    """Return the name of a metric. Runs in a worker."""
    from keras_parity.worker.parts import resolve_metric

    found = resolve_metric(what, target, output)
    return getattr(found, "__name__", type(found).__name__)


def resolve_all(what, names: list[str]) -> list:
    """Return which outputs have a loss. Runs in a worker."""
    from keras_parity.worker.parts import resolve_all

    return [one is not None for one in resolve_all(what, names)]


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_losss_value_and_gradient_are_numpys(backend):
    """The mean of squares, and twice the distance over the number; an output without a loss has none."""
    from keras_parity.protocol.tasks import LossPlan

    found = ask(backend, run, LossPlan(["mse", None], [OUTPUT, OUTPUT], [TARGET, TARGET]), "loss")

    assert set(found) == {"value[0]", "gradient of prediction[0]", "path"}
    np.testing.assert_allclose(found["value[0]"], ((OUTPUT - TARGET) ** 2).mean(), rtol=1e-13)
    np.testing.assert_allclose(found["gradient of prediction[0]"], 2 * (OUTPUT - TARGET) / OUTPUT.size, rtol=1e-12)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_metric_is_told_after_two_updates(backend):
    """A mean stays what it was, a sum doubles; a function is called once."""
    from keras_parity.protocol.tasks import MetricPlan

    count = {"class_name": "TruePositives", "config": {"thresholds": 0.5}}
    labels = (TARGET > 0).astype("float64")
    chances = 1 / (1 + np.exp(-OUTPUT))

    mean = ask(backend, run, MetricPlan({"class_name": "MeanSquaredError", "config": {}}, [OUTPUT], [TARGET]), "metric")
    hits = ask(backend, run, MetricPlan(count, [chances], [labels]), "metric")

    np.testing.assert_allclose(mean["result"], ((OUTPUT - TARGET) ** 2).mean(), rtol=1e-12)
    assert hits["result"] == 2 * ((chances > 0.5) & (labels == 1)).sum()


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_plain_descent_moves_by_the_gradients_that_are_drawn(backend):
    """Between 1e-6 and 1 in size, of either sign, a few of them zero; the weights are scaled down first."""
    from keras_parity.protocol.tasks import OptimizerPlan

    plan = OptimizerPlan({"class_name": "SGD", "config": {"learning_rate": 0.5}}, 2, SEED, (0, 1))
    found = ask(backend, run, plan, "optimizer")

    move = np.zeros((2, 2))
    for step in range(2):
        generator = keyed(SEED, "gradient", found["path"], step)
        values = generator.choice([-1.0, 1.0], (2, 2)) * 10 ** generator.uniform(-6, 0, (2, 2))
        values = np.where(generator.random((2, 2)) < 0.02, 0.0, values)
        move -= 0.5 * values.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(found["update of kernel"], move, rtol=1e-9)
    np.testing.assert_allclose(found["kernel after updates"], 0.5 * 2.0**-10 + move, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "what", "name"),
    [
        ("losses", "mse", "mean_squared_error"),
        ("losses", {"class_name": "Huber", "config": {"delta": 2.0}}, "Huber"),
        ("losses", "math:hypot", "hypot"),
        ("metrics", "accuracy", "Accuracy"),
        ("optimizers", "sgd", "SGD"),
    ],
)
def test_a_name_stands_for_what_keras_or_a_module_has(kind, what, name):
    """As in `compile`, or `module:function`."""
    assert ask("jax", resolve, kind, what).lower() == name.lower()


@pytest.mark.parametrize("what", ["no_such_loss", "no_such_module:loss", "math:no_such_function"])
def test_a_name_of_nothing_is_refused_in_one_line(what):
    """It is the user's mistake."""
    with pytest.raises(RemoteError, match=f"UsageError: losses: {what} names none") as caught:
        ask("jax", resolve, "losses", what)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("what", "target", "output", "name"),
    [
        ("accuracy", (4, 1), (4, 1), "BinaryAccuracy"),
        ("acc", (4, 3), (4, 3), "CategoricalAccuracy"),
        ("accuracy", (4,), (4, 3), "SparseCategoricalAccuracy"),
        ("ce", (4,), (4, 3), "SparseCategoricalCrossentropy"),
    ],
)
def test_accuracy_is_what_compile_takes_it_for(what, target, output, name):
    """By the arrays' shapes."""
    found = ask("jax", resolve_metric, what, np.zeros(target), np.zeros(output))

    assert found.replace("_", "").lower() == name.lower()


def test_losses_are_found_for_each_output():
    """One for all, by name, or in order."""
    assert ask("jax", resolve_all, "mse", ["a", "b"]) == [True, True]
    assert ask("jax", resolve_all, {"b": "mse"}, ["a", "b"]) == [False, True]
    assert ask("jax", resolve_all, ["mse", None], ["a", "b"]) == [True, False]
