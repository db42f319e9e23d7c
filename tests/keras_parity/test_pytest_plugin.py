"""Tests of the pytest fixture `parity`, from outside: pytest is run on small test files, with and without xdist."""

import importlib
import json
import tomllib

import pytest

from tests.commands import ROOT

pytest_plugins = ["pytester"]

# In the place of the engine: verdicts by the model's name, and processes that note their start and their end.
CONFTEST = """
import json, os, pathlib, sys, types
from tests.keras_parity.verdicts import agreeing, disagreeing, inconclusive

LOG = pathlib.Path(__file__).with_name("log.jsonl")

def note(**values):
    with LOG.open("a") as log:
        log.write(json.dumps({"pid": os.getpid(), **values}, default=str) + "\\n")

class Crew:
    def __enter__(self):
        note(event="start")
        return self
    def __exit__(self, *_):
        note(event="close")

def check(model, crew=None, **kwargs):
    assert isinstance(crew, Crew)
    note(event="check", model=model, **kwargs)
    return {"good": agreeing, "bad": disagreeing, "dead": inconclusive}[model]()

sys.modules["keras_parity.checking"] = types.SimpleNamespace(check=check)
sys.modules["keras_parity.crew"] = types.SimpleNamespace(Crew=Crew)
"""
TESTS = """
def test_good(parity):
    assert parity.check("good").outcome.value == "agree"

def test_bad(parity):
    parity.check("bad")

def test_dead(parity):
    parity.check("dead")
"""
PLUGIN = ("-p", "keras_parity.pytest_plugin", "-p", "no:cacheprovider")


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with the fake engine, whose log `project.log()` reads."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makeconftest(CONFTEST)
    log = pytester.path / "log.jsonl"
    pytester.log = lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return pytester


@pytest.mark.parametrize("distribution", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_test_fails_unless_the_backends_agree(project, distribution):
    """The failure's text is the verdict's screen, for *disagree* and for *inconclusive*."""
    if distribution:
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    project.makepyfile(TESTS)

    result = project.runpytest_subprocess(*PLUGIN, *distribution)

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines_random(
        [
            "E*AssertionError: disagree: JAX computes a different function from TensorFlow and PyTorch in the layer*",
            "E*size    0.0013 absolute, 41,234 rounding units*",
            "E*keras-parity reduce model.keras*",
            "E*AssertionError: inconclusive: It cannot be said*",
            "E*MemoryError: 12 GiB",
        ]
    )


@pytest.mark.parametrize("distribution", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_processes_serve_the_whole_session(project, distribution):
    """Each pytest process starts the backends once, for all its tests, and ends them."""
    if distribution:
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    tests = "\n".join(f"def test_{i}(parity):\n    parity.check('good')" for i in range(8))
    project.makepyfile(test_one=tests, test_two=tests)

    result = project.runpytest_subprocess(*PLUGIN, *distribution)

    result.assert_outcomes(passed=16)
    log = project.log()
    for pid in {entry["pid"] for entry in log}:
        events = [entry["event"] for entry in log if entry["pid"] == pid]
        assert (events[0], events[-1]) == ("start", "close")
        assert set(events[1:-1]) == {"check"}
    assert sum(entry["event"] == "check" for entry in log) == 16


def test_a_session_without_a_check_starts_nothing(project):
    """To have the plugin installed costs other tests no process and no framework."""
    project.makepyfile(
        "import sys\n\ndef test_other():\n    assert not {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)"
    )

    result = project.runpytest_subprocess(*PLUGIN)

    result.assert_outcomes(passed=1)
    assert project.log() == []


ACCEPTED = '[[accepted]]\nlayer = "a"\nbackend = "jax"\nquantity = "output"\nreason = "known"\nuntil = "keras 4"\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytest.ini", "[pytest]\nparity_backends = jax torch\nparity_accepted = known.toml\n"),
        ("pytest.ini", "[pytest]\nparity_backends = jax,torch\nparity_accepted = known.toml\n"),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\nparity_backends = ["jax", "torch"]\nparity_accepted = "known.toml"\n',
        ),
    ],
    ids=["spaces", "commas", "pyproject"],
)
def test_options_come_from_the_configuration(project, name, content):
    """The backends, and the file of accepted divergences, beside the configuration wherever pytest is started."""
    (project.path / name).write_text(content)
    (project.path / "known.toml").write_text(ACCEPTED)
    tests = project.mkdir("deep")
    (tests / "test_it.py").write_text("def test_good(parity):\n    parity.check('good')")

    result = project.runpytest_inprocess(*PLUGIN, "--rootdir", project.path, tests)

    result.assert_outcomes(passed=1)
    (entry,) = [entry for entry in project.log() if entry["event"] == "check"]
    assert entry["backends"] == ["jax", "torch"]
    assert entry["accepted"] == ["a on jax, output"]


def test_without_options_parity_toml_counts_where_it_is(project):
    """Backends are those installed, and the list is found."""
    (project.path / "parity.toml").write_text(ACCEPTED)
    project.makepyfile("def test_good(parity):\n    parity.check('good')")

    project.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1)

    (entry,) = [entry for entry in project.log() if entry["event"] == "check"]
    assert entry["backends"] is None
    assert entry["accepted"] == ["a on jax, output"]


def test_a_check_may_choose_for_itself(project):
    """Its arguments go before the configuration's."""
    project.makeini("[pytest]\nparity_backends = jax torch\n")
    project.makepyfile("def test_good(parity):\n    parity.check('good', backends=('jax', 'tensorflow'), seed=3)")

    project.runpytest_inprocess(*PLUGIN).assert_outcomes(passed=1)

    (entry,) = [entry for entry in project.log() if entry["event"] == "check"]
    assert (entry["backends"], entry["seed"], entry["accepted"]) == (["jax", "tensorflow"], 3, None)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("parity_backends = theano", "parity_backends: 'theano' is none of tensorflow, jax, torch, openvino"),
        ("parity_accepted = none.toml", "*none.toml is not there; give a file of accepted divergences*"),
    ],
)
def test_a_wrong_option_is_one_line(project, option, message):
    """Tests that use the fixture say so without a traceback; others are not disturbed."""
    project.makeini(f"[pytest]\n{option}\n")
    project.makepyfile("def test_good(parity):\n    parity.check('good')\n\ndef test_other():\n    pass")

    result = project.runpytest_inprocess(*PLUGIN)

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")


REAL_TESTS = """
import keras

class Shifted(keras.layers.Dense):
    def call(self, inputs, training=None):
        return super().call(inputs) + 0.01 * (keras.backend.backend() == "jax")

def build(layer=keras.layers.Dense):
    return keras.Sequential([keras.Input((4,)), layer(3, name="head")])

SMALL = {"backends": ("jax", "torch"), "training": False, "edge": False, "reload": False}

def test_clean(parity):
    parity.check(build, **SMALL)

def test_faulty(parity):
    parity.check(build, kwargs={"layer": Shifted}, **SMALL)
"""


@pytest.mark.parametrize("distribution", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_the_real_engine_serves_the_fixture(pytester, monkeypatch, distribution):
    """A clean model passes; one that adds 0.01 on one backend fails at its layer."""
    if distribution:
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytester.makepyfile(REAL_TESTS)

    result = pytester.runpytest_subprocess(*PLUGIN, *distribution)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*AssertionError: disagree: * in the layer head of *", "E*0.01 absolute*"])


def test_the_package_declares_the_plugin_and_the_command():
    """Both entry points lead to something that can be called or loaded."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    module, function = project["scripts"]["keras-parity"].split(":")
    assert callable(getattr(importlib.import_module(module), function))
    for name, plugin in project["entry-points"]["pytest11"].items():
        assert name == plugin
        assert importlib.import_module(plugin).parity
