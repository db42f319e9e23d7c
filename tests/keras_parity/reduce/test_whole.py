"""A script of a whole model: for what shows in no call alone."""

from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from keras_parity.executions import installed_executions
from keras_parity.protocol.reducing import Builder, Custom, Slot
from keras_parity.reduce import reduce_to_script
from keras_parity.reduce.output import NoReproducer, run_script
from keras_parity.reduce.script import spell_structure
from keras_parity.reduce.whole import WholeModel, WholeReduction, _imports, _spell_named, number_leaves, spell_data
from tests.keras_parity.verdicts import REQUEST, finding

MODELS = """
import keras
from keras import layers, ops


class Twice(layers.Layer):
    def call(self, x):
        return ops.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * ops.tanh(y)), (0, x))[1]


def looped():
    given = keras.Input((4,))
    return keras.Model(given, layers.Dense(2)(Twice(name="twice")(layers.Dense(4)(given))))


def picky(target, output):
    if keras.backend.backend() == "torch" and len(output.shape) > 3:
        raise ValueError("no pictures, please")
    return ops.mean(ops.square(target - output), axis=-1)


def picture():
    given = keras.Input((6, 6, 2))
    model = keras.Model(given, layers.Conv2D(3, 3)(given))
    model.compile("sgd", picky)
    return model


def remembering():
    given = keras.Input(batch_shape=(2, 5, 3))
    return keras.Model(given, layers.Dense(1)(layers.LSTM(4, stateful=True)(given)))


def frozen():
    given = keras.Input(batch_shape=(2, 5, 3))
    return keras.Model(given, layers.Dense(1)(layers.LSTM(4, stateful=True, trainable=False)(given)))


def for_some():
    if keras.backend.backend() == "jax":
        raise ValueError("not here")
    return picture()
"""
CHECK = {"edge": False, "reload": False}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the user's module `whole_models`."""
    (tmp_path / "whole_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(len(installed_executions()) < 3, reason="whose fault it is takes three backends")
@pytest.mark.parametrize(
    ("model", "odd", "said"),
    [
        ("looped", "jax", "Reverse-mode differentiation does not work"),
        ("picture", "torch", "no pictures, please"),
        ("remembering", "torch", "modified by an inplace operation"),
        ("frozen", "jax", ""),
        ("for_some", "jax", "not here"),
    ],
)
def test_what_no_forward_call_shows_becomes_a_script_too(model, odd, said, folder):
    """A gradient that raises, a loss that raises, state in `fit` and in `predict`, and a builder that raises."""
    text = reduce_to_script(f"whole_models:{model}", out=folder / "script.py", **CHECK).read_text()

    assert f"{odd} is alone on the" in text.splitlines()[0]
    assert "whole_models import" not in text  # its source is in the script
    (folder / "whole_models.py").unlink()
    again = run_script(text, odd, ())  # by itself, the script shows what its docstring says
    assert said in again
    assert again in text
    for name in set(names()) - {odd}:
        shown = text.partition(f"\n{name} ")[2].splitlines()[0]
        assert shown
        assert "raises" not in shown


def names() -> list[str]:
    """Return the names of the executions that are installed."""
    return [execution.name for execution in installed_executions()]


def test_leaves_are_numbered_in_their_structure():
    """Each array has its slot, in the structure that was given."""
    pair = namedtuple("Pair", "first second")
    arrays, structure = number_leaves({"a": np.zeros(1), "b": [np.ones(2), pair(np.ones(3), (np.ones(4),))]})

    assert [len(array) for array in arrays] == [1, 2, 3, 4]
    assert structure == {"a": Slot(0), "b": [Slot(1), pair(Slot(2), (Slot(3),))]}
    typed = spell_structure(structure, lambda i: f"x{i}")
    assert typed == "{'a': x0, 'b': [x1, namedtuple('Pair', 'first second')(x2, (x3,))]}"


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([[3, 8]]), 'generator.integers(3, 9, (5, 2)).astype("int64")'),
        (np.array([[True, False]]), "generator.random((5, 2)) < 0.5"),
        (np.array([["a"], ["b"]]), "np.array([['a'], ['b'], ['a'], ['b'], ['a']])"),
        (np.array([[0.0, 1.0], [1.0, 0.0]]), 'np.eye(2)[generator.integers(0, 2, (5,))].astype("float32")'),
        (np.array([[0.25, 0.75]]), 'generator.dirichlet(np.ones(2), (5,)).astype("float32")'),
        (np.array([[0.0, 3.0]]), 'generator.integers(0, 4, (5, 2)).astype("float32")'),
        (np.array([[0.5, 0.5, 0.5]]), 'np.full((5, 3), 0.5).astype("float32")'),
        (np.array([[0.5, 1.5]]), 'generator.uniform(0.5, 1.5, (5, 2)).astype("float32")'),
        (np.array([[-0.5, 1.5]]), 'generator.standard_normal((5, 2)).astype("float32")'),
    ],
)
def test_data_of_the_same_kind_are_drawn(array, text):
    """Of so many examples, in the range of the array."""
    assert spell_data(array, 5) == text
    drawn = eval(text, {"np": np, "generator": np.random.default_rng(1)})
    assert drawn.shape == (5, *array.shape[1:])
    assert drawn.dtype.kind == array.dtype.kind


def test_what_is_named_is_imported():
    """`module:name` is a name of a module; what is given as an object has none."""
    given = {"a": "losses:Own.call", "b": ["mse", {"class_name": "Huber", "module": "keras.losses", "config": {}}]}

    assert _spell_named(given) == "{'a': Own.call, 'b': ['mse', keras.losses.Huber()]}"
    assert _imports(given) == {"from losses import Own"}
    with pytest.raises(NoReproducer, match="object of the user's own"):
        _spell_named([len])


def test_what_training_was_asked_for_is_in_the_script():
    """Weights of the outputs and of the examples, and metrics that heed these."""
    request = replace(
        REQUEST, loss="mae", loss_weights=[1.0, 2.0], weighted_metrics=["mse"], sample_weight=np.array([0.5, 1.5])
    )
    builder = Builder(Custom(b"", "build", "models", None), Slot(0), Slot(0), built=True, frozen=False)
    arrays = [np.zeros((2, 3))], [np.zeros((2, 1))], [np.array([0.5, 1.5])]
    model = WholeModel(builder, *arrays, Slot(0), Slot(0), Slot(0), compiled=False, batch=None)

    text = WholeReduction(request, finding("(training)"), None, print)._render_model(model, 2, 2, "Header.")

    assert 'model.compile("adam", loss="mae", loss_weights=[1.0, 2.0], weighted_metrics=["mse"])' in text.replace(
        "'", '"'
    )
    assert 'w = generator.uniform(0.5, 1.5, (2,)).astype("float32")' in text
    assert "model.train_on_batch(x, y, sample_weight=w, return_dict=True)" in text
