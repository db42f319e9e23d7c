"""Of each call of a run the worker tells what others need to judge it."""

from keras_parity.protocol.tasks import RunModel
from tests.keras_parity.worker.asking import INPUTS, open_case


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


def test_a_call_tells_which_functions_of_the_backend_its_own_code_runs(worker):
    """So a known divergence of one is recognised within a layer; what a call within it runs is that one's."""
    open_case(worker, build_distance)
    ran = worker.ask(RunModel([INPUTS], True, True))
    functions = {call.path: call.functions for call in ran.calls}

    assert functions["distance"] == {"absolute"}
    assert "leaky_relu" in functions["distance/tower"]
    assert not functions[""]


def build_in_a_row():
    """Data that are scaled, multiplied by weights, scaled again and dropped."""
    import keras

    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Rescaling(0.5, name="before"),
            keras.layers.Dense(2, name="weights"),
            keras.layers.Rescaling(3.0, name="after"),
            keras.layers.Dropout(0.5, name="dropout"),
        ]
    )


def build_holder():
    """A layer that multiplies by a weight of its own what it then gives to one within."""
    import keras

    class Holder(keras.layers.Layer):
        def __init__(self, size):
            super().__init__(name="holder")
            self.inner = keras.layers.Rescaling(2.0, name="inner")

        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), name="scale")

        def call(self, x):
            return self.inner(x * self.scale)

        def get_config(self):
            raise NotImplementedError("made here alone")

    return keras.Sequential([keras.Input((3,)), Holder(3)])


def outlines(worker, build) -> dict:
    """Return the outlines of a run's calls by their paths."""
    open_case(worker, build)
    return {call.path: call for call in worker.ask(RunModel([INPUTS], True, True)).calls}


def test_what_no_trained_weight_has_been_at_is_data(worker):
    """The first trained layer takes data still; what comes after it, or within a layer with a weight, may not."""
    row, holder = outlines(worker, build_in_a_row), outlines(worker, build_holder)

    assert {path for path, call in row.items() if call.on_data} == {"", "before", "weights"}
    assert {path for path, call in holder.items() if call.on_data} == {"", "holder"}
    assert "holder/inner" in holder


def test_a_call_tells_what_it_was_made_with_and_whether_it_heeds_the_mode(worker):
    """A layer that cannot tell its configuration is outlined without one; a model only hands the mode on."""
    row, holder = outlines(worker, build_in_a_row), outlines(worker, build_holder)

    assert row["after"].configuration["scale"] == 3.0
    assert holder["holder"].configuration == {}
    assert holder["holder"].inner == ("holder/inner#0",)
    assert {path for path, call in row.items() if call.moded} == {"dropout"}
    assert (row["weights"].type, row["weights"].dtypes, row["weights"].bytes) == ("Dense", ("float32",), 8 * 4 * 3)
