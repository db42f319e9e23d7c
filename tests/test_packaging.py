"""What is published, by whom it can be installed, and what CI does with it."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import keras_parity
from tests.commands import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


def read(name: str) -> str:
    """Return a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def copy_checkout(target: Path) -> Path:
    """Copy what a build of the package may look at, and some of what it must leave out."""
    for folder in ("keras_parity", "tests", "models", "training"):
        shutil.copytree(ROOT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, target)
    return target


def build(checkout: Path, what: str, out: Path) -> Path:
    """Return the `sdist` or `wheel` that setuptools builds in a checkout."""
    out.mkdir(exist_ok=True)
    command = [sys.executable, "-c", BUILD, f"build_{what}", str(out)]
    result = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return out / result.stdout.splitlines()[-1]


def sdist_names(path: Path) -> set[str]:
    """Return the files of an sdist, without the folder that holds them all and the metadata that setuptools adds."""
    with tarfile.open(path) as tar:
        names = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
    return {name for name in names if ".egg-info/" not in name and name not in ("PKG-INFO", "setup.cfg")}


def package_files() -> set[str]:
    """Return the engine's own files."""
    paths = (path for path in (ROOT / "keras_parity").rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source distribution of a copy of this checkout."""
    folder = tmp_path_factory.mktemp("sdist")
    return build(copy_checkout(folder / "checkout"), "sdist", folder / "dist")


def test_the_sdist_holds_the_engine_and_what_tells_about_it(sdist):
    """Neither the tests, which do not run without the repository, nor the zoo."""
    about = {"CHANGELOG.md", "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml"}

    assert sdist_names(sdist) == package_files() | about


def test_without_its_manifest_the_sdist_would_hold_tests(tmp_path):
    """The check above can fail: setuptools adds tests/test*.py by itself."""
    checkout = copy_checkout(tmp_path / "checkout")
    (checkout / "MANIFEST.in").unlink()

    names = sdist_names(build(checkout, "sdist", tmp_path / "dist"))

    assert "tests/test_packaging.py" in names


def test_the_wheel_of_the_sdist_holds_the_whole_engine(sdist, tmp_path):
    """Whoever builds from the sdist gets what the wheel from the repository gives, its types included."""
    with tarfile.open(sdist) as tar:
        tar.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()

    wheel = zipfile.ZipFile(build(unpacked, "wheel", tmp_path / "dist"))

    files = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert files == package_files()
    assert "keras_parity/py.typed" in files
    (metadata,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("/METADATA"))
    assert "Provides-Extra: backends" in metadata
    assert "The extra `zoo`" in metadata  # the README says what it brings


def test_every_place_that_names_the_version_names_the_same():
    """The package, its metadata, the citation, the changelog and the lock file."""
    version = PROJECT["version"]

    assert keras_parity.__version__ == version
    assert re.search(r"^version: (\S+)$", read("CITATION.cff"), re.MULTILINE).group(1) == version
    released = re.findall(r"^## \[(\d\S*)\] - \d{4}-\d{2}-\d{2}$", read("CHANGELOG.md"), re.MULTILINE)
    assert released[0] == version
    locked = {package["name"]: package.get("version") for package in tomllib.loads(read("uv.lock"))["package"]}
    assert locked["keras-parity"] == version


def test_the_changelog_keeps_the_form_of_keep_a_changelog():
    """Unreleased first, then versions with their dates, each with sections of the six kinds."""
    headings = re.findall(r"^(##+) (.+)$", read("CHANGELOG.md"), re.MULTILINE)

    assert headings[0] == ("##", "[Unreleased]")
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {title for level, title in headings if level == "###"} <= kinds


def test_the_lock_file_names_public_sources_only():
    """Whoever has the repository can install from it; a registry of somebody's own would stop them."""
    lock = tomllib.loads(read("uv.lock"))
    sources = {str(package["source"]) for package in lock["package"]}
    files = [each for package in lock["package"] for each in [*package.get("wheels", []), package.get("sdist")] if each]

    assert sources == {"{'registry': 'https://pypi.org/simple'}", "{'editable': '.'}"}
    assert all(each["url"].startswith("https://files.pythonhosted.org/") for each in files)


def test_what_ci_needs_can_be_installed_by_the_extras():
    """`pip install -e ".[dev]"` brings every tool that the hooks and .ci/run call."""
    extras = PROJECT["optional-dependencies"]

    named = " ".join(extras["lint"] + extras["types"] + extras["test"] + extras["dev"])
    for tool in ("ruff", "import-linter", "mypy", "pytest", "pre-commit"):
        assert re.search(rf"(^| ){tool}[>= ]", named), tool
    assert "keras-parity[test,lint,types]" in extras["dev"]


def test_the_matrix_has_every_python_and_every_keras_that_the_package_allows():
    """A version that is promised and not tested is a guess."""
    matrix = dict(re.findall(r"^ +(python|keras): \[(.*)\]$", read(".github/workflows/tests.yml"), re.MULTILINE))
    pythons, kerases = (re.findall(r'"([\d.]+)"', matrix[name]) for name in ("python", "keras"))

    promised = re.findall(r":: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert pythons == promised
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    assert f"keras>={kerases[0]}" in PROJECT["dependencies"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_only_and_pins_its_actions(workflow):
    """Each action by its major version; only the job that publishes may ask for an identity."""
    text = workflow.read_text(encoding="utf-8")

    assert "\npermissions:\n  contents: read\n" in text
    assert ("id-token: write" in text) == (workflow.stem == "release")
    uses = re.findall(r"uses: (\S+)", text)
    assert uses
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@(v\d+|release/v\d+)", each) for each in uses), uses


def test_the_hooks_run_what_ci_runs():
    """A commit that passes its hooks does not fail in CI for its form."""
    hooks = re.findall(r"entry: (.+)", read(".pre-commit-config.yaml"))
    ci = read(".ci/run")

    for command in ("ruff check", "ruff format", "lint-imports", "mypy"):
        assert any(hook.startswith(command) for hook in hooks), command
        assert re.search(rf"^{command}", ci, re.MULTILINE), command


def test_the_release_refuses_a_tag_that_is_not_the_version(tmp_path):
    """The step's own commands, with the right tag and with a wrong one."""
    text = read(".github/workflows/release.yml")
    script = re.search(r"name: Compare the tag.*?run: \|\n(.*?)\n      - ", text, re.DOTALL).group(1)
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)

    def release(tag: str) -> int:
        environment = {"TAG": tag, "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
        return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=tmp_path, env=environment).returncode

    assert release(f"v{PROJECT['version']}") == 0
    assert release("v0.0.1") != 0
