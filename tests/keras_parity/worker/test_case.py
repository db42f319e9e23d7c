"""A worker holds one case: each of its two models runs and takes its weights in a precision of its own."""

import numpy as np
import pytest

from keras_parity.errors import NoModel, UsageError
from keras_parity.protocol.results import Raised
from keras_parity.protocol.tasks import RunModel
from tests.keras_parity.errands import errand
from tests.keras_parity.worker.asking import BIAS, INPUTS, KERNEL, ask, open_case


def build_half():
    """A layer that computes in float16, an operation on what it gives, and a layer in float32."""
    import keras

    given = keras.Input((3,))
    half = keras.layers.Dense(2, dtype="float16", name="half")(given)
    return keras.Model(given, keras.layers.Dense(2, name="whole")(keras.ops.absolute(half)))


def hold_and_drop() -> dict:
    """Hold a case and drop it twice; return what happened to its patch and to Keras's settings. Runs in a worker."""
    import keras

    from keras_parity.worker.case import Case, current_case, drop_case, hold_case

    drop_case()
    undone, before = [], keras.config.epsilon()
    case = Case("float32", 1)
    case.patches.callback(undone.append, "patch")
    hold_case(case)
    keras.config.set_epsilon(0.5)
    held = current_case() is case
    dropped = [drop_case(), drop_case()]
    try:
        current_case()
    except NoModel as error:
        said = str(error)
    return {
        "held": held,
        "dropped": dropped,
        "undone": undone,
        "set back": keras.config.epsilon() == before,
        "said": said,
    }


def assign_everywhere(values: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Give both models the same weights; return those that they hold, without any random state. Runs in a worker."""
    from keras_parity.worker.case import KINDS, assign, current_case, weights_of
    from keras_parity.worker.replay import to_value

    models = current_case().models
    for kind in KINDS:
        assign(kind, weights_of(models[kind]), values)
    return {kind: [to_value(v.value).array for v in weights_of(models[kind])] for kind in KINDS}


def settings_of(kind: str) -> tuple[str, str]:
    """Return what Keras computes in while one of the models runs. Runs in a worker."""
    import keras

    from keras_parity.worker.capture import CallStack
    from keras_parity.worker.case import running

    with running(kind, CallStack()):
        return keras.config.floatx(), keras.config.dtype_policy().name


def dtypes(keys: list[str]) -> tuple[list[str], str, str]:
    """Return what calls, the model and its training compute in. Runs in a worker."""
    from keras_parity.worker.case import call_dtype, model_dtype, training_dtype

    return [call_dtype(key) for key in keys], model_dtype(), training_dtype()


def described(error: Exception, at: str | None) -> Raised:
    """Return the description of an error. Runs in a worker."""
    from keras_parity.worker.case import describe_error

    return describe_error(error, at)


def test_a_case_is_dropped_with_all_that_it_has_changed():
    """Its patches are undone and Keras's settings set back; then there is no case."""
    found = ask("torch", hold_and_drop)

    assert found == {
        "held": True,
        "dropped": [True, False],
        "undone": ["patch"],
        "set back": True,
        "said": "this worker holds no model",
    }


def test_each_model_takes_weights_in_its_own_precision(worker):
    """The reference to float64's last bit; the states of random numbers are no weights."""
    open_case(worker)
    values = [KERNEL * (1 + 2.0**-40), BIAS]

    held = worker.ask(errand(assign_everywhere, values))

    assert len(held["reference"]) == len(held["checked"]) == 2
    np.testing.assert_array_equal(held["reference"][0], values[0])
    np.testing.assert_array_equal(held["checked"][0], KERNEL)


def test_each_model_runs_in_its_own_precision(worker):
    """The one that the check is about by the policy that it asks for."""
    open_case(worker, dtype="mixed_bfloat16")

    assert worker.ask(errand(settings_of, "reference")) == ("float64", "float64")
    assert worker.ask(errand(settings_of, "checked")) == ("float32", "mixed_bfloat16")


def test_what_is_computed_in_several_dtypes_rounds_as_the_coarsest(worker):
    """An operation computes in what it is given, a model as all within it, a training as all layers."""
    open_case(worker, build_half)
    ran = worker.ask(RunModel([INPUTS], False, True))
    (operation,) = {call.key for call in ran.calls} - {"#0", "half#0", "whole#0"}

    found, model, training = worker.ask(errand(dtypes, ["half#0", operation, "whole#0", "#0"]))

    assert found == ["float16", "float16", "float32", "float16"]
    assert (model, training) == ("float32", "float16")


@pytest.mark.parametrize(
    ("error", "at", "expected"),
    [
        (ValueError("of\ntwo lines"), "dense", Raised("ValueError: of two lines", "dense")),
        (KeyError(), None, Raised("KeyError: no message")),
        (UsageError("there is no such loss"), "dense", Raised("there is no such loss", misuse=True)),
    ],
)
def test_an_error_is_told_on_one_line(error, at, expected):
    """With its class and its place; a mistake of the user's in its own words."""
    assert ask("torch", described, error, at) == expected


def test_a_long_error_is_cut():
    """A report has to show it."""
    assert len(ask("torch", described, ValueError("long " * 1000), None).text) < 450
