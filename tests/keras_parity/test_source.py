"""What a user may name is built in a worker, and what cannot be is refused in one line, mostly before one starts."""

import functools
import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from keras_parity.crew import Worker
from keras_parity.errors import RemoteError, UsageError
from keras_parity.source import describe_source, pickle_value
from tests.keras_parity import errands
from tests.keras_parity.errands import NUMPY, errand
from tests.training.archives import calling_set_floatx, classifier, write_archive

ROOT = Path(__file__).parents[2]
DENSE = ("Sequential", ["Dense"], 15)
OWN_LAYERS = """
import keras


@keras.saving.register_keras_serializable("own")
class Scale(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class Net(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(3)

    def call(self, x):
        return self.dense(x)


def build(units=3):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])


class Builders:
    @staticmethod
    def small():
        return build(1)


vars()["build_" + "later"] = build
not_a_function = 7
"""


@pytest.fixture(scope="module")
def worker():
    """A worker on NumPy, shared by the tests of this file."""
    worker = Worker(NUMPY)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder with the user's module `own_layers`."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "own_layers.py").write_text(OWN_LAYERS)
    (folder / "static_names.py").write_text(OWN_LAYERS.replace('vars()["build_" + "later"] = build', ""))
    (folder / "broken.py").write_text("def build(:\n")
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "package" / "models.py").write_text("def build_unet(): pass\n")
    return folder


@pytest.fixture
def folder(saved, monkeypatch):
    """The user's folder as the working folder; what a test imports from it is forgotten."""
    monkeypatch.chdir(saved)
    return saved


@pytest.fixture(scope="module")
def stock_weights(worker, saved):
    """The weights of `stock.keras`, saved with the other models into the user's folder."""
    sys.path.insert(0, str(saved))
    try:
        return worker.ask(errand(errands.save_models, str(saved)))
    finally:
        sys.path.remove(str(saved))


def refusal(*arguments, **keywords) -> str:
    """Return the message with which something is refused, one printable line."""
    with pytest.raises(UsageError) as refused:
        describe_source(*arguments, **keywords)
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


def test_a_file_is_built_with_its_weights(worker, folder, stock_weights):
    """Bare operations and constants are no obstacle; a relative path and a Path mean the same."""
    for model in ("stock.keras", Path("stock.keras")):
        got = worker.ask(errand(errands.weights, describe_source(model)))

        assert all(np.array_equal(a, b) for a, b in zip(got, stock_weights, strict=True))
    assert not np.array_equal(got[0], np.zeros((4, 3)))


def test_what_a_file_was_compiled_with_is_not_restored(worker, folder, stock_weights):
    """A nested model's loss could name anything; it is left out."""
    with zipfile.ZipFile("compiled.keras") as archive:
        assert b'"compile_config"' in archive.read("config.json")

    assert worker.ask(errand(errands.describe, describe_source("compiled.keras"))) == ("Sequential", ["Sequential"], 20)


@pytest.mark.parametrize(
    ("name", "built"), [("own", ("Sequential", ["Scale", "Dense"], 10)), ("whole", ("Net", ["Dense"], 15))]
)
def test_the_users_own_classes_are_known_with_their_module_alone(name, built, worker, folder, stock_weights):
    """With `custom` they are built, registered with Keras or not; without it the file is refused, and told why."""
    assert worker.ask(errand(errands.describe, describe_source(f"{name}.keras", custom="own_layers"))) == built

    assert "--custom" in refusal(f"{name}.keras")


def test_another_module_does_not_make_a_class_known(worker, folder, stock_weights):
    """The twin: the worker looks for the file's class in the module that was given, and nowhere else."""
    with pytest.raises(RemoteError, match="UsageError: .*whole.keras holds 'Net'"):
        worker.ask(errand(errands.describe, describe_source("whole.keras", custom="json")))


def test_a_hostile_file_is_refused_in_the_worker_too(worker, folder):
    """With `custom` the parent cannot say what is allowed; the worker looks before Keras does."""
    write_archive(folder / "evil.keras", calling_set_floatx())
    assert "Lambda" in refusal("evil.keras")

    with pytest.raises(RemoteError, match="UsageError: .*Lambda") as raised:
        worker.ask(errand(errands.describe, describe_source("evil.keras", custom="own_layers")))

    assert "\n" not in str(raised.value)


def test_a_file_that_is_none_is_refused_before_a_worker_starts(folder, stock_weights):
    """Missing, truncated, from the future, of another kind, a folder: one line each."""
    Path("cut.keras").write_bytes(Path("stock.keras").read_bytes()[:-100])
    write_archive(folder / "new.keras", classifier(), metadata=json.dumps({"keras_version": "99.0"}).encode())
    Path("text.keras").write_text("text")
    Path("old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))

    assert "there is no file missing.keras" in refusal("missing.keras")
    assert "cut off or damaged" in refusal("cut.keras")
    assert "newer than" in refusal("new.keras")
    assert "not a .keras file" in refusal("text.keras")
    assert "bare HDF5" in refusal("old.h5")
    assert "Is a directory" in refusal("package")
    assert "keyword arguments" in refusal("stock.keras", {"units": 3})
    assert describe_source("stock.keras").kind == "file"


def test_a_damaged_weight_file_is_the_workers_to_tell(worker, folder, stock_weights):
    """The archive is whole, its weights are not: whatever Keras raises is an answer."""
    with zipfile.ZipFile("stock.keras") as archive:
        config, data = archive.read("config.json"), archive.read("model.weights.h5")
    write_archive(folder / "damaged.keras", config, weights=data[:-2000])

    with pytest.raises(RemoteError):
        worker.ask(errand(errands.describe, describe_source("damaged.keras")))


def test_a_named_function_is_found_in_the_working_folder(worker, folder):
    """As `python -m` would: a function, a method, one that only running the module defines; with arguments."""
    assert worker.ask(errand(errands.describe, describe_source("own_layers:build"))) == DENSE
    assert worker.ask(errand(errands.describe, describe_source("own_layers:build", {"units": 2})))[2] == 10
    assert worker.ask(errand(errands.describe, describe_source("own_layers:Builders.small")))[2] == 5
    assert worker.ask(errand(errands.describe, describe_source("own_layers:build_later"))) == DENSE


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("static_names:bild", "has no bild; did you mean build?"),
        ("static_names:zzz", "has no zzz; it has Builders, Net, Scale, build, keras"),
        ("statik_names:build", "there is no module statik_names"),
        ("package.modells:build", "the package package has no module modells"),
        ("package.models:build_unit", "did you mean build_unet?"),
        ("static_names.x:build", "static_names is a module, not a package"),
        ("broken:build", "broken.py, line 1: invalid syntax"),
        ("no such:thing", "names nothing"),
        ("static_names:", "names nothing"),
        ("keras.applications:MobileNetV4", "did you mean MobileNet"),
        ("build", "there is no file build"),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest(name, said, folder):
    """Without importing anything: the package's `__init__` would end the program."""
    assert said in refusal(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_layers:bild", "has no bild; did you mean build"),
        ("own_layers:not_a_function", "is an int, not a function"),
        ("own_layers:Builders", "gave a Builders, not a keras.Model"),
    ],
)
def test_what_only_running_the_module_can_tell_is_told_by_the_worker(name, said, worker, folder):
    """A module that makes names as it runs, and a name that is not of a function of a model."""
    with pytest.raises(RemoteError, match=said) as raised:
        worker.ask(errand(errands.describe, describe_source(name)))

    assert raised.value.type_name == "UsageError"


def test_an_edited_module_is_read_again(worker, folder):
    """A worker lives as long as a notebook: it must not check the model of an hour ago."""
    module = folder / "edited.py"
    module.write_text(OWN_LAYERS)
    assert worker.ask(errand(errands.describe, describe_source("edited:build")))[2] == 15
    written = module.stat().st_mtime_ns

    module.write_text(OWN_LAYERS.replace("units=3", "units=30"))
    os.utime(module, ns=(written + 2_000_000_000,) * 2)  # bytecode is told apart by whole seconds

    assert worker.ask(errand(errands.describe, describe_source("edited:build")))[2] == 150


def build_here(units=3):
    """Build a dense layer; a fresh process can import this function."""
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])


def build_with(layer):
    """Build a model of one layer that a function makes."""
    import keras

    return keras.Sequential([keras.Input((4,)), layer()])


def test_a_function_travels_by_reference_or_by_value(worker):
    """Importable, a lambda, a closure, a partial, with a function as argument: all arrive."""
    units = 2

    def local():
        return build_here(units)

    def dense():
        import keras

        return keras.layers.Dense(units)

    assert worker.ask(errand(errands.describe, describe_source(build_here))) == DENSE
    assert worker.ask(errand(errands.describe, describe_source(lambda: build_here(1))))[2] == 5
    assert worker.ask(errand(errands.describe, describe_source(local)))[2] == 10
    assert worker.ask(errand(errands.describe, describe_source(functools.partial(build_here, units=4))))[2] == 20
    assert worker.ask(errand(errands.describe, describe_source(build_with, {"layer": dense})))[2] == 10
    assert len(pickle_value(build_here, "")) < 100 < len(pickle_value(local, ""))
    assert describe_source(build_here).label == "build_here"


def test_a_module_that_no_path_leads_to_travels_by_value(worker, saved, monkeypatch):
    """As pytest's importlib mode makes them: under a name that another process does not find."""
    spec = importlib.util.spec_from_file_location("unfindable", saved / "by_value.py")
    (saved / "by_value.py").write_text(
        "UNITS = 5\ndef helper():\n    import keras\n    return [keras.Input((4,)), keras.layers.Dense(UNITS)]\n"
        "def build():\n    import keras\n    return keras.Sequential(helper())\n"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "unfindable", module)

    assert worker.ask(errand(errands.describe, describe_source(module.build)))[2] == 25
    assert worker.ask(errand(errands.describe, describe_source(functools.partial(module.build))))[2] == 25
    with pytest.raises(RemoteError, match="No module named 'unfindable'"):  # the twin: left to pickle's own ways
        worker.ask(errand(errands.apply, module.build))


def test_main_travels_by_value(tmp_path):
    """From where there is no file to import, as in a notebook: a function, its globals, a class, a built model."""
    code = textwrap.dedent("""
        import keras
        from keras_parity.source import describe_source
        from keras_parity.crew import Worker

        UNITS = 3

        class Twice(keras.layers.Layer):
            def call(self, x):
                return keras.ops.multiply(x, 2)

        def build():
            return keras.Sequential([keras.Input((4,)), Twice(), keras.layers.Dense(UNITS)])

        from tests.keras_parity import errands
        from tests.keras_parity.errands import NUMPY, errand
        worker = Worker(NUMPY)
        print(worker.ask(errand(errands.describe, describe_source(build))))
        built = build()
        print(worker.ask(errand(errands.describe, describe_source(built))))
        (weights, _), (sent, _) = built.get_weights(), worker.ask(errand(errands.weights, describe_source(built)))
        drawn = worker.ask(errand(errands.weights, describe_source(build)))[0]
        print((weights == sent).all(), (weights == drawn).all())
    """)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "numpy"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )

    expected = ("Sequential", ["Twice", "Dense"], 15)
    assert done.stdout.splitlines() == [str(expected), str(expected), "True False"], done.stderr


def test_what_cannot_be_checked_is_refused():
    """A number, a function that holds a lock, a missing custom module."""
    lock = threading.Lock()

    assert "cannot check 3" in refusal(3)
    assert "cannot send" in refusal(lambda: lock)
    assert "there is no module nowhere" in refusal(build_here, custom="nowhere")


def test_describing_imports_no_framework(tmp_path):
    """A typo costs no start of TensorFlow, even where the module named would import it."""
    code = """
        import sys
        from keras_parity.source import describe_source
        print(describe_source("keras.applications:MobileNetV2", {"weights": None}).reference)
        print([name for name in ("keras", "tensorflow", "jax", "torch") if name in sys.modules])
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, cwd=tmp_path
    )

    assert done.stdout.splitlines() == ["keras.applications:MobileNetV2", "[]"], done.stderr
