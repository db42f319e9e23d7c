"""What a worker does to reduce a model: it takes one call out of a case, and builds a model of that call alone."""

import ast
import contextlib
import copy
import functools
import inspect
import io
import pickle
import sys

import keras
import numpy as np
from keras import tree
from keras.src.api_export import get_name_from_symbol
from keras.src.models.functional import Functional

from keras_parity import stages
from keras_parity.capture import TENSOR, Call
from keras_parity.errors import UsageError
from keras_parity.learning import resolve
from keras_parity.precision import checked_precision
from keras_parity.randomness import is_random_state
from keras_parity.reduction_case import MODELS, Custom, Reproducer, Slot, is_object
from keras_parity.replay import to_value, variable_names

# Names that every layer has and that change nothing.
_SAID_ANYWAY = ("name", "build_config", "compile_config", "shared_object_id")


def extract(path: str) -> tuple[list[Reproducer], list[Reproducer]]:
    """Return the calls made at a path in the last run of the open case, and all other ones that can be written down.

    Args:
        path: Of the layer, as in findings; empty for the model itself.

    Raises:
        UsageError: If a call at the path cannot be written down.
    """
    case = stages._case
    culprits, others = [], []
    for key, call in case.calls["checked"].items():
        if key not in case.calls["reference"]:
            continue
        (tensors,) = stages.call_inputs([key]).values()
        try:
            with checked_precision(case.dtype):
                (culprits if call.path == path else others).append(_describe(call, tensors))
        except UsageError:
            if call.path == path:
                raise
    return culprits, others


def extract_loss(what, outputs: list[np.ndarray], targets: list[np.ndarray], kind: str) -> list[Reproducer]:
    """Return the calls of a loss, or of a metric, one for each output.

    Args:
        what: Names the loss or the metric, as in `compile`.
        outputs: The predictions.
        targets: What they should be.
        kind: `losses` or `metrics`.
    """
    function = resolve(kind, what)
    kind, config, custom = _name(function)
    return [
        Reproducer(kind, config, (Slot(0), Slot(1)), {}, (t, o), (_dtype_of(t), _dtype_of(o)), custom=custom)
        for o, t in zip(outputs, targets, strict=True)
    ]


def describe_optimizer(what) -> tuple[str, dict, Custom | None]:
    """Return an optimiser's public name and smallest configuration, and its class where it is not Keras's."""
    return _name(resolve("optimizers", what))


def build(case: Reproducer) -> keras.Model:
    """Return a functional model that makes one call and nothing else."""
    inputs = [
        keras.Input(batch_shape=tensor.shape, dtype=None if tensor.dtype.kind == "f" else dtype)
        for tensor, dtype in zip(case.tensors, case.dtypes, strict=True)
    ]
    narrow = keras.config.floatx() != "float64"  # the float64 reference stays what it is
    tensors = [
        keras.ops.cast(tensor, dtype) if narrow and dtype != "float" and "float" in dtype else tensor
        for tensor, dtype in zip(inputs, case.dtypes, strict=True)
    ]
    args, kwargs = tree.map_structure(
        lambda leaf: tensors[leaf.position] if isinstance(leaf, Slot) else leaf, (case.args, case.kwargs)
    )
    outputs = make(case)(*args, **kwargs)
    if not all(keras.backend.is_keras_tensor(leaf) for leaf in tree.flatten(outputs)):
        outputs = [leaf for leaf in tree.flatten(outputs) if keras.backend.is_keras_tensor(leaf)]
    return keras.Model(inputs, outputs, name="reduced")


def make(case: Reproducer):
    """Return what is called: a function, or an instance of a class."""
    target = pickle.loads(case.custom.pickled) if case.custom else resolve_name(case.kind)
    return target.from_config(copy.deepcopy(case.config)) if isinstance(target, type) else target


def describe_weights() -> tuple[tuple[np.ndarray, ...], tuple[str, ...]]:
    """Return the values and names of the open case's weights."""
    variables = [v for v in stages._case.models["reference"].variables if not is_random_state(v)]
    return tuple(to_value(v.value).array for v in variables), tuple(variable_names(variables))


def run_script(text: str, dtype: str) -> str:
    """Return what a script prints here, which leaves nothing behind.

    Args:
        text: The script.
        dtype: The dtype policy that it sets; JAX must be told before it has been imported.
    """
    known = dict(keras.saving.get_custom_objects())
    printed = io.StringIO()
    try:
        with checked_precision(dtype), contextlib.redirect_stdout(printed):
            exec(compile(text, "script.py", "exec"), {"__name__": "__main__"})
    finally:
        keras.saving.get_custom_objects().clear()
        keras.saving.get_custom_objects().update(known)
    return printed.getvalue().strip()


def _class_source(target) -> tuple[str, str] | None:
    """Return the text of a user's class with all that it needs of its module: imports, and definitions.

    Returns:
        None where that is not Keras, NumPy and Python's library alone, or where the text is not to be had.
    """
    try:
        text = inspect.getsource(sys.modules[target.__module__])
    except (KeyError, OSError, TypeError):
        return None
    defined, imported = {}, {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {(alias.asname or alias.name).partition(".")[0]: node for alias in node.names}
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {name.id: node for name in targets if isinstance(name, ast.Name)}
    needed, waiting = set(), [target.__name__]
    while waiting:
        name = waiting.pop()
        if name in needed or (name not in defined and name not in imported):
            continue
        needed.add(name)
        waiting += [n.id for n in ast.walk(defined[name]) if isinstance(n, ast.Name)] if name in defined else []
    imports = list(dict.fromkeys(imported[name] for name in imported if name in needed))
    roots = {root for node in imports for root in _roots(node)}
    if target.__name__ not in defined or not roots <= {"keras", "numpy", *sys.stdlib_module_names}:
        return None
    nodes = dict.fromkeys(node for name, node in defined.items() if name in needed)
    lines = text.splitlines()
    definitions = [
        "\n".join(lines[min([n.lineno, *(d.lineno for d in getattr(n, "decorator_list", []))]) - 1 : n.end_lineno])
        for n in nodes
    ]
    plain = {"import keras", "import numpy as np"}
    return "\n".join(sorted({ast.unparse(node) for node in imports} - plain)), "\n\n\n".join(definitions)


def resolve_name(name: str):
    """Return what a name in Keras stands for, as `keras.layers.Dense` or `keras.src.ops.numpy.GetItem`."""
    return functools.reduce(getattr, name.split(".")[1:], keras)


def _describe(call: Call, tensors: list[np.ndarray]) -> Reproducer:
    operation = call.operation
    dtypes = ["float" if dtype == keras.config.floatx() else dtype for dtype in call.dtypes]
    count = iter(range(len(tensors)))
    args, kwargs = tree.map_structure(lambda leaf: Slot(next(count)) if leaf is TENSOR else leaf, call.structure)
    kwargs = {name: value for name, value in kwargs.items() if name != "training" and value is not None}
    is_layer = isinstance(operation, keras.Layer)
    if is_layer and operation._call_has_mask_arg and "mask" not in kwargs and call.masks[0] is not None:
        kwargs["mask"] = Slot(len(tensors))
        tensors, dtypes = [*tensors, call.masks[0]], [*dtypes, "bool"]
    kind, config, custom = _name(operation)
    if not is_layer:
        kind, config, args, kwargs = _as_function(operation, kind, config, args, kwargs)
    variables = [v for v in getattr(operation, "variables", ()) if not is_random_state(v)]
    return Reproducer(
        kind,
        config,
        args,
        kwargs,
        tuple(tensors),
        tuple(dtypes),
        tuple(to_value(v.value).array for v in variables),
        tuple(variable_names(variables)),
        bool(getattr(operation, "_call_has_training_arg", False)),
        is_layer and any(_owns_generator(layer) for layer in operation._flatten_layers()),
        custom,
    )


def _owns_generator(layer) -> bool:
    """Return whether a layer owns a generator of random numbers."""
    return any(isinstance(value, keras.random.SeedGenerator) for value in vars(layer).values())


def _name(target) -> tuple[str, dict, Custom | None]:
    """Return a public or full name, the smallest configuration, and the object itself where it is not Keras's."""
    if inspect.isfunction(target):
        name = get_name_from_symbol(target) or f"{target.__module__}.{target.__qualname__}"
        return name, {}, None if name.startswith("keras.") else _describe_custom(target)
    kind = type(target)
    name = get_name_from_symbol(kind) or f"{kind.__module__}.{kind.__qualname__}"
    try:
        config = keras.saving.serialize_keras_object(target)["config"]
    except Exception as error:
        raise UsageError(f"{kind.__name__} cannot be written down: {stages.first_line(error)}") from error
    if issubclass(kind, keras.Sequential | Functional) and not kind.__module__.startswith("keras."):
        raise UsageError(f"{kind.__name__} is a model's own class")
    if issubclass(kind, keras.Sequential | Functional):
        return MODELS[issubclass(kind, keras.Sequential)], config, None
    return name, _minimal(kind, config), None if name.startswith("keras.") else _describe_custom(kind)


def _describe_custom(target) -> Custom:
    import cloudpickle

    return Custom(cloudpickle.dumps(target), target.__name__, target.__module__, _class_source(target))


def _minimal(kind: type, config: dict) -> dict:
    """Return a configuration without the entries that are as they are by default."""
    parameters = inspect.signature(kind.__init__).parameters
    required = {n: config[n] for n, p in parameters.items() if p.default is p.empty and n in config}
    try:
        default = keras.saving.serialize_keras_object(kind.from_config(copy.deepcopy(required)))["config"]
    except Exception:
        default = {}
    return {
        name: _minimal_object(value)
        for name, value in config.items()
        if name not in _SAID_ANYWAY and (name in required or name not in default or default[name] != value)
    }


def _minimal_object(value):
    if isinstance(value, list | tuple):
        return type(value)(map(_minimal_object, value))
    if not is_object(value) or value["class_name"].startswith("__"):
        return value
    try:
        kind = type(keras.saving.deserialize_keras_object(copy.deepcopy(value)))
    except Exception:
        return value
    return {k: v for k, v in value.items() if k not in _SAID_ANYWAY} | {"config": _minimal(kind, value["config"])}


def _as_function(operation, kind: str, config: dict, args: tuple, kwargs: dict) -> tuple[str, dict, tuple, dict]:
    """Return the call of an operation's node as one of the public function that made it, where there is one."""
    wanted = type(operation).__name__.lower()
    names = [(f"keras.ops.{n}", getattr(keras.ops, n)) for n in dir(keras.ops)]
    names += [(f"keras.ops.image.{n}", getattr(keras.ops.image, n)) for n in dir(keras.ops.image)]
    bound = inspect.signature(operation.call).bind(*args, **kwargs).arguments
    given = bound | config
    for name, function in names:
        if name.rpartition(".")[2].replace("_", "") != wanted or not callable(function):
            continue
        parameters = inspect.signature(function).parameters
        required = {n for n, p in parameters.items() if p.default is p.empty}
        if required <= set(given) <= set(parameters):
            rest = {n: v for n, v in given.items() if n not in required and v != parameters[n].default}
            return name, {}, tuple(given[n] for n in parameters if n in required), rest
    return kind, config, args, kwargs


def _dtype_of(array: np.ndarray) -> str:
    return "float" if array.dtype.kind == "f" else array.dtype.name


def _roots(node) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0] if not node.level else ""]
    return [alias.name.partition(".")[0] for alias in node.names]
