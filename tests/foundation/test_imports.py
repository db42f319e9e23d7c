"""The rooms of the zoo stand above each other: no framework below `build`, no arrow that runs both ways."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import models
from tests.commands import ROOT

# Each room, and those that it may import; none of them imports a script.
MAY_IMPORT = {
    "foundation": set(),
    "data": {"foundation"},
    "models": {"foundation", "data"},
    "figures": {"foundation"},
    "training": {"foundation", "data", "models", "figures"},
    "comparing": {"foundation", "data", "models", "training"},
}
SCRIPTS = {"train", "evaluate", "compare"}
FRAMEWORKS = ("keras", "tensorflow", "jax", "torch", "numpy")


def imported_rooms(source: str) -> set[str]:
    """Return the packages and scripts of this repository that a module's text imports, at its top or later."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found & (set(MAY_IMPORT) | SCRIPTS)


def modules(room: str) -> list[Path]:
    """Return the files of a room."""
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_those_below_it(room):
    """Recipes, errors and files lie below data, models, figures and training; nothing imports a script."""
    for path in modules(room):
        assert imported_rooms(path.read_text()) <= MAY_IMPORT[room] | {room}, path


def test_an_arrow_back_would_be_seen():
    """The test above can fail, also where the import stands inside a function."""
    assert imported_rooms("def build():\n    from training.fit import train\n") == {"training"}
    assert imported_rooms("import train, numpy\n") == {"train"}


def test_no_room_is_left_out():
    """Every package of the repository's root but the engine, its benchmarks and the tests is a room."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages - {"keras_parity", "benchmarks", "tests"} == set(MAY_IMPORT)


def test_a_system_is_known_without_a_framework():
    """Its recipe, its source and its number of parameters; not even NumPy is imported."""
    code = (
        "import sys, models\n"
        "for name in models.names_with_variants(): models.load(name)\n"
        f"print([name for name in {FRAMEWORKS!r} if name in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"


def test_the_list_of_systems_takes_no_framework():
    """`train.py --list` is there at once: Python, rich, and nothing else that is large."""
    code = (
        "import sys, train\n"
        "code = train.main(['--list'])\n"
        f"print(code, [name for name in {FRAMEWORKS!r} if name in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "0 []"
    assert all(name.split("-")[0] in result.stdout for name in models.names_with_variants())
