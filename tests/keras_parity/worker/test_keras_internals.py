"""Keras's private parts stay in one room, and a patch that has no effect is found when a worker starts."""

import ast
import re
from pathlib import Path

import pytest

from keras_parity.crew import Worker, shared_crew
from keras_parity.errors import WorkerDied
from keras_parity.names import TRAINING_BACKENDS
from tests.keras_parity import errands, moved_keras
from tests.keras_parity.errands import errand

PACKAGE = Path(__file__).parents[3] / "keras_parity"
ROOM = PACKAGE / "worker" / "keras_internals.py"
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py")) if path != ROOM}
NAMED_TUPLE = {"_asdict", "_fields", "_make", "_replace"}
READS = ("getattr", "setattr", "hasattr", "delattr", "import_module")


def private_uses(tree: ast.Module, own: set[str]) -> list[str]:
    """Return the places in a file's text that reach into Keras.

    Args:
        tree: The file's text.
        own: Underscored names that the engine itself gives to something.
    """
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("keras.src")]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [module] if module.startswith("keras.src") else []
            names += [alias.name for alias in node.names if module == "keras" and alias.name == "src"]
        elif isinstance(node, ast.Attribute):
            names = [node.attr] if is_private(node.attr, own) and not is_name(node.value, "self", "cls", "os") else []
            names += ["keras.src"] if node.attr == "src" and is_name(node.value, "keras") else []
        elif isinstance(node, ast.Call) and called_name(node) in READS:
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            names = [text for text in texts if is_private(text, own) or text.startswith("keras.src")]
        found += [f"{name} in line {node.lineno}" for name in names]
    return found


def is_private(name: str, own: set[str]) -> bool:
    """Say whether a name is an underscored one of somebody else's; those of named tuples are documented."""
    return name.startswith("_") and not name.endswith("__") and name not in own | NAMED_TUPLE


def is_name(node: ast.AST, *names: str) -> bool:
    """Say whether an expression is one of these names."""
    return isinstance(node, ast.Name) and node.id in names


def called_name(call: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def own_names(trees) -> set[str]:
    """Return the underscored names that the engine's files define."""
    names = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_name(node.value, "self", "cls"):
            names.add(node.attr)
    return {name for name in names if name.startswith("_")}


OWN = own_names(ast.parse(path.read_text()) for path in FILES.values())


@pytest.mark.parametrize("file", FILES)
def test_only_one_file_touches_private_parts_of_keras(file):
    """A new Keras moves its private parts: one file then has to follow."""
    assert private_uses(ast.parse(FILES[file].read_text()), OWN) == []


@pytest.mark.parametrize(
    "text",
    [
        "import keras.src.backend",
        "from keras.src import backend",
        "from keras import src",
        "import keras\nkeras.src.backend.nn",
        "layers = model._flatten_layers()",
        "getattr(model, '_inputs_struct', None)",
        "setattr(model, '_functional', None)",
        "importlib.import_module('keras.src.backend')",
        "from importlib import import_module\nimport_module('keras.src')",
    ],
)
def test_every_way_into_private_parts_is_seen(text):
    """The test above has to be able to fail."""
    assert len(private_uses(ast.parse(text), OWN)) == 1


def test_the_room_does_touch_private_parts():
    """Were the search blind, it would find nothing here."""
    assert len(private_uses(ast.parse(ROOM.read_text()), OWN)) > 10


@pytest.mark.parametrize("text", ["self._count = 1", "os._exit(1)", "worker._submit()", "value.__class__", "keras.ops"])
def test_ordinary_code_is_not_taken_for_a_use_of_private_parts(text):
    """What is the engine's own, Python's or public stays allowed."""
    assert private_uses(ast.parse(text), OWN) == []


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_this_keras_gives_all_that_the_engine_needs(backend):
    """The proof of a worker's start is content, at any time of its life."""
    assert shared_crew()[backend].ask(errand(moved_keras.refusal, "nothing")) is None


@pytest.mark.parametrize(
    ("moved", "backends", "need"),
    [
        ("promotion", ("jax", "torch"), "the float64 reference of a .* has no effect any more"),
        ("policies", TRAINING_BACKENDS, "the float64 reference of a layer has no effect any more"),
        ("constants", ("tensorflow",), "the float64 reference of a Python number has no effect any more"),
        ("attention", ("jax",), "the float64 reference of attention has no effect any more"),
        ("wide mode", ("jax",), "the float64 reference of a layer has no effect any more"),
        ("watch", TRAINING_BACKENDS, "the watch over calls has no effect any more"),
        ("functions", TRAINING_BACKENDS, "the replacement of a backend's functions"),
        ("random functions", TRAINING_BACKENDS, "the shared randomness of keras.random"),
        ("context", TRAINING_BACKENDS, "handing a mode or a mask to a layer has no effect any more"),
        ("masks", TRAINING_BACKENDS, "handing a mode or a mask to a layer has no effect any more"),
        ("graph", TRAINING_BACKENDS, "reading a model's structure has no effect any more"),
        ("names", TRAINING_BACKENDS, "reading a model's structure fails .AttributeError"),
    ],
)
def test_a_patch_without_effect_is_named(moved, backends, need):
    """The twin, once for each need and on each backend where it makes a difference."""
    for backend in backends:
        said = shared_crew()[backend].ask(errand(moved_keras.refusal, moved))

        assert said is not None, backend
        assert said.startswith("UnsupportedKeras: keras 3."), said
        assert said.endswith("; this version of keras-parity cannot judge it"), said
        assert "\n" not in said
        assert re.search(need, said), said


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (moved_keras.start_with_a_key_moved, "handing a mode or a mask to a layer has no effect any more"),
        (moved_keras.start_with_a_class_gone, "cannot import name 'Functional'"),
    ],
)
def test_a_worker_does_not_start_on_a_keras_that_it_cannot_follow(start, said):
    """No verdict is better than a wrong one; the reason is one line."""
    worker = Worker(moved_keras.MovedKeras("jax", start))

    with pytest.raises(WorkerDied, match=f"jax worker cannot start: UnsupportedKeras: keras 3.*{said}") as caught:
        worker.ask(errand(errands.backend))

    assert str(caught.value).endswith("this version of keras-parity cannot judge it")
    assert not worker.alive


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_initialisers_draw_the_same_after_the_same_seeding(backend):
    """What a builder draws is reproducible, though TensorFlow is not imported for it."""
    first, second = shared_crew()[backend].ask(errand(moved_keras.draw_twice_from, 7))

    assert first == second
    assert len(set(first)) == len(first)
