"""The register of faults, and the ways to plant one in the Keras of this process.

A fault is a wrong version of one function: of a layer's `call`, of another method, or of a function of the backend. It
gets the right one as `right` and usually calls it with something changed, so that all else stays as Keras has it. It
names, for each architecture that it suits, the layers that a check should blame.
"""

import contextlib
import functools
import operator
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from unittest import mock

# A wrong function, which gets the right one; a decorator gives it back as it is.
Wrong = Callable[..., Any]
Decorated = TypeVar("Decorated", bound=Wrong)
# The names of layers.
Names = tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """One wrong function.

    Attributes:
        name: The wrong function's own name.
        kind: What sort of mistake it is.
        description: One line.
        where: What is replaced, as `layers.Dense.call` or `backend.nn.conv`.
        dtype: The dtype that a check must ask about to see it.
        culprits: For each architecture it suits, the layers that are wrong by themselves, and no others.
        plant: Given those layers, a context manager under which Keras is wrong.
        backend: The one backend that it suits; None where every one does.
        parts: The faults that this one is made of, the first of which could hide the others; empty for a single fault.
        accepted: A fault of the same architectures that the project has accepted as it was before this one came in its
            place.
    """

    name: str
    kind: str
    description: str
    where: str
    dtype: str
    culprits: dict[str, Names]
    plant: Callable[[Names], AbstractContextManager[object]]
    backend: str | None = None
    parts: tuple[str, ...] = ()
    accepted: str | None = None

    @property
    def before(self) -> tuple[str, ...]:
        """The faults beside which it must show: those that could hide it, or the one that was accepted."""
        return self.parts[:-1] or ((self.accepted,) if self.accepted else ())


FAULTS: dict[str, Fault] = {}


@contextmanager
def plant(fault: str, architecture: str) -> Iterator[None]:
    """Let this process's Keras have the fault for a while, in the architecture's culprits."""
    from benchmarks.faults.catalogue import FAULTS

    with ExitStack() as stack:
        for name in FAULTS[fault].parts or (fault,):
            stack.enter_context(FAULTS[name].plant(FAULTS[name].culprits[architecture]))
        yield


def one_behind_another(name: str, *parts: str, within: Iterable[str], kind: str = "behind another fault") -> None:
    """Register faults that are there together, of which the first ones could hide the last.

    Args:
        name: Of them together.
        parts: Their names.
        within: The architectures, which each of them suits.
        kind: As in `Fault`.
    """
    faults = [FAULTS[part] for part in parts]
    culprits = {
        architecture: tuple(dict.fromkeys(layer for fault in faults for layer in fault.culprits[architecture]))
        for architecture in within
    }
    where = " ".join(fault.where for fault in faults)
    description = " And: ".join(fault.description for fault in faults)
    _register(Fault(name, kind, description, where, "float32", culprits, _plant_none, parts=parts))


def after_acceptance(fault: str, accepted: str) -> None:
    """Say that a fault comes in the place of another one, which the project has accepted, or beside it as its part."""
    found = FAULTS[fault]
    hidden = FAULTS[accepted].culprits if accepted in found.parts else {}
    culprits = {
        architecture: tuple(layer for layer in layers if layer not in hidden.get(architecture, ()))
        for architecture, layers in found.culprits.items()
    }
    FAULTS[fault] = replace(found, accepted=accepted, culprits=culprits)


def end_process() -> None:
    """End this process as a crash does, with a signal."""
    os.kill(os.getpid(), signal.SIGSEGV)


def wrong_layer(
    layer_class: str, kind: str, *, dtype: str = "float32", method: str = "call", **culprits: str | Names
) -> Callable[[Decorated], Decorated]:
    """Register a wrong `call(layer, right, ...)` of the layers named in `culprits`.

    Args:
        layer_class: A class of `keras.layers`, or several, separated by spaces.
        kind: As in `Fault`.
        dtype: As in `Fault`.
        method: Another method than `call`.
        **culprits: For each architecture a layer's name, with the path of the models around it, or a tuple of them.
    """
    where = [f"layers.{name}.{method}" for name in layer_class.split()]

    def plant_wrong(wrong: Wrong, names: Names) -> AbstractContextManager[object]:
        named = {name.rpartition("/")[2] for name in names}
        return _replaced_methods(where, wrong, lambda layer: layer.name in named)

    return _registered(" ".join(where), kind, dtype, culprits, plant_wrong)


def wrong_method(
    where: str,
    kind: str,
    *,
    only: Callable[[Any], bool] = lambda _: True,
    backend: str | None = None,
    **culprits: str | Names,
) -> Callable[[Decorated], Decorated]:
    """Register a wrong method, `wrong(self, right, ...)`, as of `optimizers.Adam.apply`, of objects that are `only`.

    One of this package's own classes is named as `users_models.Levels.call`.
    """

    def plant_wrong(wrong: Wrong, _: Names) -> AbstractContextManager[object]:
        return _replaced_methods([where], wrong, only)

    return _registered(where, kind, "float32", culprits, plant_wrong, backend)


def wrong_function(
    where: str, kind: str, *, dtype: str = "float32", **culprits: str | Names
) -> Callable[[Decorated], Decorated]:
    """Register a wrong function of the backend, `wrong(right, ...)`, as of `nn.softmax`, for all who call it."""
    module, function = where.split(".")
    return _registered(
        f"backend.{where}", kind, dtype, culprits, lambda wrong, _: _replaced_function(module, function, wrong)
    )


@contextmanager
def with_attributes(thing: object, **values: object) -> Iterator[None]:
    """Change attributes for a while, past what Keras does when they are set."""
    kept = {name: getattr(thing, name) for name in values}
    for name, value in values.items():
        object.__setattr__(thing, name, value)
    try:
        yield
    finally:
        for name, value in kept.items():
            object.__setattr__(thing, name, value)


def find(place: str) -> object:
    """Return what a place names, as `layers.Dense.call` of Keras or `users_models.Levels.call` of this package."""
    import keras

    from benchmarks.faults import users_models

    first, _, rest = place.partition(".")
    return operator.attrgetter(rest)(users_models) if first == "users_models" else operator.attrgetter(place)(keras)


def _plant_none(_: Names) -> AbstractContextManager[object]:
    """Return a context manager that changes nothing: a fault of parts is planted part by part."""
    return contextlib.nullcontext()


def _register(fault: Fault) -> None:
    if fault.name in FAULTS:
        raise ValueError(f"two faults are called {fault.name}")
    FAULTS[fault.name] = fault


def _registered(
    where: str,
    kind: str,
    dtype: str,
    culprits: Mapping[str, str | Names],
    plant_wrong: Callable[[Wrong, Names], AbstractContextManager[object]],
    backend: str | None = None,
) -> Callable[[Decorated], Decorated]:
    names = {name: (names,) if isinstance(names, str) else tuple(names) for name, names in culprits.items()}

    def register(wrong: Decorated) -> Decorated:
        assert wrong.__doc__ is not None  # it says what is wrong
        description = " ".join(wrong.__doc__.split())
        planted = functools.partial(plant_wrong, wrong)
        _register(Fault(wrong.__name__, kind, description, where, dtype, names, planted, backend))
        return wrong

    return register


@contextmanager
def _replaced_methods(where: list[str], wrong: Wrong, only: Callable[[Any], bool]) -> Iterator[None]:
    with ExitStack() as stack:
        for place in where:
            owner_path, _, method = place.rpartition(".")
            owner = find(owner_path)
            stack.enter_context(mock.patch.object(owner, method, _wrong_for(getattr(owner, method), wrong, only)))
        yield


def _wrong_for(right: Callable[..., Any], wrong: Wrong, only: Callable[[Any], bool]) -> Callable[..., Any]:
    @functools.wraps(right)  # Keras reads the signature of a layer's `call`.
    def planted(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not only(self):
            return right(self, *args, **kwargs)
        return wrong(self, functools.partial(right, self), *args, **kwargs)

    return planted


def _replaced_function(module: str, function: str, wrong: Wrong) -> AbstractContextManager[object]:
    from keras.src import backend

    owner = getattr(backend, module)
    right = getattr(owner, function)
    return mock.patch.object(owner, function, functools.wraps(right)(functools.partial(wrong, right)))
