"""What the user named, a `.keras` file, `module:function` or something to call, as a value that a worker can build.

The parent never imports the user's module, which would import keras: it looks at names in the source text. A function
that a fresh process cannot import (of a notebook, a script, a test, or inside another function) travels by value.
"""

import ast
import contextlib
import difflib
import functools
import importlib.machinery
import importlib.util
import io
import os
import pickle
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from keras_parity.errors import UsageError, quote

if TYPE_CHECKING:
    import keras

FORMS = "a .keras file, module:function, or a function that builds a model"


@dataclass(frozen=True)
class ModelSource:
    """What to build.

    Attributes:
        label: What the user typed, or the function's name.
        kind: `file`, `function`, or `model` for a built one.
        path: Of a file, absolute.
        reference: Of a function given as text, `module:name`.
        pickled: Of a function given as such, or of a built model: its bytes, and its own classes. By cloudpickle.
        kwargs: Keyword arguments for the function, pickled; they may hold functions too.
        custom: The module to import first, so that its classes are known; or None.
        sys_path: Folders that the worker searches for modules, before its own.
    """

    label: str
    kind: str
    path: str | None = None
    reference: str | None = None
    pickled: bytes | None = field(default=None, repr=False)
    kwargs: bytes | None = field(default=None, repr=False)
    custom: str | None = None
    sys_path: tuple[str, ...] = ()


def describe_source(model: object, kwargs: dict | None = None, custom: str | None = None) -> ModelSource:
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
        packed = pack(kwargs, "the keyword arguments") if kwargs else None
        return ModelSource(model, "function", reference=reference, kwargs=packed, custom=custom, sys_path=paths)
    if _is_keras_model(model):
        if kwargs:
            raise UsageError("keyword arguments are for functions that build a model; this one is built")
        return ModelSource(model.name, "model", pickled=_pack_model(model))
    if callable(model):
        label = getattr(model, "__qualname__", None) or type(model).__qualname__
        packed = pack(kwargs, "the keyword arguments") if kwargs else None
        return ModelSource(
            label,
            "function",
            pickled=pack(model, label),
            kwargs=packed,
            custom=custom,
            sys_path=paths if custom else (),
        )
    raise UsageError(f"cannot check {quote(repr(model))}; give {FORMS}")


def build_model(source: ModelSource) -> "keras.Model":
    """Build the model, in a worker.

    Raises:
        UsageError: If a file must not be opened, a name is not there, or what was built is no model.
        Exception: Whatever the user's function raises.
    """
    import keras

    _forget_changed_modules()
    sys.path[:0] = [folder for folder in source.sys_path if folder not in sys.path]
    custom = importlib.import_module(source.custom) if source.custom else None
    if source.kind == "file":
        model = _load_file(Path(source.path), custom)
    elif source.kind == "model":
        model = _unpack_model(source.pickled)
    else:
        function = pickle.loads(source.pickled) if source.pickled else _resolve(source.reference)
        model = function(**(pickle.loads(source.kwargs) if source.kwargs else {}))
    _remember_modules()
    if not isinstance(model, keras.Model):
        raise UsageError(f"{source.label} gave {_a(type(model).__name__)}, not a keras.Model")
    return model


def pack(value: object, label: str) -> bytes:
    """Return a pickle that a fresh process can open: what it could not import is in it by value.

    Raises:
        UsageError: If the value cannot be pickled.
    """
    import cloudpickle

    try:
        with _by_value(_foreign_modules(value)):
            return cloudpickle.dumps(value, protocol=5)
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


def _load_file(path: Path, custom: ModuleType | None) -> "keras.Model":
    import dataclasses

    import keras
    from keras.src.saving.saving_lib import _load_model_from_fileobj

    from keras_parity.archive import ANY_MODEL, write_inspected_copy

    objects = dict(keras.saving.get_custom_objects()) if custom else {}
    if custom:
        objects |= {name: value for name, value in vars(custom).items() if callable(value) and name[0] != "_"}
    copy = io.BytesIO()  # in memory: a process that is killed leaves nothing behind
    write_inspected_copy(path, copy, dataclasses.replace(ANY_MODEL, custom=frozenset(objects)))
    copy.seek(0)
    return _load_model_from_fileobj(copy, custom_objects=objects, compile=False, safe_mode=True)


def _is_keras_model(model: object) -> bool:
    keras = sys.modules.get("keras")  # whoever holds a model has imported it
    return keras is not None and isinstance(model, getattr(keras, "Model", ()))


def _pack_model(model: "keras.Model") -> bytes:
    """Return a built model as a pickle of its `.keras` file and of the classes in it that are not Keras's."""
    from keras.src.saving.saving_lib import _save_model_to_fileobj

    file = io.BytesIO()
    try:
        _save_model_to_fileobj(model, file, "h5")
    except Exception as error:
        reason = quote(f"{type(error).__name__}: {error}", 200)
        raise UsageError(f"cannot save {model.name} ({reason}); give the function that builds it") from error
    kinds = {type(layer) for layer in [model, *model._flatten_layers()]}
    own = [pack(kind, kind.__name__) for kind in kinds if kind.__module__.split(".")[0] != "keras"]
    return pickle.dumps((file.getvalue(), own))


def _unpack_model(data: bytes) -> "keras.Model":
    import keras
    from keras.src.saving.saving_lib import _load_model_from_fileobj

    file, own = pickle.loads(data)
    objects = {keras.saving.get_registered_name(kind): kind for kind in map(pickle.loads, own)}
    # safe_mode guards against another person's code; this model comes from the user's own process.
    return _load_model_from_fileobj(io.BytesIO(file), custom_objects=objects, compile=False, safe_mode=False)


def _check_reference(text: str, paths: tuple[str, ...]) -> str:
    """Return `module:name`, once the module's source text is known to define the name, as far as it can tell."""
    module, _, name = text.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
        raise UsageError(f"{quote(text)} names nothing; give {FORMS}")
    file = _find_module(module, paths)
    defined = _defined_names(file) if file else None
    first = name.split(".")[0]
    if defined is not None and first not in defined:
        raise UsageError(_missing(module, first, defined))
    return text


def _missing(module: str, name: str, defined: list[str]) -> str:
    close = difflib.get_close_matches(name, defined, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(sorted(defined)[:12])}"
    return (
        f"the module {module} has no {name}; {hint}" if defined else f"the module {module} has no {name}; it is empty"
    )


def _find_module(name: str, paths: tuple[str, ...]) -> Path | None:
    """Return a module's source file without importing it or the packages around it; None where it has none.

    Raises:
        UsageError: If there is no such module.
    """
    importlib.invalidate_caches()
    parts = name.split(".")
    search = None
    for depth, part in enumerate(parts):
        spec = _find_spec(".".join(parts[: depth + 1]), part, search, paths)
        if spec is None:
            where = ".".join(parts[:depth])
            missing = f"the package {where} has no module {part}" if where else f"there is no module {part}"
            raise UsageError(f"{missing}; run in the folder that holds it, or install it")
        search = spec.submodule_search_locations
        if search is None and depth < len(parts) - 1:
            raise UsageError(
                f"{'.'.join(parts[: depth + 1])} is a module, not a package: it holds no {parts[depth + 1]}"
            )
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


def _find_spec(name: str, part: str, search: Iterable[str] | None, paths: tuple[str, ...]):
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


_changed_ns: dict[str, int] = {}  # of each module of the user's, by name: when its file had changed
_known_modules: set[str] = set()  # asking a thousand of PyTorch's lazy ones for their files takes 20 ms


def _remember_modules() -> None:
    """Note when the files of the user's modules, those outside the installed packages, were written."""
    installed = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
    for name in sys.modules.keys() - _known_modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file and not file.startswith(installed):
            with contextlib.suppress(OSError):
                _changed_ns[name] = os.stat(file).st_mtime_ns
        _known_modules.add(name)


def _forget_changed_modules() -> None:
    """Forget modules that the user has edited since, and their packages: a worker outlives many versions of a model."""
    importlib.invalidate_caches()
    changed = set()
    for name, before in _changed_ns.items():
        with contextlib.suppress(OSError, AttributeError, KeyError):
            if os.stat(sys.modules[name].__file__).st_mtime_ns != before:
                changed.add(name.partition(".")[0])
    for name in [name for name in _changed_ns if name.partition(".")[0] in changed - {"keras_parity", "__main__"}]:
        del _changed_ns[name]
        _known_modules.discard(name)
        sys.modules.pop(name, None)


def _resolve(reference: str) -> Callable:
    module_name, _, name = reference.partition(":")
    found = module = importlib.import_module(module_name)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UsageError(_missing(module_name, name, [n for n in dir(module) if n[0] != "_"])) from None
    if not callable(found):
        raise UsageError(f"{reference} is {_a(type(found).__name__)}, not a function that builds a model")
    return found


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


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
