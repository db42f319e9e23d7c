"""Who may import whom: the contracts hold and can break, and the drawing and the counts say what the code says."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from benchmarks.architecture.__main__ import count_what, main, render_project, render_table
from benchmarks.architecture.counts import count, count_lines, count_parameters, find_arrows
from benchmarks.architecture.drawing import render_drawing
from benchmarks.architecture.graph import Import, Module, find_circles, find_imports, read_modules
from benchmarks.architecture.layout import leave_out_implied, rank_by_use
from benchmarks.architecture.rooms import find_tops, package_rooms, project_room
from tests.commands import ROOT

CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = [contract["name"] for contract in CONFIGURATION["contracts"]]
INTERNALS = ROOT / "keras_parity" / "worker" / "keras_internals.py"
CREW = "keras_parity.crew"
# Packages of data alone, whose modules have one test file together.
DATA = ("known/catalogue", "scan/catalogue")
# For each contract, a file and an import in it that breaks this contract.
PLANTS = {
    "The engine knows nothing of the zoo": ("keras_parity/memory.py", "models"),
    "Only what runs in a worker imports the worker": ("keras_parity/verdict.py", "keras_parity.worker.process"),
    "Of the engine, only the worker imports keras or a framework": ("keras_parity/verdict.py", "torch"),
    "The worker imports the protocol and plain data, nothing above": ("keras_parity/worker/stages.py", CREW),
    "The judge knows numbers: NumPy and the protocol": ("keras_parity/judge/meaning.py", CREW),
    "The engine's rooms, from the top to the ground floor": ("keras_parity/protocol/rounding.py", CREW),
    "The zoo's rooms, from the top to the ground floor": ("data/mnist.py", "models"),
    "Nothing imports a script": ("figures/style.py", "evaluate"),
}


def lint_imports(folder: Path) -> dict[str, bool]:
    """Return whether each contract holds in the checkout in a folder."""
    pytest.importorskip("importlinter", reason="the extra `lint` is not installed")
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-logo", "--no-cache"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    states = re.findall(r"^(.+?) (KEPT|BROKEN)", result.stdout, re.MULTILINE)
    assert states, result.stdout + result.stderr
    return {name: state == "KEPT" for name, state in states}


def modules_of(**texts: str) -> dict[str, Module]:
    """Return modules with these texts; `__` in a name stands for a dot."""
    named = {name.replace("__", "."): text for name, text in texts.items()}
    return {name: Module(name, text, ast.parse(text)) for name, text in named.items()}


def function(text: str) -> ast.FunctionDef:
    """Return the first function of a text."""
    (node,) = ast.parse(text).body
    return node


def touches_keras_src(tree: ast.Module) -> bool:
    """Return whether a module imports or names something of `keras.src`."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        if isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        if any(name == "keras.src" or name.startswith("keras.src.") for name in names):
            return True
    return False


def find_untested(root: Path) -> list[str]:
    """Return the modules of the engine in a checkout that have no test file of their own in the mirrored place."""
    tests = root / "tests" / "keras_parity"
    untested = []
    for path in sorted((root / "keras_parity").rglob("*.py")):
        place = path.relative_to(root / "keras_parity")
        if not any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.parse(path.read_text("utf-8")))):
            continue  # names, types and tables: whatever uses them tests them
        if place.parent.as_posix() in DATA:
            expected = [place.parent.with_name(f"test_{place.parent.name}.py")]
        elif place.name == "__init__.py":  # a package's own tests lie within it or beside it
            name = f"test_{place.parent.name or 'package'}.py"
            expected = [place.with_name(name), place.parent.parent / name]
        else:
            expected = [place.with_name(f"test_{place.name}")]
        if not any((tests / each).is_file() for each in expected):
            untested.append(place.as_posix())
    return untested


def test_every_module_of_the_engine_has_a_test_file_of_its_own():
    """`tests/keras_parity` mirrors `keras_parity`: whoever changes a module knows where its tests are."""
    assert find_untested(ROOT) == []


def test_a_module_without_a_test_file_is_noticed(tmp_path):
    """One of a package of data and a package's own have theirs elsewhere, and one without a function needs none."""
    names = ("crew/worker.py", "crew/__init__.py", "crew/process.py", "crew/names.py", "scan/catalogue/arrays.py")
    for name in names:
        path = tmp_path / "keras_parity" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ONE = 1\n" if name == "crew/names.py" else "def one(): ...\n", encoding="utf-8")
    for name in ("crew/test_worker.py", "test_crew.py", "test_process.py", "scan/test_catalogue.py"):
        path = tmp_path / "tests" / "keras_parity" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert find_untested(tmp_path) == ["crew/process.py"]


def test_every_contract_holds():
    """Nobody imports whom they may not."""
    states = lint_imports(ROOT)

    assert states == dict.fromkeys(CONTRACTS, True)


def test_every_contract_can_break(tmp_path):
    """One forbidden import for each contract, all planted in one copy: each contract notices its own."""
    for top in [*find_tops(ROOT), "benchmarks"]:
        if (ROOT / top).is_dir():
            shutil.copytree(ROOT / top, tmp_path / top, ignore=shutil.ignore_patterns("*.gz"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, (path, module) in PLANTS.items():
        assert name in CONTRACTS
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(f"\nimport {module}\n")

    states = lint_imports(tmp_path)

    assert states == dict.fromkeys(CONTRACTS, False)


@pytest.mark.skipif(not INTERNALS.exists(), reason="worker/keras_internals.py is not there yet")
def test_one_file_touches_the_private_parts_of_keras():
    """Another Keras can break one file of the engine, and the tests of that file say where."""
    modules = read_modules(ROOT, ["keras_parity"])

    assert {name for name, module in modules.items() if touches_keras_src(module.tree)} == {
        "keras_parity.worker.keras_internals"
    }


@pytest.mark.parametrize(
    "text",
    [
        "from keras import src",
        "from keras.src import backend",
        "import keras.src.ops",
        "import keras\nkeras.src.ops.f()",
    ],
)
def test_each_way_to_touch_the_private_parts_is_noticed(text):
    """The check above can fail."""
    assert touches_keras_src(ast.parse(text))
    assert not touches_keras_src(ast.parse(text.replace("src", "ops")))


def test_the_imports_are_those_that_an_independent_reader_finds():
    """Our reader of import statements against grimp's, on the whole engine."""
    pytest.importorskip("grimp", reason="the extra `lint` is not installed")
    program = (
        "import sys; sys.path.insert(0, '.'); import grimp\n"
        "g = grimp.build_graph('keras_parity', cache_dir=None, exclude_type_checking_imports=True)\n"
    )
    program += "for m in sorted(g.modules):\n    print(m, *sorted(g.find_modules_directly_imported_by(m)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split() for line in result.stdout.splitlines()]
    theirs = {(importer, imported) for importer, *others in lines for imported in others}

    ours = find_imports(read_modules(ROOT, ["keras_parity"]))

    assert {(each.importer, each.imported) for each in ours} == theirs


def test_every_form_of_import_is_read():
    """Absolute and relative, of modules and of names, at once and inside a function; for a type checker none."""
    modules = modules_of(
        a="",
        a__b="import a.c\nfrom . import d\nfrom .e import name\ndef later():\n    from a import f",
        a__c="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a.b\nelse:\n    import a.d",
        a__d="import os",
        a__e="from a import VALUE",
        a__f="",
    )

    assert find_imports(modules) == {
        Import("a.b", "a.c", lazy=False),
        Import("a.b", "a.d", lazy=False),
        Import("a.b", "a.e", lazy=False),
        Import("a.b", "a.f", lazy=True),
        Import("a.c", "a.d", lazy=False),
        Import("a.e", "a", lazy=False),
    }


def test_circles_are_found_whole_and_apart():
    """Two circles, one of three names; a chain is none."""
    arrows = {("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("x", "y"), ("y", "x")}

    assert find_circles(arrows) == [["a", "b", "c"], ["x", "y"]]
    assert find_circles({("a", "b"), ("b", "c"), ("a", "c")}) == []


def test_one_circle_is_left():
    """A verdict shows itself: its methods import the reports, which are about verdicts. No other imports lead back."""
    modules = read_modules(ROOT, find_tops(ROOT))
    arrows = {(each.importer, each.imported) for each in find_imports(modules)}

    (circle,) = find_circles(arrows)

    assert "keras_parity.verdict" in circle
    assert all(name == "keras_parity.verdict" or name.startswith("keras_parity.report") for name in circle)


def test_a_docstring_and_self_are_not_counted():
    """What documents a function does not make it long, nor does what every method has."""
    long = "def f(self, a, b=1, *c, d, **e):\n" + "    a = 1\n" * 41

    assert count_lines(function(long)) == 42
    assert count_lines(function(long.replace("    a = 1\n", '    """One.\n\n    Two.\n    """\n', 1))) == 41
    assert count_parameters(function(long)) == 5


def test_the_counts_notice_what_they_count():
    """A planted long function, one of many parameters, a long module, a circle of modules and one of rooms."""
    clean = modules_of(p="", p__a="import p.b", p__b="def f(a): pass")
    planted = clean | modules_of(
        p__b="import p.a\n" + "\n" * 400 + "def f(a, b, c, d, e, f, g):\n" + "    a = 1\n" * 50
    )

    before, after = (count(modules, package_rooms("p")) for modules in (clean, planted))

    assert before["arrows between rooms"] == 1
    assert {name: after[name] - before[name] for name in before if name not in ("modules", "lines", "rooms")} == {
        "modules over 400 lines": 1,
        "functions": 0,
        "functions over 40 lines": 1,
        "functions of more than 6 parameters": 1,
        "arrows between rooms": 1,
        "pairs of rooms with arrows both ways": 1,
        "circles of rooms": 1,
        "circles of modules, at import": 1,
        "circles of modules, imports inside functions included": 1,
    }


def test_an_arrow_that_a_longer_way_implies_is_left_out():
    """Every box reaches in the drawing whom it reached before."""
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}

    assert leave_out_implied(arrows) == {("a", "b"), ("b", "c"), ("a", "d")}
    assert rank_by_use("abcd", arrows) == {"a": 2, "b": 1, "c": 0, "d": 0}


@pytest.mark.parametrize(
    "arrow",
    [
        ("keras_parity.crew", "keras_parity.worker"),
        ("keras_parity.worker", "keras_parity.crew"),
        ("keras_parity.crew", "models"),
        ("models", "training"),
        ("keras_parity.crew", "keras_parity.checking"),
    ],
)
def test_an_arrow_against_the_rules_is_red(arrow):
    """Who looks at the drawing sees what is wrong; where nothing is, nothing is red."""
    right = {
        ("training", "models"),
        ("keras_parity.checking", "keras_parity.crew"),
        ("keras_parity.crew", "keras_parity.protocol"),
        ("keras_parity.worker", "keras_parity.protocol"),
        ("keras_parity.worker", "keras_parity.scan"),
    }
    rooms = {room for pair in right for room in pair}

    assert 'class="against"' not in render_drawing(rooms, right)
    assert render_drawing(rooms, right | {arrow}).count('class="against"') == 1


def test_the_drawing_in_the_docs_is_that_of_the_code():
    """`python -m benchmarks.architecture --svg docs/architecture.svg` has been run since the imports changed."""
    assert (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8") == render_project(ROOT)


def test_every_room_is_explained():
    """docs/architecture.md says of each room what it is for."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {project_room(name) for name in read_modules(ROOT, find_tops(ROOT))}

    names = {room.removeprefix("keras_parity.") for room in rooms - {"keras_parity", "scripts"}}
    assert {name for name in names if f"`{name}" not in text and f"`keras_parity/{name}" not in text} == set()


def test_the_arrows_between_rooms_are_those_between_their_modules():
    """Imports inside a room are its own affair."""
    modules = modules_of(
        keras_parity="", keras_parity__cli__main="", keras_parity__judge="import keras_parity.cli.main"
    )

    assert find_arrows(modules, project_room) == {("keras_parity.judge", "keras_parity.cli")}
    assert project_room("keras_parity.cli.main") == "keras_parity.cli"
    assert project_room("train") == project_room("compare") == "scripts"


def test_any_package_can_be_counted_beside_this_tree(capsys):
    """The numbers of a well-kept package, in one table with ours."""
    package = str(Path(pytest.__file__).parent)

    code = main(["--count", ".", package])

    assert code == 0
    assert "| | this tree | pytest |" in capsys.readouterr().out
    assert render_table({package: count_what(package)}).startswith("| | pytest |\n| --- | ---: |\n| modules | ")


def test_what_cannot_be_counted_is_refused_in_one_line(capsys):
    """Neither a package's folder nor a revision."""
    code = main(["--count", "no-such-revision"])

    assert code == 2
    assert capsys.readouterr().err.startswith("error: 'no-such-revision' is neither")
