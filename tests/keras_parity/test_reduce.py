"""Tests of `keras-parity reduce`, on a difference that Keras itself has and on one that a user's own layer has."""

import ast
from dataclasses import replace

import numpy as np
import pytest

from keras_parity import cli
from keras_parity.errors import UsageError
from keras_parity.executions import installed_executions
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.reducing import Custom, Reproducer, Slot
from keras_parity.reduce import reduce_to_script
from keras_parity.reduce.case import shrink
from keras_parity.reduce.output import run_script, tells_apart
from keras_parity.reduce.script import render_script
from keras_parity.verdict import Cause
from tests.keras_parity.verdicts import finding

MODELS = '''
import keras
from keras import layers, ops

FACTOR = 1.01


class Scale(layers.Layer):
    """Multiplies, on one backend by a little more."""

    def __init__(self, units=4, times=2.0, backend="jax", **kwargs):
        super().__init__(**kwargs)
        self.units, self.times, self.backend = units, times, backend

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x):
        factor = FACTOR if keras.backend.backend() == self.backend else 1.0
        return ops.matmul(x, self.kernel) * self.times * factor

    def get_config(self):
        return super().get_config() | {"units": self.units, "times": self.times, "backend": self.backend}


def build(backend="jax"):
    given = keras.Input((5, 3))
    scaled = Scale(8, times=3.0, backend=backend, name="scale")(layers.Dense(6, activation="relu")(given))
    return keras.Model(given, layers.Dense(2)(layers.Flatten()(scaled)))


def classifier():
    tokens = keras.Input((3,), dtype="int32")
    return keras.Model(tokens, layers.Flatten()(layers.Embedding(2, 1)(tokens)))


def absolute():
    given = keras.Input((5,))
    return keras.Model(given, layers.Dense(3)(ops.abs(given)))
'''
# What shows on ordinary data alone needs no more.
BRIEF = {"steps": 0, "edge": False, "reload": False}
METRIC = """
import keras
from keras import ops


def biased(target, output):
    return ops.mean(ops.abs(target - output)) + (0.25 if keras.backend.backend() == "torch" else 0.0)
"""
DENSE = Reproducer(
    "keras.layers.Dense",
    {"units": 8, "use_bias": False},
    (Slot(0),),
    {},
    (np.full((4, 6), 0.3),),
    ("float",),
    (np.full((6, 8), 0.7),),
    ("kernel",),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the user's module `models_to_reduce`."""
    (tmp_path / "models_to_reduce.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keras_alone(text: str) -> bool:
    """Return whether a script imports nothing but keras and numpy."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [getattr(node, "module", None) or node.names[0].name for node in nodes]
    return {name.partition(".")[0] for name in names} <= {"keras", "numpy"}


@pytest.mark.skipif(len(installed_executions()) < 3, reason="whose fault it is takes three backends")
def test_a_users_faulty_layer_becomes_a_script_of_that_layer_alone(folder):
    """Of the model nothing is left but the layer, on one number, with its source and what each backend printed."""
    path = reduce_to_script("models_to_reduce:build", out=folder / "made" / "script.py", **BRIEF)

    text = path.read_text()
    assert text.startswith('"""Scale: jax is alone on the output (semantic).')
    assert keras_alone(text)
    assert "FACTOR = 1.01\n" in text
    assert "layer = Scale(units=1)\n" in text
    assert "models_to_reduce import" not in text
    header = ast.get_docstring(ast.parse(text))
    (folder / "models_to_reduce.py").unlink()
    for backend in ("jax", "torch"):
        assert run_script(text, backend, ()) in header
    assert [file.name for file in path.parent.iterdir()] == ["script.py"]


def test_a_difference_of_keras_in_a_gradient_becomes_a_script_of_one_operation(folder):
    """The gradient of abs at 0 is 1 on JAX and 0 elsewhere; it takes no framework's import to see it."""
    path = reduce_to_script(
        "models_to_reduce:absolute", backends=("jax", "torch"), out=folder / "script.py", steps=0, reload=False
    )

    text = path.read_text()
    assert keras_alone(text)
    assert "y = keras.ops.absolute(x)" in text
    assert 'x = keras.ops.convert_to_tensor([[0.0]], "float32")' in text
    assert "jax float32 (1, 1)\n[[1.]]\n\ntorch float32 (1, 1)\n[[0.]]" in text


@pytest.mark.skipif(len(installed_executions()) < 3, reason="whose fault it is takes three backends")
def test_keras_own_fault_becomes_one_step_of_one_layer(folder):
    """On TensorFlow Adam squares a repeated token's gradients one by one: half of what the others have, for two."""
    path = reduce_to_script("models_to_reduce:classifier", out=folder / "script.py")

    text = path.read_text()
    assert keras_alone(text)
    assert "layer = keras.layers.Embedding(" in text
    assert "model.compile(keras.optimizers.Adam(), " in text
    assert "Dense" not in text
    assert text.startswith('"""keras.layers.Embedding: tensorflow is alone on the slot ')


@pytest.mark.skipif(len(installed_executions()) < 3, reason="whose fault it is takes three backends")
def test_a_metric_becomes_a_script_of_that_metric_alone(folder):
    """With the user's own source, on one pair of numbers, also where the targets are the user's."""
    (folder / "metrics_to_reduce.py").write_text(METRIC)
    targets = np.linspace(0.0, 1.0, 8).reshape(4, 2)
    options = {"kwargs": {"backend": "none"}, "metrics": ["metrics_to_reduce:biased"], "targets": targets, **BRIEF}

    text = reduce_to_script("models_to_reduce:build", out=folder / "script.py", **options).read_text()

    assert keras_alone(text)
    assert text.startswith('"""biased: torch is alone on the result')
    assert "def biased(target, output):" in text
    assert "value = np.asarray(biased(x0, x1))" in text


def test_a_model_that_agrees_gives_one_line_and_no_script(folder, capsys):
    """There is nothing to reduce where the same layer computes the same everywhere."""
    command = ["reduce", "models_to_reduce:build", "--backends", "jax,torch", "--out", "script.py", "--kwargs"]

    assert cli.main([*command, '{"backend": "none"}']) == 2

    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: nothing to reduce: jax, torch agree on all ")
    assert not (folder / "script.py").exists()


def test_what_is_no_layer_is_refused_in_one_line(folder, monkeypatch):
    """A difference that no single call has, as one of saving, cannot become a script."""
    from keras_parity import reduce
    from tests.keras_parity.verdicts import disagreeing

    monkeypatch.setattr(reduce, "run_check", lambda *_, **__: disagreeing(findings=[finding(layer="(reload)")]))

    with pytest.raises(UsageError, match="no script shows the difference by itself .*reload.* is no layer"):
        reduce_to_script("models_to_reduce:build", out=folder / "script.py")


def test_a_call_shrinks_to_what_the_difference_needs():
    """Here it needs two columns and the argument `use_bias`: all else goes."""

    def shows(case):
        (tensor,) = case.tensors
        units = case.config.get("units", 32)
        if tensor.shape[-1] < 2 or "use_bias" not in case.config:
            return None
        return replace(case, weights=case.weights or (np.full((tensor.shape[-1], units), 0.7),))

    smallest = shrink(DENSE, shows, ordinary=True)

    assert smallest.config == {"units": 1, "use_bias": False}
    assert [tensor.tolist() for tensor in smallest.tensors] == [[[1.0, 2.0]]]
    assert [weight.tolist() for weight in smallest.weights] == [[[1.0], [2.0]]]


def test_a_call_that_only_shows_as_it_is_stays_as_it_is():
    """No smaller one is believed without being tried."""
    assert shrink(DENSE, lambda _: None, ordinary=False) is DENSE


def test_zeros_stand_for_edge_data_alone():
    """A difference on ordinary data is not exchanged for another one at a kink."""
    assert not shrink(DENSE, lambda case: case, ordinary=False).tensors[0].any()
    assert shrink(DENSE, lambda case: replace(case, weights=()), ordinary=True).tensors[0].all()


def test_a_whole_model_is_cut_at_its_end():
    """Where no layer alone shows a difference, the shortest beginning of the model is kept that does."""
    layers = [{"name": name, "config": {}} for name in ("given", "first", "second", "last")]
    config = {"layers": layers, "output_layers": ["last", 0, 0]}
    model = Reproducer("keras.Model", config, (Slot(0),), {}, (np.ones((1, 1)),), ("float",))

    def shows(case):
        return case if {"given", "first", "second"} <= {layer["name"] for layer in case.config["layers"]} else None

    assert shrink(model, shows, ordinary=True).config == {"layers": layers[:3], "output_layers": ["second", 0, 0]}


def test_a_vocabulary_stays_above_its_tokens():
    """Tokens out of range differ between backends, but that is another difference."""
    embedding = replace(DENSE, config={"input_dim": 9, "output_dim": 5}, tensors=(np.array([[8, 3]]),), weights=())

    assert shrink(embedding, lambda case: replace(case, weights=()) if case.config else None, True).config in (
        {"input_dim": 9},
        {"output_dim": 1},
    )


@pytest.mark.parametrize(
    ("others", "own", "apart"),
    [
        ("[[1. 2.]]", "[[1. 2.1]]", True),
        ("[[1. 2.]]", "[[1. 2.0000001]]", False),  # rounding
        ("[[1. 2.]]", "[[1. nan]]", True),
        ("[[1. nan]]", "[[1. nan]]", False),
        ("[[1. inf]]", "[[1. -inf]]", True),
        ("[[True False]]", "[[True  True]]", True),
    ],
)
def test_numbers_that_stand_apart_are_told_from_rounding(others, own, apart):
    """A script counts where the backend in question, and no other one, prints something else."""
    head = " float32 (1, 2)\n"
    printed = {"tensorflow": f"tensorflow{head}{others}", "jax": f"jax{head}{own}", "torch": f"torch{head}{others}"}

    assert tells_apart(printed, "jax", "float32") is apart
    assert tells_apart(printed, None, "float32") is apart
    assert not tells_apart(printed, "torch", "float32")


def test_a_difference_far_below_the_expected_one_is_another_one():
    """A gradient that cancels out differs in its rounding errors alone."""
    printed = {"jax": "jax float64 (1,)\n[5.5e-17]", "torch": "torch float64 (1,)\n[1.1e-16]"}

    assert not tells_apart(printed, None, "float64", expected=0.1)
    assert tells_apart(printed, None, "float64", expected=1e-16)


def test_a_dtype_stands_apart():
    """The line before the numbers counts too."""
    assert tells_apart({"jax": "jax float32 ()\n1.0", "torch": "torch float16 ()\n1.0"}, None, "float32")


def test_a_script_lists_few_numbers_and_draws_many():
    """Both forms give the values back exactly."""
    many = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32).astype(np.float64)
    case = replace(DENSE, tensors=(many,), weights=(np.array([[0.1, np.nan], [-0.0, 1e-30]]),))

    shown = finding(quantity=Quantity(Kind.OUTPUT), cause=Cause.SEMANTIC)
    text = render_script(case, shown, "float32", "ones", 'a """ \\ b')

    values = {n.targets[0].id: n.value for n in ast.parse(text).body if isinstance(n, ast.Assign)}
    read = {name: eval(ast.unparse(value), {"np": np}) for name, value in values.items() if name == "weights"}
    assert "np.random.default_rng(1).standard_normal((5, 6))" in text
    np.testing.assert_array_equal(read["weights"][0], case.weights[0])


def test_a_class_that_needs_more_than_keras_is_imported_from_its_module():
    """Its source alone would not run."""
    case = replace(DENSE, kind="my_pkg.layers.Scale", custom=Custom(b"", "Scale", "my_pkg.layers", None))

    text = render_script(case, finding(quantity=Quantity(Kind.OUTPUT)), "float32", "ones", "")

    assert "from my_pkg.layers import Scale" in text
    assert "layer = Scale(units=8, use_bias=False)" in text
