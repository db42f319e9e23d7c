"""Which versions of Keras and the backends the engine works with, tried: an environment and two checks for each.

    python -m benchmarks.versions --docs docs/versions.md

Each environment holds one version of Keras or of a backend; all else is as in the Python that runs this. In each, a
sound network must be found to agree, and a layer that is wrong on one backend must be found there.
`--also PYTHON` tries a Python that has a Keras of its own, as one with a newer JAX.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from keras_parity.report.json_text import parse_json
from keras_parity.verdict import Outcome, Verdict

ROOT = Path(__file__).parents[1]
KERAS = ("3.12", "3.13", "3.14", "3.15", "nightly")
# Other versions of PyTorch are left out: they come only with several GB of CUDA libraries.
BACKEND_VERSIONS = ("jax==0.8.*", "jax==0.9.*", "tensorflow==2.20.*")
WRONG_BACKEND = "jax"
SLIP = 1e-3  # relative; a thousand times what float32 leaves undecided
LIMIT_SECONDS = 900
PACKAGES = ("numpy", "tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Trial:
    """What came of one environment.

    Attributes:
        versions: By package; empty for one that is not there.
        sound: What a check of the sound network said.
        wrong: What a check of the network with a wrong layer said.
        works: Whether both are as they must be.
    """

    versions: dict[str, str]
    sound: str
    wrong: str
    works: bool


def build_sound():
    """Return a network with a convolution, both usual normalisations, attention, a recurrent layer and dropout."""
    import keras
    from keras import layers

    image = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(6, 3, padding="same", name="conv")(image)
    x = layers.BatchNormalization(name="batch_norm")(x)
    x = layers.MaxPooling2D(name="pool")(layers.ReLU(name="relu")(x))
    x = layers.Reshape((16, 6), name="rows")(x)
    x = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = layers.LayerNormalization(name="layer_norm")(x)
    x = layers.Dropout(0.3, name="dropout")(layers.LSTM(5, name="lstm")(x))
    x = layers.Dense(6, activation="tanh", name="hidden")(x)
    return keras.Model(image, layers.Dense(4, name="dense")(x), name="sound")


def build_wrong():
    """Return a network with a layer `slip` that scales otherwise on `WRONG_BACKEND`."""
    import keras

    class Slip(keras.layers.Layer):
        def call(self, inputs):
            return inputs * (1 + SLIP * (keras.backend.backend() == WRONG_BACKEND))

    image = keras.Input((6,), name="image")
    x = Slip(name="slip")(keras.layers.Dense(5, activation="relu", name="hidden")(image))
    return keras.Model(image, keras.layers.Dense(3, name="dense")(x), name="wrong")


def main() -> None:
    """Try all versions, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versions", description=__doc__.splitlines()[0])
    parser.add_argument("--keras", nargs="+", default=KERAS, metavar="VERSION", help="3.12, 3.12.4 or nightly")
    parser.add_argument(
        "--backends", nargs="*", default=BACKEND_VERSIONS, metavar="VERSION", help="jax==0.9.* or like it"
    )
    parser.add_argument("--also", nargs="+", default=(), metavar="PYTHON", help="Pythons to try as they are")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the document FILE")
    options = parser.parse_args()
    trials = []
    with tempfile.TemporaryDirectory() as folder:
        for i, requirement in enumerate([*map(require_keras, options.keras), *options.backends]):
            print(f"{requirement} …", file=sys.stderr)
            trials.append(try_python(make_environment(Path(folder, str(i)), requirement)))
    trials += [try_python(Path(python)) for python in options.also]
    text = render(trials, datetime.datetime.now(datetime.UTC).date().isoformat())
    print(text)
    if options.docs:
        options.docs.write_text(text, encoding="utf-8")
    if not all(trial.works for trial in trials):
        sys.exit(1)


def require_keras(version: str) -> str:
    """Return pip's requirement: the newest 3.12.x for `3.12`, that version for `3.12.4`, or the newest `nightly`."""
    if version == "nightly":
        return "keras-nightly>=0.dev0"  # pip takes a development version only if the bound is one
    return f"keras=={version}{'' if version.count('.') > 1 else '.*'}"


def make_environment(folder: Path, requirement: str) -> Path:
    """Make an environment with one version of a package, and return its Python.

    Args:
        folder: Where; it must not exist.
        requirement: As pip takes it; with JAX comes its library of the same version.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    wanted = [requirement, f"jaxlib{requirement[3:]}"] if requirement.startswith("jax=") else [requirement]
    # Only this package is installed. The path added below provides everything that it depends on.
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", *wanted]
    subprocess.run(pip, check=True, stdout=sys.stderr)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    paths = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site_packages / "rest.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return python


def try_python(python: Path) -> Trial:
    """Run both checks in a Python, and say what came of them."""
    sound, wrong = (run_check(python, builder) for builder in ("build_sound", "build_wrong"))
    found = [] if isinstance(wrong, str) else sorted({(f.layer, f.execution or "two differ") for f in wrong.findings})
    request = None if isinstance(wrong, str) else wrong.request
    three = request is not None and len(request.executions) > 2  # of two that differ neither is alone
    return Trial(
        read_versions(python),
        describe(sound),
        ", ".join(f"at {layer}, {name}" for layer, name in found) or describe(wrong),
        not isinstance(sound, str)
        and sound.outcome is Outcome.AGREE
        and found == [("slip", WRONG_BACKEND if three else "two differ")],
    )


def run_check(python: Path, builder: str) -> Verdict | str:
    """Return a check's verdict; what the command printed last, where it gave none."""
    command = [str(python), "-m", "keras_parity", "check", f"benchmarks.versions:{builder}", "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    try:
        return parse_json(done.stdout)
    except ValueError:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        return lines[-1]


def describe(verdict: Verdict | str) -> str:
    """Return a verdict in a few words."""
    if isinstance(verdict, str):
        return verdict
    if verdict.outcome is not Outcome.AGREE:
        return f"{verdict.outcome.value}: {verdict.reason}"
    units = max((error.rounding_units for error in verdict.measurements if error.rounding_units < math.inf), default=0)
    return f"agrees, {units:.0f} units"


def read_versions(python: Path) -> dict[str, str]:
    """Return the versions of what a Python computes with; nothing for what it has not."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "def version(name):\n"
        "    try: return m.version(name)\n"
        "    except m.PackageNotFoundError: return ''\n"
        f"found = {{name: version(name) for name in {PACKAGES!r}}}\n"
        "found['keras'] = version('keras-nightly') or version('keras')\n"
        "print(json.dumps({'python': sys.version.split()[0], **found}))\n"
    )
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def render(trials: list[Trial], date: str) -> str:
    """Return the document."""
    columns = ("keras", "python", *PACKAGES)
    lines = [
        "# The versions that the engine was tried with",
        "",
        f"Written by `python -m benchmarks.versions --docs docs/versions.md`, {date}.",
        "",
        "In each environment two checks run. A sound network (convolution, batch and layer normalisation, attention,",
        "LSTM, dropout) must agree; its largest error is given in rounding units. In the other network the layer",
        f"`slip` is off by {SLIP:g} on {WRONG_BACKEND} alone, and must be found there and nowhere else.",
        "",
        "A worker proves when it starts that all that the engine does to Keras has its effect. With a version of Keras",
        "in which something has not, a check ends with one line that says so.",
        "",
        f"| {' | '.join(columns)} | sound network | wrong layer found | works |",
        f"| {' | '.join('---' for _ in columns)} | --- | --- | --- |",
    ]
    for trial in trials:
        cells = [trial.versions.get(name) or "–" for name in columns]
        cells += [trial.sound, trial.wrong, "yes" if trial.works else "**no**"]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
