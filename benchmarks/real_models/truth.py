"""What is true of each model, by plain Keras: the engine has no part in it.

    python -m benchmarks.real_models.truth --only "text*"

Each backend runs in a process of its own, which builds the model, assigns weights drawn by NumPy by their paths,
predicts, and trains for three batches with SGD, in float32 and in float64; in float64 also with the optimiser that the
check is given. Random layers are switched off, as each backend has random numbers of its own. The run is repeated with
weights moved by one rounding unit: what moves as far as the backends are apart is amplified rounding. `truth.jsonl`
keeps the largest differences, and `contradictions` compares them with the catalogue.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_models.catalogue import MODELS
from benchmarks.real_models.entry import Expected, Model, draw_data
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.scan.record import Record

# Those in which plain Keras computes the truth.
TRUTH_DTYPES = ("float64", "float32")
PATH = Path(__file__).with_name("truth.jsonl")
BATCH = 8
STEPS = 3
KEPT = 2_000  # entries of an array, evenly spaced: InceptionResNetV2 has 54 million weights
# The last one halves the time of JAX, which goes into compiling: LLVM optimises nothing, the functions are the same.
SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
}
COUNTS = ("parameters", "layers")
RELOAD = "(reload)"  # what is not measured here
TIME_LIMIT_SECONDS = 1_800.0  # ours, of one process for a dozen models
# In float64 rounding is some 1e-16, but TensorFlow takes a Python number through float32 (6e-8) on its way. What is
# further apart is a difference, unless rounding moves as far, within this factor of what one perturbation has shown.
SAME = 1e-6
# Adam's bias correction divides by 1 - beta_2 = 0.001, which a beta_2 that went through float32 has wrong by 6e-5.
SAME_AFTER_ITS_OPTIMIZER = 1e-3
SAME_IN_FLOAT32 = 1e-3  # ours: three batches of small networks make some 1e-5 of rounding
AMPLIFIED = 100.0


@dataclass(frozen=True)
class Truth:
    """What plain Keras computes of one model.

    Attributes:
        name: The model's.
        parameters: How many numbers its weights hold.
        layers: How many layers it has, nested ones included.
        apart: By dtype and quantity, for each pair of backends, as `jax torch`, the largest difference relative to the
            largest number of the array (of a weight's update: of the model's largest update).
        moved: By dtype and quantity, how far the same number moves on one and the same backend when the weights move by
            one rounding unit; the largest of the backends.
        errors: By dtype, for each backend that raised or died, its error.
    """

    name: str
    parameters: int | None
    layers: int | None
    apart: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    moved: dict[str, dict[str, float]] = field(default_factory=dict)
    errors: dict[str, dict[str, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Truth":
        """Return what `to_json` wrote."""
        return cls(**json.loads(line))

    def odd_backends(self, dtype: str = "float64", rounding: float = 0.0) -> dict[str, set[str]]:
        """Return, by quantity, the backends that are alone: far from the others, who agree; all where none agree.

        Args:
            dtype: The precision.
            rounding: The model's, as in `Model`. Where there is one, only SGD counts: others magnify it beyond measure.
        """
        odd = {}
        for quantity, pairs in self.apart.get(dtype, {}).items():
            if rounding and not quantity.startswith(("outputs", "SGD")):
                continue
            limit = max(rounding, same(dtype, quantity), AMPLIFIED * self.moved[dtype][quantity])
            far = [set(pair.split()) for pair, apart in pairs.items() if not apart <= limit]
            if far:
                odd[quantity] = set.intersection(*far) or set.union(*far)
        return odd


def same(dtype: str, quantity: str) -> float:
    """Return up to which relative difference a quantity is the same, as far as it is not amplified rounding."""
    if dtype != "float64":
        return SAME_IN_FLOAT32
    return SAME if quantity.startswith(("outputs", "SGD")) else SAME_AFTER_ITS_OPTIMIZER


def against(truth: Truth, model: Model) -> list[str]:
    """Return what speaks against what the catalogue expects of a model."""
    return contradictions(truth, model.expected, model.rounding)


def contradictions(truth: Truth, expected: Expected, rounding: float = 0.0) -> list[str]:
    """Return what speaks against an expected verdict, a sentence each.

    Args:
        truth: What plain Keras computes.
        expected: The catalogue's, in float32.
        rounding: The model's, as in `Model`.
    """
    told = {place.backend for place in expected.places if place.backend is not None and place.layers != RELOAD}
    if any(place.backend is None for place in expected.places):
        told |= set(TRAINING_BACKENDS)
    # An error that only float64 raises is of a kernel that a user of float32 never needs; float32 decides then.
    errors = truth.errors.get("float32" if has(truth, "float32") else "float64", {})
    found = [f"{backend} raises: {text}" for backend, text in errors.items() if backend not in told]
    seen = set(errors)
    for dtype in ("float64", "float32") if truth.errors.get("float64") else ("float64",):
        for quantity, backends in truth.odd_backends(dtype, rounding).items():
            seen |= backends
            if not backends <= told:
                where = " and ".join(sorted(backends))
                found.append(f"{quantity} differs in {dtype} on {where}: {truth.apart[dtype][quantity]}")
    return found + [f"nothing differs on {backend}" for backend in sorted(told - seen)]


# ---------------------------------------------------------------------------------------- within a backend's process


def run_here(names: list[str], dtypes: list[str], folder: Path) -> None:
    """Compute models on this process's backend and leave the numbers in `folder`."""
    import keras

    backend = keras.backend.backend()
    for dtype in dtypes:
        _choose_precision(dtype)
        for name in names:
            path = folder / f"{name}.{dtype}.{backend}.npz"
            try:
                found: dict[str, Any] = compute(MODELS[name], dtype)  # `Any`: numpy.savez has a bool among its keywords
            except Exception as error:
                text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                found = {"error": np.array(text)}
            np.savez(path.with_suffix(".part.npz"), **found)
            path.with_suffix(".part.npz").rename(path)


def _choose_precision(dtype: str) -> None:
    import keras

    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    if dtype == "float64":
        # Outside TensorFlow, Keras would compute in float32 on the way (keras 3.15.1).
        from keras.src.backend.common import dtypes

        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
        if keras.backend.backend() == "jax":
            import jax

            jax.config.update("jax_enable_x64", True)


def compute(model: Model, dtype: str) -> dict[str, np.ndarray]:
    """Return all numbers of one model, by `quantity|array|run`; a `run` is `first` or `moved`."""
    import importlib

    import keras

    keras.utils.clear_session()
    module, _, function = model.builder.partition(":")
    built = getattr(importlib.import_module(module), function)(**model.kwargs, **model.still)
    generator = np.random.default_rng([1, *model.name.encode()])
    inputs, targets = draw_data(model, generator, model.batch or BATCH)
    if not all(layer.built for layer in built._flatten_layers()):
        built(inputs)
    _switch_off_randomness(built)
    found = {"parameters": np.array(built.count_params()), "layers": np.array(len(list(built._flatten_layers())) - 1)}
    unit = float(np.finfo(dtype).eps) / 2
    came_compiled = built.compiled
    runs = {"first": 0.0, "moved": unit}
    for run, by in runs.items():
        assign_weights(built, by)
        outputs = built.predict(inputs, batch_size=model.batch or BATCH, verbose=0)
        for i, output in enumerate(keras.tree.flatten(outputs)):
            found[f"outputs|{i}|{run}"] = keep(output)
        if targets is None:
            targets = draw_like(outputs)
    optimizers = {} if came_compiled else {"SGD ": keras.optimizers.SGD(0.01)}
    if came_compiled:
        optimizers[""] = None
    elif dtype == "float64" and not model.large and model.optimizer != "sgd":
        optimizers[""] = _resolve(model.optimizer or "adam", "optimizers")
    for prefix, optimizer in optimizers.items():
        if optimizer is not None:
            built.compile(optimizer, loss=_resolve(model.loss or "mean_squared_error", "losses"))
        built.optimizer.build(built.trainable_variables)
        slots = [_numpy(variable) for variable in built.optimizer.variables]
        if optimizer is not None and prefix == "":
            # TensorFlow's float32 constants move Adam's steps: 2^-24 is the rounding that matters here.
            runs = {"first": 0.0, "moved": 2.0**-24}
        for run, by in runs.items():
            for variable, value in zip(built.optimizer.variables, slots, strict=True):
                variable.assign(value)
            found |= _train(built, inputs, targets, assign_weights(built, by), run, prefix)
    return found


def _resolve(what: str | dict[str, Any], kind: str) -> object:
    import keras

    return getattr(keras, kind).deserialize(what) if isinstance(what, dict) else what


def _train(
    built: Any, inputs: object, targets: object, start: dict[str, np.ndarray], run: str, prefix: str
) -> dict[str, np.ndarray]:
    _forget_state(built)
    losses = [built.train_on_batch(inputs, targets, return_dict=True)["loss"] for _ in range(STEPS)]
    found = {f"{prefix}loss|all|{run}": np.asarray(losses, "float64")}
    for path, variable in variables_by_path(built).items():
        if path in start:
            quantity = "update" if variable.trainable else "state"
            found[f"{prefix}{quantity}|{path}|{run}"] = keep(_numpy(variable)) - start[path]
    return found


def _forget_state(built: Any) -> None:
    for layer in built._flatten_layers():
        if getattr(layer, "stateful", False):
            layer.reset_states()


def _switch_off_randomness(built: Any) -> None:
    for layer in built._flatten_layers():
        for name in ("rate", "stddev", "dropout", "recurrent_dropout", "dropout_rate"):
            if isinstance(vars(layer).get(name), float):
                setattr(layer, name, 0.0)
        if type(layer).__name__ in ("RandomFlip", "RandomTranslation"):
            layer.supports_training = False
            layer.call = lambda images, **_: images


def variables_by_path(built: Any) -> dict[str, Any]:
    """Return the variables of a model that hold floating-point numbers, by path; one that comes twice gets a mark."""
    found = {}
    for variable in built.variables:
        if "float" in str(variable.dtype) and "seed_generator" not in variable.path:
            path = variable.path
            while path in found:
                path += "'"
            found[path] = variable
    return found


def assign_weights(built: Any, moved_by: float) -> dict[str, np.ndarray]:
    """Assign numbers drawn by NumPy for each path, moved by a share of themselves; return what is kept of them."""
    import keras

    own = set()  # of layers whose numbers come from data, or from other weights
    for layer in built._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            own |= {id(variable) for variable in layer.variables}
    start = {}
    for path, variable in variables_by_path(built).items():
        name = path.rstrip("'").rpartition("/")[2]
        if id(variable) not in own and not (name.endswith("_scale") and not variable.trainable):
            generator = np.random.default_rng([2, *path.encode()])
            values = draw_weight(name, tuple(variable.shape), generator)
            # The same numbers in both precisions, and moved in each by its own unit.
            values = values.astype("float32").astype("float64")
            values = values * (1 + moved_by * generator.choice([-1.0, 1.0], values.shape))
            variable.assign(values.astype(str(variable.dtype).rpartition(".")[2]))
        start[path] = keep(_numpy(variable))
    return start


def draw_weight(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Return numbers as a trained network might have them.

    Args:
        name: The last part of the weight's path.
        shape: Its shape.
        generator: Draws.
    """
    values = generator.standard_normal(shape)
    if "variance" in name:
        return 1 + 0.3 * np.abs(values)
    if "gamma" in name or name == "scale":
        return 1 + 0.1 * values
    if len(shape) < 2:
        return 0.1 * values
    if "embedding" in name or "depthwise" in name:
        return 0.3 * values
    return values / math.sqrt(math.prod(shape[:-1]))


def draw_like(outputs: object) -> object:
    """Return normal targets of the outputs' shapes, in their structure."""
    import keras

    generator = np.random.default_rng(3)
    return keras.tree.map_structure(lambda output: generator.standard_normal(output.shape).astype("float32"), outputs)


def keep(values: object) -> np.ndarray:
    """Return evenly spaced entries of an array, as float64."""
    flat = np.asarray(values).astype("float64").reshape(-1)
    return flat[:: max(1, flat.size // KEPT)]


def _numpy(variable: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(variable))  # a copy: PyTorch's would change with the next step


# --------------------------------------------------------------------------------------------- within the parent


def measure(names: list[str], dtypes: tuple[str, ...] = TRUTH_DTYPES) -> list[Truth]:
    """Run models on every backend, one process after the other, and return what they computed."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for backend in TRAINING_BACKENDS:
            _run_backend(backend, names, dtypes, folder)
        return [compare(name, folder, dtypes) for name in names]


def _run_backend(backend: str, names: list[str], dtypes: tuple[str, ...], folder: Path) -> None:
    left = {dtype: list(names) for dtype in dtypes}
    while any(left.values()):
        dtype = next(dtype for dtype in dtypes if left[dtype])
        command = [sys.executable, "-m", "benchmarks.real_models.truth", "--here", str(folder), "--dtype", dtype]
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
        }
        try:
            done = subprocess.run(
                [*command, *left[dtype]], env=environment, capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS
            )
            how = f"the process ended with exit code {done.returncode}: {done.stderr.strip()[-200:]}"
        except subprocess.TimeoutExpired:
            how = f"no result within {TIME_LIMIT_SECONDS:g} s"
        left[dtype] = [n for n in left[dtype] if not (folder / f"{n}.{dtype}.{backend}.npz").exists()]
        if left[dtype]:  # the first one without a result ended the process
            np.savez(folder / f"{left[dtype].pop(0)}.{dtype}.{backend}.npz", error=np.array(how))


def compare(name: str, folder: Path, dtypes: tuple[str, ...] = TRUTH_DTYPES) -> Truth:
    """Return the differences between what the backends left in `folder`."""
    parameters = layers = None
    apart: dict[str, dict[str, dict[str, float]]] = {}
    moved: dict[str, dict[str, float]] = {}
    errors: dict[str, dict[str, str]] = {}
    for dtype in dtypes:
        found = {}
        for backend in TRAINING_BACKENDS:
            with np.load(folder / f"{name}.{dtype}.{backend}.npz") as file:
                values = dict(file)
            if "error" in values:
                errors.setdefault(dtype, {})[backend] = str(values["error"])
            else:
                parameters, layers = int(values.pop("parameters")), int(values.pop("layers"))
                found[backend] = values
        apart[dtype], moved[dtype] = measure_differences(found)
    return Truth(name, parameters, layers, apart, moved, errors)


def measure_differences(
    found: dict[str, dict[str, np.ndarray]],
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Return how far backends are apart and how far rounding moves each, by quantity.

    Args:
        found: By backend, arrays by `quantity|array|run`.
    """
    keys = sorted({key.rpartition("|")[0] for values in found.values() for key in values})
    scales: dict[str, float] = {}
    for key in keys:
        sizes = [np.max(np.abs(v[f"{key}|first"]), initial=0.0) for v in found.values() if f"{key}|first" in v]
        quantity = key.partition("|")[0]
        largest = float(max(sizes))
        scales[key] = largest
        scales[quantity] = max(scales.get(quantity, 0.0), largest)
    apart: dict[str, dict[str, float]] = {}
    moved: dict[str, float] = {}
    names = list(found)
    for key in keys:
        quantity = key.partition("|")[0]
        # An update that is zero but for rounding, as of a bias before a normalisation, is small beside the others.
        scale = scales[quantity if quantity.endswith(("update", "state")) else key] or 1.0
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                far = _distance(found[first].get(f"{key}|first"), found[second].get(f"{key}|first")) / scale
                pairs = apart.setdefault(quantity, {})
                pair = f"{first} {second}"
                pairs[pair] = _larger(pairs.get(pair, 0.0), far)
            step = _distance(found[first].get(f"{key}|first"), found[first].get(f"{key}|moved")) / scale
            moved[quantity] = max(moved.get(quantity, 0.0), step if math.isfinite(step) else 0.0)
    return apart, moved


def _larger(one: float, two: float) -> float:
    return math.inf if not (math.isfinite(one) and math.isfinite(two)) else max(one, two)


def _distance(one: np.ndarray | None, two: np.ndarray | None) -> float:
    if one is None or two is None or one.shape != two.shape:
        return math.inf
    same = (one == two) | (np.isnan(one) & np.isnan(two))
    with np.errstate(invalid="ignore"):
        return float(np.max(np.where(same, 0.0, np.abs(one - two)), initial=0.0))


def main() -> None:
    """Measure the models that the record lacks; print what contradicts the catalogue."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_models.truth", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="MODEL", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="models whose name matches, as text*")
    parser.add_argument("--small", action="store_true", help="leave out the large models, which take minutes each")
    parser.add_argument("--again", action="store_true", help="measure anew what the record has")
    parser.add_argument(
        "--json", type=Path, default=PATH, metavar="FILE", help="the record; truth.jsonl beside this file"
    )
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)  # within a backend's process
    parser.add_argument("--dtype", action="append", choices=TRUTH_DTYPES, help="this precision; again; both by default")
    arguments = parser.parse_args()
    if arguments.here:
        run_here(arguments.names, arguments.dtype, arguments.here)
        return
    chosen = [model for model in MODELS.values() if fnmatchcase(model.name, arguments.only)]
    chosen = [model for model in chosen if not (arguments.small and model.large)]
    record = Record(arguments.json, header(), Truth)
    here = [model for model in chosen if not model.missing_packages()]
    for dtype in arguments.dtype or TRUTH_DTYPES:
        wanted = [model for model in here if arguments.again or not has(record.rows.get(model.name), dtype)]
        for group in _groups(wanted):
            for truth in measure(group, (dtype,)):
                record.add(merge(record.rows.get(truth.name), truth))
                print(describe(truth), flush=True)
    for model in chosen:
        for sentence in against(record.rows[model.name], model) if model.name in record.rows else ():
            print(f"AGAINST {model.name}: {sentence}")


def has(truth: Truth | None, dtype: str) -> bool:
    """Return whether a row holds what was measured in a precision."""
    return truth is not None and dtype in truth.apart


def merge(old: Truth | None, new: Truth) -> Truth:
    """Return a row that holds what either was measured in; the new one where both were."""
    if old is None:
        return new
    counts = {name: getattr(new, name) if getattr(new, name) is not None else getattr(old, name) for name in COUNTS}
    errors = {dtype: text for dtype, text in old.errors.items() if dtype not in new.apart}
    return Truth(
        new.name, **counts, apart=old.apart | new.apart, moved=old.moved | new.moved, errors=errors | new.errors
    )


def header() -> dict[str, str | None]:
    """Return what the record was made with."""
    names = ("keras", "tensorflow", "jax", "torch", "keras-hub")
    return {name: installed_version(name) for name in names}


def installed_version(name: str) -> str | None:
    """Return a package's version; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _groups(models: list[Model]) -> list[list[str]]:
    """Return models that share a process: a dozen small ones, or a large one alone."""
    small = [model.name for model in models if not model.large]
    return [small[i : i + 12] for i in range(0, len(small), 12)] + [[model.name] for model in models if model.large]


def describe(truth: Truth) -> str:
    """Return a line: how far the backends are apart in each precision, and how far rounding moves them."""
    parts = []
    for dtype, quantities in truth.apart.items():
        numbers = [
            f"{quantity} {max(pairs.values(), default=0.0):.0e} ({truth.moved[dtype].get(quantity, 0.0):.0e})"
            for quantity, pairs in quantities.items()
        ]
        parts.append(f"{dtype}: {', '.join(numbers)}")
    errors = [f"{backend} {dtype}: {text}" for dtype, e in truth.errors.items() for backend, text in e.items()]
    return f"{truth.name}: {'; '.join(parts)}{' ERROR ' if errors else ''}{' | '.join(errors)}"


if __name__ == "__main__":
    main()
