"""What a worker does to reduce a model: it takes one call out of a case, and builds a model of that call alone."""

import ast
import contextlib
import copy
import inspect
import io
import itertools
import pickle
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_parity.errors import UsageError
from keras_parity.protocol.reducing import (
    MODELS,
    Builder,
    Custom,
    DescribeBuilder,
    DescribeOptimizer,
    DescribeWeights,
    ExtractCalls,
    ExtractedCalls,
    ExtractLoss,
    NamedObject,
    NamedWeights,
    Reproducer,
    RunText,
    Slot,
    is_object,
)
from keras_parity.protocol.tasks import CallInputs
from keras_parity.worker import keras_internals
from keras_parity.worker.building import find_function
from keras_parity.worker.capture import TENSOR, Call
from keras_parity.worker.case import current_case, describe_error, weights_of
from keras_parity.worker.keras_internals import Functional, public_name, resolve_name
from keras_parity.worker.parts import resolve
from keras_parity.worker.performing import performs
from keras_parity.worker.precision import checked_precision
from keras_parity.worker.randomness import is_random_state
from keras_parity.worker.replay import to_value, variable_names
from keras_parity.worker.stages import call_inputs

# A class or function of the user's own.
_Definition = type | FunctionType
# Names that every layer has and that change nothing.
_SAID_ANYWAY = ("name", "build_config", "compile_config", "shared_object_id")


@performs(ExtractCalls)
def extract(task: ExtractCalls) -> ExtractedCalls:
    """Return the calls made at a path in the last run of the open case, and all other ones that can be written down.

    Raises:
        UsageError: If a call at the path cannot be written down.
    """
    case, path = current_case(), task.path
    culprits: list[Reproducer] = []
    others: list[Reproducer] = []
    for key, call in case.calls["checked"].items():
        if key not in case.calls["reference"]:
            continue
        (tensors,) = call_inputs(CallInputs([key])).values()
        try:
            with checked_precision(case.dtype):
                (culprits if call.path == path else others).append(_describe(call, tensors))
        except UsageError:
            if call.path == path:
                raise
    return ExtractedCalls(culprits, others)


@performs(ExtractLoss)
def extract_loss(task: ExtractLoss) -> list[Reproducer]:
    """Return the calls of a loss, or of a metric, one for each output."""
    function = resolve(task.kind, task.what)
    kind, config, custom = _name(function)
    return [
        Reproducer(kind, config, (Slot(0), Slot(1)), {}, (t, o), (_dtype_of(t), _dtype_of(o)), custom=custom)
        for o, t in zip(task.outputs, task.targets, strict=True)
    ]


@performs(DescribeOptimizer)
def describe_optimizer(task: DescribeOptimizer) -> NamedObject:
    """Return an optimiser's public name and smallest configuration, and its class where it is not Keras's."""
    return NamedObject(*_name(resolve("optimizers", task.what)))


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


def make(case: Reproducer) -> Any:
    """Return what is called: a function, or an instance of a class."""
    target: Any = pickle.loads(case.custom.pickled) if case.custom else resolve_name(case.kind)
    is_class = isinstance(target, type)
    return target.from_config(copy.deepcopy(case.config)) if is_class else target


@performs(DescribeBuilder)
def describe_builder(task: DescribeBuilder) -> Builder:
    """Return what builds the open case's model, and how the model is called.

    Raises:
        UsageError: If it is an object that no script can name.
    """
    if task.source.kind == "model":
        raise UsageError("the model was given as an object; give the function that builds it")
    function = None
    if task.source.kind == "function":
        made_by = find_function(task.source)
        if not isinstance(made_by, _Definition):
            raise UsageError(f"{task.source.label} is no function that a script can name")
        function = _describe_custom(made_by)
        if task.source.reference is not None and (
            function.definition is None or made_by.__module__.startswith("keras.")
        ):
            module, _, name = task.source.reference.partition(":")
            function = Custom(function.pickled, name, module, None)
        elif function.definition is None:
            raise UsageError(f"{function.name} is in no module that a script can import")
    case = current_case()
    model = case.models[case.finest]
    inputs, outputs = keras_internals.input_structure(model), keras_internals.output_structure(model)
    frozen = any(_is_frozen_matrix(weight) for weight in model.weights)
    return Builder(function, _numbered(inputs), _numbered(outputs), built=inputs is not None, frozen=frozen)


def _is_frozen_matrix(weight: keras.Variable) -> bool:
    """Return whether a weight is untrained and may have been drawn: vectors start as zeros or ones."""
    return not weight.trainable and len(weight.shape) > 1 and keras.backend.is_float_dtype(weight.dtype)


def _numbered(structure: Any) -> Any:
    """Return a structure with a `Slot` in the place of each tensor."""
    count = itertools.count()
    return Slot(0) if structure is None else tree.map_structure(lambda _: Slot(next(count)), structure)


@performs(DescribeWeights)
def describe_weights(task: DescribeWeights) -> NamedWeights:
    """Return the values and names of the open case's weights."""
    case = current_case()
    variables = weights_of(case.models[case.finest])
    return NamedWeights(tuple(to_value(v.value).array for v in variables), tuple(variable_names(variables)))


@performs(RunText)
def run_text(task: RunText) -> str:
    """Return what a script prints here, which leaves nothing behind; JAX must be told before it has been imported."""
    known = dict(keras.saving.get_custom_objects())
    printed = io.StringIO()
    try:
        with checked_precision(task.dtype), contextlib.redirect_stdout(printed):
            exec(compile(task.text, "script.py", "exec"), {"__name__": "__main__"})
    finally:
        keras.saving.get_custom_objects().clear()
        keras.saving.get_custom_objects().update(known)
    return printed.getvalue().strip()


def _find_definition(target: _Definition) -> tuple[str, str] | None:
    """Return the text of a user's class with all that it needs of its module: imports, and definitions.

    Returns:
        None where that is not Keras, NumPy and Python's library alone, or where the text is not to be had.
    """
    try:
        text = inspect.getsource(sys.modules[target.__module__])
    except (KeyError, OSError, TypeError):
        return None
    imported: dict[str, ast.Import | ast.ImportFrom] = {}
    defined: dict[str, ast.stmt] = {}
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


def _describe(call: Call, tensors: list[np.ndarray]) -> Reproducer:
    operation = call.operation
    dtypes = ["float" if dtype == keras.config.floatx() else dtype for dtype in call.dtypes]
    count = iter(range(len(tensors)))
    args, kwargs = tree.map_structure(lambda leaf: Slot(next(count)) if leaf is TENSOR else leaf, call.structure)
    kwargs = {name: value for name, value in kwargs.items() if name != "training" and value is not None}
    is_layer = isinstance(operation, keras.Layer)
    if is_layer and keras_internals.takes_mask(operation) and "mask" not in kwargs and call.masks[0] is not None:
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
        keras_internals.takes_training(operation),
        is_layer and any(_owns_generator(layer) for layer in keras_internals.flatten_layers(operation)),
        custom,
    )


def _owns_generator(layer: keras.Layer) -> bool:
    """Return whether a layer owns a generator of random numbers."""
    return any(isinstance(value, keras.random.SeedGenerator) for value in vars(layer).values())


def _name(target: Callable[..., Any]) -> tuple[str, dict[str, Any], Custom | None]:
    """Return a public or full name, the smallest configuration, and the object itself where it is not Keras's."""
    if inspect.isfunction(target):
        name = public_name(target) or f"{target.__module__}.{target.__qualname__}"
        return name, {}, None if name.startswith("keras.") else _describe_custom(target)
    kind = type(target)
    name = public_name(kind) or f"{kind.__module__}.{kind.__qualname__}"
    try:
        config = keras.saving.serialize_keras_object(target)["config"]
    except Exception as error:
        raise UsageError(f"{kind.__name__} cannot be written down: {describe_error(error).text}") from error
    if issubclass(kind, keras.Sequential | Functional) and not kind.__module__.startswith("keras."):
        raise UsageError(f"{kind.__name__} is a model's own class")
    if issubclass(kind, keras.Sequential | Functional):
        return MODELS[issubclass(kind, keras.Sequential)], config, None
    return name, _minimal(kind, config), None if name.startswith("keras.") else _describe_custom(kind)


def _describe_custom(target: _Definition) -> Custom:
    import cloudpickle

    return Custom(cloudpickle.dumps(target), target.__name__, target.__module__, _find_definition(target))


def _minimal(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return a class's configuration without the entries that are as they are by default."""
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


def _minimal_object(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_minimal_object, value))
    if not is_object(value) or value["class_name"].startswith("__"):
        return value
    try:
        kind = type(keras.saving.deserialize_keras_object(copy.deepcopy(value)))
    except Exception:
        return value
    return {k: v for k, v in value.items() if k not in _SAID_ANYWAY} | {"config": _minimal(kind, value["config"])}


def _as_function(
    operation: keras.Operation, kind: str, config: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str, dict[str, Any], tuple[Any, ...], dict[str, Any]]:
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


def _roots(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0] if not node.level else ""]
    return [alias.name.partition(".")[0] for alias in node.names]
