"""The backend's own functions are watched while they run, and are what they were afterwards."""

import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask


def functions_run(*wanted: str) -> tuple[list[str], float, bool]:
    """Return the functions that two operations ran, a result, and whether all is as before. Runs in a worker."""
    import keras

    from keras_parity.worker import keras_internals
    from keras_parity.worker.backend_functions import around_functions

    seen = []

    def around(name, function, args, kwargs):
        seen.append(name)
        return function(*args, **kwargs) if name != "negative" else function(*args, **kwargs) * 10.0

    module = keras_internals.backend_module("numpy")
    before = module.negative
    with around_functions(around, *wanted):
        result = keras.ops.negative(keras.ops.square(keras.ops.convert_to_tensor(3.0)))
    return seen, float(result), module.negative is before


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_functions_are_made_in_another_way_for_a_while(backend):
    """All that compute, and none of those that make tensors; or those alone that are wanted."""
    seen, result, restored = ask(backend, functions_run)

    assert (seen, result, restored) == (["square", "negative"], -90.0, True)
    assert ask(backend, functions_run, "square")[:2] == (["square"], -9.0)
