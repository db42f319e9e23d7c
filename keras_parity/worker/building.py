"""Building a model in a worker from what the parent described."""

import contextlib
import dataclasses
import importlib
import io
import os
import pickle
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from keras_parity.archive import ANY_MODEL, write_inspected_copy
from keras_parity.errors import UsageError, a_or_an, describe_missing
from keras_parity.protocol.source import ModelSource
from keras_parity.worker import keras_internals
from keras_parity.worker.settings import Settings, apply_settings, changed_settings, read_settings

_changed_ns: dict[str, int] = {}  # of each module of the user's, by name: when its file had changed
_set_on_import: dict[str, Settings] = {}  # what a module of the user's has set when it was imported, by its name
_known_modules: set[str] = set()  # asking a thousand of PyTorch's lazy ones for their files takes 20 ms


def build_model(source: ModelSource) -> keras.Model:
    """Build the model, in a worker.

    Raises:
        UsageError: If a file must not be opened, a name is not there, or what was built is no model.
        Exception: Whatever the user's function raises.
    """
    _forget_changed_modules()
    sys.path[:0] = [folder for folder in source.sys_path if folder not in sys.path]
    imported, settings = set(sys.modules), read_settings()
    custom = importlib.import_module(source.custom) if source.custom else None
    function = None if source.path is not None or source.kind == "model" else find_function(source)
    for name in filter(None, (source.custom, getattr(function, "__module__", None))):
        if name not in imported:
            _set_on_import[name] = changed_settings(settings)
        apply_settings(_set_on_import.get(name, {}))
    if source.path is not None:
        model = _load_file(Path(source.path), custom)
    elif function is None:
        model = _unpickle_model(source.pickled or b"")
    else:
        model = function(**(pickle.loads(source.kwargs) if source.kwargs else {}))
    _remember_modules()
    if not isinstance(model, keras.Model):
        raise UsageError(f"{source.label} gave {a_or_an(type(model).__name__)}, not a keras.Model")
    return model


def find_function(source: ModelSource) -> Callable[..., Any]:
    """Return the function that builds the model.

    Raises:
        UsageError: If its name is not there.
    """
    if source.reference:
        return _resolve(source.reference)
    function: Callable[..., Any] = pickle.loads(source.pickled or b"")
    return function


def _load_file(path: Path, custom: ModuleType | None) -> keras.Model:
    objects = dict(keras.saving.get_custom_objects()) if custom else {}
    if custom:
        objects |= {name: value for name, value in vars(custom).items() if callable(value) and name[0] != "_"}
    copy = io.BytesIO()  # in memory: a process that is killed leaves nothing behind
    write_inspected_copy(path, copy, dataclasses.replace(ANY_MODEL, custom=frozenset(objects)))
    copy.seek(0)
    return keras_internals.load_model_from_file(copy, objects, safe_mode=True)


def _unpickle_model(data: bytes) -> keras.Model:
    file, own = pickle.loads(data)
    objects = {keras.saving.get_registered_name(kind): kind for kind in map(pickle.loads, own)}
    # safe_mode guards against another person's code; this model comes from the user's own process.
    return keras_internals.load_model_from_file(io.BytesIO(file), objects, safe_mode=False)


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
        module = sys.modules.get(name)
        if module is None:
            continue
        try:
            same = os.stat(module.__file__ or "").st_mtime_ns == before
        except OSError:  # its file is gone: another folder may hold one of this name
            same = False
        if not same:
            changed.add(name.partition(".")[0])
    for name in [name for name in _changed_ns if name.partition(".")[0] in changed - {"keras_parity", "__main__"}]:
        del _changed_ns[name]
        _known_modules.discard(name)
        _set_on_import.pop(name, None)
        sys.modules.pop(name, None)


def _resolve(reference: str) -> Callable[..., Any]:
    module_name, _, name = reference.partition(":")
    module = importlib.import_module(module_name)
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UsageError(describe_missing(module_name, name, [n for n in dir(module) if n[0] != "_"])) from None
    if not callable(found):
        raise UsageError(f"{reference} is {a_or_an(type(found).__name__)}, not a function that builds a model")
    build: Callable[..., Any] = found
    return build
