"""The proof at a worker's start: content with this Keras, and each of its trials can fail."""

import contextlib

import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask


def prove(broken: str | None) -> str | None:
    """Return what the proof says where something has no effect. Runs in a worker."""
    from keras_parity.worker import canary, keras_internals, precision

    @contextlib.contextmanager
    def nothing(*_):
        yield

    places = {
        "float64_policies": keras_internals,
        "replaced_functions": keras_internals,
        "call_mode": keras_internals,
        "watching": canary,
        "shared_randomness": canary,
        "_wide_jax": precision,
        "_exact_constants": precision,
    }
    with pytest.MonkeyPatch.context() as patch:
        if broken == "watching":
            patch.setattr(canary, broken, lambda stack: contextlib.nullcontext(stack))
        elif broken is not None:
            patch.setattr(places[broken], broken, nothing)
        try:
            canary.prove_patches()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return None


def say_of(error: str) -> str:
    """Return what is said of a trial that raises. Runs in a worker."""
    from keras_parity.worker import canary

    with pytest.raises(Exception, match="reading the weather") as caught, canary._proving("reading the weather"):
        raise canary._NoEffectError if error == "no effect" else AttributeError("'Model' has no _weather")
    return str(caught.value)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_this_keras_passes(backend):
    """Before and after every test of this file."""
    assert ask(backend, prove, None) is None


@pytest.mark.parametrize(
    ("broken", "backend", "need"),
    [
        ("float64_policies", "torch", "the float64 reference of a layer"),
        ("replaced_functions", "jax", "the replacement of a backend's functions"),
        ("call_mode", "torch", "handing a mode or a mask to a layer"),
        ("watching", "torch", "the watch over calls"),
        ("shared_randomness", "torch", "the shared randomness of keras.random"),
        ("_wide_jax", "jax", "the float64 reference of a layer"),
        ("_exact_constants", "tensorflow", "the float64 reference of a Python number"),
    ],
)
def test_a_patch_without_effect_is_an_error_that_names_the_need(broken, backend, need):
    """Never a wrong verdict."""
    said = ask(backend, prove, broken)

    assert said is not None
    assert said.startswith("UnsupportedKeras: keras ")
    assert need in said


def test_a_part_that_is_gone_is_told_from_one_without_effect():
    """With what Python says of it."""
    assert "reading the weather has no effect any more" in ask("jax", say_of, "no effect")
    assert "reading the weather fails (AttributeError: 'Model' has no _weather)" in ask("jax", say_of, "gone")
