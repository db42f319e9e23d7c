"""A call is taken out of a run as plain values, from which it is made again; a user's class with its text."""

import numpy as np
import pytest

from keras_parity.crew import shared_crew
from keras_parity.errors import RemoteError
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.reducing import (
    DescribeOptimizer,
    DescribeWeights,
    ExtractCalls,
    ExtractLoss,
    Reproducer,
    RunText,
    Slot,
)
from tests.keras_parity.worker.asking import ask, holding

INPUTS = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32).astype(np.float64)
KERNEL = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
MODULE = """
import math

import keras
import unheard_of

FACTOR = 2.0


def twice(x):
    return FACTOR * x


class Own(keras.Layer):
    def call(self, x):
        return twice(x) + math.pi


class Foreign(keras.Layer):
    def call(self, x):
        return unheard_of.call(x)
"""


def build():
    """A dense layer, an operation and a dropout."""
    import keras
    from keras import layers, ops

    given = keras.Input((3,), name="given")
    x = ops.clip(layers.Dense(2, use_bias=False, kernel_initializer="zeros", name="dense")(given), -1.0, 1.0)
    return keras.Model(given, layers.Dropout(0.25, name="dropout")(x), name="model")


def call_again(case: Reproducer) -> np.ndarray:
    """Return what a functional model of one call gives, with the call's weights. Runs in a worker."""
    from keras_parity.worker.capture import to_numpy
    from keras_parity.worker.reducing import build as build_case

    model = build_case(case)
    if case.weights:
        model.set_weights(list(case.weights))
    return to_numpy(model([np.asarray(t, "float32") for t in case.tensors]))


def definition_of(name: str, folder: str):
    """Return the text of a class of a module of the user's. Runs in a worker."""
    import sys
    import types

    from keras_parity.worker.reducing import _find_definition

    sys.modules["unheard_of"] = types.ModuleType("unheard_of")
    sys.path.insert(0, folder)
    try:
        import own_layers_to_reduce

        return _find_definition(getattr(own_layers_to_reduce, name))
    finally:
        del sys.modules["unheard_of"]
        sys.path.remove(folder)


@pytest.fixture(params=TRAINING_BACKENDS)
def worker(request):
    """The worker of each backend, with the model's run in it."""
    with holding(request.param, build, KERNEL, INPUTS) as worker:
        yield worker


def test_a_layers_call_is_told_with_what_goes_without_saying_left_out(worker):
    """Its tensors, its weights and their names."""
    [case] = worker.ask(ExtractCalls("dense")).culprits

    assert case.kind == "keras.layers.Dense"
    assert case.config["units"] == 2
    assert {"activation", "dtype", "trainable", "name"} & set(case.config) <= {"dtype"}
    assert (case.args, case.dtypes, case.names) == ((Slot(0),), ("float",), ("kernel",))
    np.testing.assert_array_equal(case.tensors[0], INPUTS)
    np.testing.assert_array_equal(case.weights[0], KERNEL)
    assert not case.random


def test_an_operation_is_the_public_function_and_a_dropout_draws(worker):
    """With its other arguments."""
    others = {case.kind: case for case in worker.ask(ExtractCalls("dense")).others}

    clip = others["keras.ops.clip"]
    assert (clip.args, clip.kwargs) == ((Slot(0), -1.0, 1.0), {})
    assert others["keras.layers.Dropout"].random
    assert others["keras.layers.Dropout"].takes_training
    assert others["keras.Model"].is_model


def test_the_call_made_again_gives_the_same(worker):
    """From the values alone."""
    extracted = worker.ask(ExtractCalls("dense"))
    [dense], [clip] = extracted.culprits, [c for c in extracted.others if c.kind == "keras.ops.clip"]

    np.testing.assert_allclose(ask(worker.name, call_again, dense), INPUTS @ KERNEL, rtol=1e-5)
    np.testing.assert_allclose(ask(worker.name, call_again, clip), np.clip(INPUTS @ KERNEL, -1, 1), rtol=1e-5)


def test_weights_are_told_with_their_names(worker):
    """Without the states of random numbers."""
    described = worker.ask(DescribeWeights())

    assert described.names == ("kernel",)
    np.testing.assert_array_equal(described.values[0], KERNEL)


def test_a_script_runs_in_the_worker_and_leaves_nothing_behind():
    """In the precision that is asked for; what it registers is forgotten."""
    worker = shared_crew()["torch"]
    text = (
        "import keras\n"
        "@keras.saving.register_keras_serializable()\n"
        "class Left(keras.Layer): pass\n"
        "print(keras.config.dtype_policy().name, len(keras.saving.get_custom_objects()))"
    )

    policy, first = worker.ask(RunText(text, "mixed_float16")).split()
    _, second = worker.ask(RunText(text, "float32")).split()

    assert policy == "mixed_float16"
    assert first == second
    with pytest.raises(RemoteError, match="ZeroDivisionError"):
        worker.ask(RunText("1 / 0", "float32"))


def test_losses_and_optimizers_are_named_with_their_smallest_configuration():
    """A public name, and what differs from the default."""
    worker = shared_crew()["jax"]
    outputs, targets = [np.ones((2, 3))], [np.zeros(2, "int64")]

    [loss] = worker.ask(ExtractLoss("sparse_categorical_crossentropy", outputs, targets, "losses"))
    optimizer = worker.ask(DescribeOptimizer({"class_name": "SGD", "config": {"learning_rate": 0.5}}))

    assert loss.kind in [f"keras.{room}.sparse_categorical_crossentropy" for room in ("losses", "metrics")]
    assert (loss.args, loss.dtypes) == ((Slot(0), Slot(1)), ("int64", "float"))
    assert (optimizer.name, optimizer.config, optimizer.custom) == (
        "keras.optimizers.SGD",
        {"learning_rate": 0.5},
        None,
    )


def test_a_users_class_is_told_with_all_it_needs_of_its_module(tmp_path):
    """Imports of Python's library, functions and constants; one that needs more has no text."""
    (tmp_path / "own_layers_to_reduce.py").write_text(MODULE)

    imports, definitions = ask("jax", definition_of, "Own", str(tmp_path))

    assert imports == "import math"
    assert [line for line in definitions.splitlines() if line and line[0] != " "] == [
        "FACTOR = 2.0",
        "def twice(x):",
        "class Own(keras.Layer):",
    ]
    assert ask("jax", definition_of, "Foreign", str(tmp_path)) is None
