"""What the user named, a `.keras` file, `module:function` or something to call, described for the workers.

The parent never imports the user's module, which would import keras: it looks at names in its text. A function
that a fresh process cannot import (of a notebook, a script, a test, or inside another function) travels by value.
"""

import ast
import contextlib
import functools
import importlib.machinery
import importlib.util
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeGuard

from keras_parity.errors import UsageError, describe_missing, quote
from keras_parity.protocol.source import ModelSource, PickledObject

if TYPE_CHECKING:
    import keras

FORMS = "a .keras file, module:function, or a function that builds a model"


def describe_source(model: object, kwargs: dict[str, Any] | None = None, custom: str | None = None) -> ModelSource:
    """Return what `model` stands for, in a form that travels.

    Args:
        model: The path of a `.keras` file; `module:function`; something to call that returns a model; a built model.
        kwargs: Keyword arguments for the function.
        custom: A module whose classes and functions a file's model is made of.

    Raises:
        UsageError: If there is no such thing.
    """
    paths = (os.getcwd(),)
    if custom is not None:
        _find_module(custom, paths)
    if isinstance(model, os.PathLike) or (isinstance(model, str) and _looks_like_file(model)):
        if kwargs:
            raise UsageError(f"keyword arguments are for functions that build a model; {model} is a file")
        return _describe_file(Path(model), custom, paths)
    if isinstance(model, str):
        reference = _check_reference(model, paths)
        pickled = pickle_value(kwargs, "the keyword arguments") if kwargs else None
        return ModelSource(model, "function", reference=reference, kwargs=pickled, custom=custom, sys_path=paths)
    if _is_keras_model(model):
        if kwargs:
            raise UsageError("keyword arguments are for functions that build a model; this one is built")
        return ModelSource(model.name, "model", pickled=_pickle_model(model))
    if callable(model):
        label = getattr(model, "__qualname__", None) or type(model).__qualname__
        pickled = pickle_value(kwargs, "the keyword arguments") if kwargs else None
        return ModelSource(
            label,
            "function",
            pickled=pickle_value(model, label),
            kwargs=pickled,
            custom=custom,
            sys_path=paths if custom else (),
        )
    raise UsageError(f"cannot check {quote(repr(model))}; give {FORMS}")


def describe_objects(value: Any) -> Any:
    """Return losses, metrics or optimisers in a form from which each worker makes its own instances.

    Args:
        value: What names them, as in `compile`: text, a configuration, an instance, or lists and dictionaries of them.

    Raises:
        UsageError: If an instance cannot be written down.
    """
    if isinstance(value, Mapping):
        return {name: describe_objects(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(describe_objects(item) for item in value)
    if value is None or isinstance(value, str | int | float | type) or not hasattr(value, "get_config"):
        return value
    kind = type(value)
    try:
        config = value.get_config()
        serialized: dict[str, Any] = sys.modules["keras"].saving.serialize_keras_object(value)
    except Exception as error:
        reason = quote(f"{type(error).__name__}: {error}", 200)
        raise UsageError(f"cannot send {kind.__name__} to another process ({reason}); give module:function") from error
    if kind.__module__.split(".")[0] == "keras":
        return serialized
    return PickledObject(pickle_value(kind, kind.__name__), config, kind.__name__)


def pickle_value(value: object, label: str) -> bytes:
    """Return a pickle that a fresh process can open: what it could not import is in it by value.

    Raises:
        UsageError: If the value cannot be pickled.
    """
    import cloudpickle

    try:
        with _by_value(_foreign_modules(value)):
            pickled: bytes = cloudpickle.dumps(value, protocol=5)
            return pickled
    except Exception as error:  # an object's own __reduce__ can raise anything
        reason = quote(f"{type(error).__name__}: {error}", 200)
        hint = "put the function into a module and give module:function"
        raise UsageError(f"cannot send {label} to another process ({reason}); {hint}") from error


def _looks_like_file(text: str) -> bool:
    return text.endswith((".keras", ".h5", ".hdf5", ".zip")) or ":" not in text or Path(text).exists()


def _describe_file(path: Path, custom: str | None, paths: tuple[str, ...]) -> ModelSource:
    from keras_parity.archive import inspect_archive

    if not path.exists() and path.suffix == "":
        raise UsageError(f"there is no file {path}; give {FORMS}")
    if custom is None:  # with custom classes only the worker knows what may be in it
        inspect_archive(path)
    return ModelSource(str(path), "file", path=str(path.resolve()), custom=custom, sys_path=paths)


def _is_keras_model(model: object) -> "TypeGuard[keras.Model]":
    keras = sys.modules.get("keras")  # whoever holds a model has imported it
    return keras is not None and isinstance(model, getattr(keras, "Model", ()))


def _pickle_model(model: "keras.Model") -> bytes:
    """Return a built model as a pickle of its `.keras` file and of the classes in it that are not Keras's."""
    with tempfile.TemporaryDirectory(prefix="keras-parity-") as folder:
        path = Path(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:
            reason = quote(f"{type(error).__name__}: {error}", 200)
            raise UsageError(f"cannot save {model.name} ({reason}); give the function that builds it") from error
        contents = path.read_bytes()
    kinds = {type(layer) for layer in _layers_within(model)}
    own = [pickle_value(kind, kind.__name__) for kind in kinds if kind.__module__.split(".")[0] != "keras"]
    return pickle.dumps((contents, own))


def _layers_within(model: "keras.Model") -> list["keras.Layer"]:
    """Return a model and all layers that it holds, at any depth, in attributes, lists and dictionaries."""
    kind = sys.modules["keras"].Layer
    found: dict[int, keras.Layer] = {}
    waiting: list[object] = [model]
    seen = set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, kind):
            found[id(value)] = value
            waiting += vars(value).values()
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
    return list(found.values())


def _check_reference(text: str, paths: tuple[str, ...]) -> str:
    """Return `module:name`, once the module's text is known to define the name, as far as it can tell."""
    module, _, name = text.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
        raise UsageError(f"{quote(text)} names nothing; give {FORMS}")
    file = _find_module(module, paths)
    defined = _defined_names(file) if file else None
    first = name.split(".")[0]
    if defined is not None and first not in defined:
        raise UsageError(describe_missing(module, first, defined))
    return text


def _find_module(name: str, paths: tuple[str, ...]) -> Path | None:
    """Return a module's file without importing it or the packages around it; None where it has none.

    Raises:
        UsageError: If there is no such module.
    """
    importlib.invalidate_caches()
    parts = name.split(".")
    search: Sequence[str] | None = None
    origin = None
    for depth, part in enumerate(parts):
        spec = _find_spec(".".join(parts[: depth + 1]), part, search, paths)
        if spec is None:
            where = ".".join(parts[:depth])
            missing = f"the package {where} has no module {part}" if where else f"there is no module {part}"
            raise UsageError(f"{missing}; run in the folder that holds it, or install it")
        search, origin = spec.submodule_search_locations, spec.origin
        if search is None and depth < len(parts) - 1:
            raise UsageError(
                f"{'.'.join(parts[: depth + 1])} is a module, not a package: it holds no {parts[depth + 1]}"
            )
    return Path(origin) if origin and origin.endswith(".py") else None


def _find_spec(
    name: str, part: str, search: Sequence[str] | None, paths: tuple[str, ...]
) -> importlib.machinery.ModuleSpec | None:
    """Return where a module lies: as `importlib.util.find_spec`, which believes `sys.modules`, and imports packages."""
    if search is None and (spec := importlib.machinery.PathFinder.find_spec(part, list(paths))):
        return spec
    found = (finder.find_spec(name, search) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for spec in found if spec is not None), None)


def _defined_names(file: Path) -> list[str] | None:
    """Return the names that a module's text defines at its top; None where only running it can tell."""
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise UsageError(f"{file}, line {error.lineno}: {error.msg}") from error
    except (OSError, ValueError):
        return None
    names: list[str] = []
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)  # and not what is inside
            continue
        if isinstance(node, ast.alias):
            names.append((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        nodes.extend(ast.iter_child_nodes(node))
    if {"*", "__getattr__"} & set(names) or _calls_dynamic(tree):
        return None
    return list(dict.fromkeys(names))


def _calls_dynamic(tree: ast.AST) -> bool:
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return bool(called & {"globals", "exec", "setattr", "vars"})


def _foreign_modules(value: object) -> set[ModuleType]:
    """Return the modules of functions and classes in a value that a fresh process would not import the same."""
    if isinstance(value, dict):
        return set().union(*map(_foreign_modules, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_foreign_modules, value))
    if isinstance(value, functools.partial):
        return _foreign_modules([value.func, value.args, value.keywords])
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    if module is None or module.__name__ == "__main__":
        return set()  # cloudpickle takes what belongs to __main__ by value anyway
    return set() if _is_importable(module) else {module}


def _is_importable(module: ModuleType) -> bool:
    """Say whether a fresh process with the same path finds this module under its name."""
    file = getattr(module, "__file__", None)
    if file is None:
        return module.__name__ in sys.builtin_module_names
    try:
        found = _find_module(module.__name__, ())
    except UsageError:
        return False
    return found is None or found.resolve() == Path(file).resolve()


@contextlib.contextmanager
def _by_value(modules: set[ModuleType]) -> Iterator[None]:
    """Have cloudpickle take all functions and classes of some modules by value."""
    import cloudpickle

    new = [module for module in modules if module.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for module in new:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in new:
            cloudpickle.unregister_pickle_by_value(module)
