"""Every call of a run is recorded by its path; JAX runs a model compiled, and what it cannot compile eagerly."""

import pytest

from keras_parity.crew import shared_crew
from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.errands import errand

TRACED = {
    "as a condition": "TracerBoolConversionError",
    "as a float": "ConcretizationTypeError",
    "as a size": "TracerIntegerConversionError",
    "in NumPy": "TracerArrayConversionError",
    "as a mask": "NonConcreteBooleanIndexError",
    "by a library that is puzzled": "ValueError: expected a number",
}


def record_model(what: str) -> tuple[list[str], str | None, str | None]:
    """Run a model in a worker; return its calls' keys, what it raised, and why it was not compiled."""
    import keras
    import numpy as np
    from keras import ops

    from keras_parity.worker.capture import record

    def puzzled(x):
        if "Tracer" in type(x).__name__:
            raise ValueError("expected a number")
        return x

    functions = {
        "not": lambda x: x * 2,
        "as a condition": lambda x: x if ops.sum(x) > 0 else -x,
        "as a float": lambda x: x * float(ops.sum(x)),
        "as a size": lambda x: x * len(range(ops.cast(ops.sum(x), "int32"))),
        "in NumPy": lambda x: ops.convert_to_tensor(np.tanh(ops.convert_to_numpy(x))),
        "as a mask": lambda x: ops.sum(x[x > 0]),
        "by a library that is puzzled": puzzled,
        "by a layer that says so": lambda x: x * float(ops.sum(x)),
        "wrongly": lambda x: ops.matmul(x, x),
    }

    class Layer(keras.Layer):
        def call(self, x):
            return functions[what](x)

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    inputs = keras.Input((3,))
    layer = Layer(name="layer")
    layer.supports_jit = what != "by a layer that says so"
    model = keras.Model(inputs, layer(inputs))
    found = record(model, ops.ones((2, 3)), False, "float32", {})
    error, uncompiled = (None if e is None else f"{type(e).__name__}: {e}" for e in (found.error, found.uncompiled))
    return [call.key for call in found.calls], error, uncompiled


def run(backend: str, what: str) -> tuple[list[str], str | None, str | None]:
    """Run such a model in the worker of a backend."""
    return shared_crew()[backend].ask(errand(record_model, what))


@pytest.mark.parametrize("what", TRACED)
def test_a_model_that_uses_values_runs_eagerly_and_the_reason_is_reported(what):
    """Keras itself hides the reason behind an AttributeError; a library may raise what it likes."""
    calls, error, uncompiled = run("jax", what)

    assert calls == ["#0", "layer#0"]
    assert error is None
    assert uncompiled is not None
    assert uncompiled.startswith(TRACED[what])


@pytest.mark.parametrize(
    ("backend", "what"),
    [("jax", "not"), ("jax", "by a layer that says so"), ("tensorflow", "as a float"), ("torch", "as a float")],
)
def test_there_is_nothing_to_report_where_keras_runs_a_model_so_too(backend, what):
    """The twin: compiled models, layers that support no compilation, and backends that run eagerly anyway."""
    assert run(backend, what) == (["#0", "layer#0"], None, None)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_an_error_of_the_model_itself_is_its_result(backend):
    """It is no reason to report that the model was not compiled: it does not run at all."""
    calls, error, uncompiled = run(backend, "wrongly")

    assert calls == ["#0", "layer#0"]
    assert error is not None
    assert uncompiled is None


def record_calls(what: str, keep: str | None = None) -> list[tuple]:
    """Run a model in a worker; return of each call its key, its inputs, its dtypes and the calls within."""
    import keras
    import numpy as np
    from keras import layers, ops

    from keras_parity.worker.capture import record

    inputs = keras.Input((4, 3), name="given")
    if what == "nested":
        dense = layers.Dense(3, name="dense")
        inner = keras.Sequential([keras.Input((4, 3)), dense], name="inner")
        outputs = dense(ops.abs(inner(inputs)))
    elif what == "taken whole":
        outputs = layers.TimeDistributed(layers.Dense(2, name="dense"), name="each")(inputs)
    else:
        outputs = layers.Concatenate(name="joined")([inputs, inputs])
    model = keras.Model(inputs, outputs)
    found = record(model, ops.convert_to_tensor(np.full((2, 4, 3), 1.1, "float32")), False, keep, {})
    return [
        (
            call.key,
            [np.asarray(array) for array in call.inputs],
            call.dtypes,
            [inner.key for inner in call.inner],
            call.bytes,
        )
        for call in found.calls
    ]


def failing_path() -> tuple[str | None, str]:
    """Run a model whose inner layer raises; return where, and what. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import record

    class Broken(keras.Layer):
        def call(self, x):
            raise ArithmeticError("no")

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    given = keras.Input((3,))
    inner = keras.Model(given, Broken(name="broken")(given), name="inner")
    found = record(keras.Model(given, inner(given)), keras.ops.ones((2, 3)), False, None, {})
    return found.failed_at, type(found.error).__name__


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_call_is_known_by_its_path_and_count(backend):
    """A layer that is called at two places has two paths, and knows the calls within it."""
    calls = {key: inner for key, _, _, inner, _ in run_calls(backend, "nested")}

    assert list(calls)[:3] == ["#0", "inner#0", "inner/dense#0"]
    assert calls["inner#0"] == ["inner/dense#0"]
    assert "dense#0" in calls["#0"]
    assert any(key.startswith("absolute") for key in calls)


def run_calls(backend: str, what: str, keep: str | None = None) -> list[tuple]:
    """Record such a model in the worker of a backend."""
    return shared_crew()[backend].ask(errand(record_calls, what, keep))


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_inputs_are_kept_in_the_dtype_that_is_asked_for_or_not_at_all(backend):
    """Each of several tensors, with its own dtype beside it; their size counts in float64."""
    [(_, *_), (_, kept, dtypes, _, size)] = run_calls(backend, "joined", "float16")
    [_, (_, none, _, _, _)] = run_calls(backend, "joined")

    assert dtypes == ["float32", "float32"]
    assert size == 2 * 8 * 24
    assert [(array.dtype.name, array.shape) for array in kept] == [("float16", (2, 4, 3))] * 2
    assert all(abs(float(array.flat[0]) - 1.1) < 1e-3 for array in kept)
    assert none == [] or all(array.shape == () for array in none)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_what_loops_over_calls_is_taken_whole(backend):
    """One backend would trace the loop, and another one run it."""
    assert [key for key, *_ in run_calls(backend, "taken whole")] == ["#0", "each#0"]


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_the_innermost_layer_that_raised_is_told(backend):
    """With what the model raised, and not what Keras made of it."""
    assert shared_crew()[backend].ask(errand(failing_path)) == ("inner/broken", "ArithmeticError")


def record_handed_weight() -> list[int]:
    """Hand a layer a weight, as it is and as `convert_to_tensor` gives it; return how many tensors are recorded."""
    import keras
    from keras import layers, ops

    from keras_parity.worker.capture import record

    class Holder(keras.Model):
        def __init__(self):
            super().__init__()
            self.table = self.add_weight(shape=(4, 3), name="table")
            self.count = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="count")
            self.first, self.second = layers.Add(name="first"), layers.Add(name="second")

        def call(self, x):
            return self.first([x, self.table]) + self.second([x, ops.convert_to_tensor(self.table)])

    holder = Holder()
    holder(ops.ones((4, 3)))
    found = record(holder, ops.ones((4, 3)), False, "float64", {})
    return [len(call.inputs) for call in found.calls if call.path]


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_weight_that_is_handed_to_a_layer_is_one_of_its_inputs(backend):
    """On TensorFlow `ops.convert_to_tensor` returns the weight itself, elsewhere a tensor."""
    assert shared_crew()[backend].ask(errand(record_handed_weight)) == [2, 2]
