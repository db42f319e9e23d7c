"""What a model takes is read from it, and given to it in its own structure."""

import numpy as np
import pytest

from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity.worker.asking import ask


def build(kind: str):
    """Return a model of a kind. Runs in a worker."""
    import keras
    from keras import layers

    if kind == "named":
        tokens, image = keras.Input((5,), dtype="int32", name="tokens"), keras.Input((4, 4, 1), name="image")
        x = layers.Flatten()(layers.Embedding(7, 2, name="table")(tokens))
        y = layers.Flatten(name="flat")(image)
        return keras.Model({"t": tokens, "i": image}, {"sum": layers.Dense(2)(x), "rest": y})
    if kind == "sequential":
        return keras.Sequential([keras.Input((3,), name="given"), layers.Dense(2, name="dense")])
    if kind == "integers":
        given = keras.Input((3,), dtype="int64", name="numbers")
        return keras.Model(given, keras.ops.cast(given, "float32"))

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

        def train_step(self, *args):
            return {}

    own = Own()
    if kind == "built":
        own.build((None, 6))
    return own


def describe(kind: str):
    """Return what is read from a model. Runs in a worker."""
    from keras_parity.worker import inputs

    model = build(kind)
    return (
        inputs.describe_inputs(model),
        inputs.describe_outputs(model),
        inputs.own_training(model),
        inputs.count_activations(model),
    )


def structure_of(kind: str, given) -> dict:
    """Return the shapes and dtypes of what a model is called with. Runs in a worker."""
    import keras

    from keras_parity.worker.inputs import pack

    packed = pack(build(kind), given)
    flat = keras.tree.flatten_with_path(packed)
    return {
        str(path[0]) if path else "": (tuple(leaf.shape), keras.backend.standardize_dtype(leaf.dtype))
        for path, leaf in flat
    }


def built_by(example) -> bool:
    """Return whether a model that only a call builds has its weights after one. Runs in a worker."""
    from keras_parity.worker.inputs import build_layers

    model = build("own")
    build_layers(model, example)
    return bool(model.weights)


def targets_of(kind: str, count: int):
    """Return targets in the structure of a model's outputs. Runs in a worker."""
    from keras_parity.worker.inputs import pack_targets

    return pack_targets(build(kind), [np.ones((2, 6), "float32")], list(range(count)))


def test_a_functional_models_inputs_have_names_shapes_and_vocabularies():
    """In flattened order, which is that of the dictionary's keys."""
    inputs, outputs, own, activations = ask("jax", describe, "named")

    image, tokens = inputs
    assert (image.name, image.shape, image.dtype, image.tokens) == ("image", (None, 4, 4, 1), "float32", None)
    assert (tokens.name, tokens.shape, tokens.dtype, tokens.tokens) == ("tokens", (None, 5), "int32", 7)
    assert (sorted(outputs), own) == (["rest", "sum"], ())
    assert activations >= 5 * 2 + 16 + 2


def test_other_models_tell_what_they_can():
    """A sequential one its input, a built one its shape, integers a guess, one that only a call builds nothing."""
    sequential, outputs, _, _ = ask("jax", describe, "sequential")
    built, _, own, count = ask("jax", describe, "built")

    assert [(spec.name, spec.shape) for spec in sequential] == [("given", (None, 3))]
    assert len(outputs) == 1
    assert [(spec.name, spec.shape) for spec in built] == [("input", (None, 6))]
    assert (own, count) == (("train_step",), 0)
    assert ask("jax", describe, "integers")[0][0].tokens == 10
    assert ask("jax", describe, "own")[:2] == (None, None)


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_arrays_become_tensors_in_the_models_structure(backend):
    """Floats in floatx, whole numbers as they are."""
    image, tokens = np.ones((2, 4, 4, 1)), np.ones((2, 5), "int32")

    assert ask(backend, structure_of, "named", [image, tokens]) == {
        "i": ((2, 4, 4, 1), "float32"),
        "t": ((2, 5), "int32"),
    }
    assert ask(backend, structure_of, "sequential", [np.ones((2, 3))]) == {"": ((2, 3), "float32")}


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_call_builds_what_only_a_call_builds(backend):
    """On the user's example; without one nothing is guessed."""
    assert ask(backend, built_by, np.ones((2, 6)))
    assert not ask(backend, built_by, None)


def test_targets_have_the_structure_of_the_outputs():
    """By name, or as they are where there is one."""
    assert ask("jax", targets_of, "named", 2) in ({"rest": 0, "sum": 1}, {"sum": 1, "rest": 0})
    assert ask("jax", targets_of, "sequential", 1) in ([0], 0)
    assert ask("jax", targets_of, "built", 1) == 0


def tell_what_can_be_evaluated() -> dict[str, bool]:
    """Return, by kind and loss, whether a compiled model has anything to evaluate. Runs in a worker."""
    from keras_parity.worker.inputs import can_evaluate

    found = {}
    for kind, loss in (("sequential", None), ("built", None), ("built", "mse")):
        model = build(kind)
        model.compile("sgd", loss)
        found[f"{kind} {loss}"] = can_evaluate(model)
    return found


def test_a_model_that_trains_by_itself_and_has_no_loss_has_nothing_to_evaluate():
    """Keras raises on TensorFlow and PyTorch, and reports zeros on JAX."""
    assert ask("jax", tell_what_can_be_evaluated) == {"sequential None": True, "built None": False, "built mse": True}


def build_on_open_sizes(halvings: int) -> list[bool]:
    """Return which layers are built of a model that halves pictures of any size. Runs in a worker."""
    import keras
    from keras import layers

    from keras_parity.worker.inputs import build_layers

    class Lazy(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.steps = [layers.Conv2D(2, 2, strides=2) for _ in range(halvings)]

        def build(self, shape):
            self.built = True

        def call(self, x):
            for step in self.steps:
                x = step(x)
            return x

        def compute_output_spec(self, x):
            return keras.KerasTensor((None, None, None, 2), x.dtype)

    lazy = Lazy()
    given = keras.Input((None, None, 2))
    build_layers(keras.Model(given, lazy(given)), None)
    return [step.built for step in lazy.steps]


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_model_of_open_sizes_is_called_on_one_that_it_takes(backend):
    """Two pixels are too few for what halves a picture twice, and more."""
    assert ask(backend, build_on_open_sizes, halvings=3) == [True] * 3
