"""The register of faults, and the ways to plant one in the Keras of this process.

A fault is a wrong version of one function: of a layer's `call`, of another method, or of a function of the backend. It
gets the right one as `right` and usually calls it with something changed, so that all else stays as Keras has it. It
names, for each architecture that it suits, the layers that a check should blame.
"""

import contextlib
import functools
import operator
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from unittest import mock


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
    """

    name: str
    kind: str
    description: str
    where: str
    dtype: str
    culprits: dict[str, tuple[str, ...]]
    plant: Callable[[tuple[str, ...]], AbstractContextManager]


FAULTS: dict[str, Fault] = {}


def plant(fault: str, architecture: str) -> AbstractContextManager:
    """Return a context manager under which this process's Keras has the fault, in the architecture's culprits."""
    from benchmarks.faults.catalogue import FAULTS

    return FAULTS[fault].plant(FAULTS[fault].culprits[architecture])


def wrong_layer(layer_class: str, kind: str, *, dtype: str = "float32", method: str = "call", **culprits):
    """Register a wrong `call(layer, right, ...)` of the layers named in `culprits`.

    Args:
        layer_class: A class of `keras.layers`, or several, separated by spaces.
        kind: As in `Fault`.
        dtype: As in `Fault`.
        method: Another method than `call`.
        **culprits: For each architecture a layer's name, with the path of the models around it, or a tuple of them.
    """
    where = [f"layers.{name}.{method}" for name in layer_class.split()]

    def plant_wrong(wrong, names):
        named = {name.rpartition("/")[2] for name in names}
        return _replaced_methods(where, wrong, lambda layer: layer.name in named)

    return _registered(" ".join(where), kind, dtype, culprits, plant_wrong)


def wrong_method(where: str, kind: str, *, only: Callable = lambda _: True, **culprits):
    """Register a wrong method, `wrong(self, right, ...)`, as of `optimizers.Adam.apply`, of objects that are `only`."""
    return _registered(where, kind, "float32", culprits, lambda wrong, _: _replaced_methods([where], wrong, only))


def wrong_function(where: str, kind: str, *, dtype: str = "float32", **culprits):
    """Register a wrong function of the backend, `wrong(right, ...)`, as of `nn.softmax`, for all who call it."""
    return _registered(
        f"backend.{where}", kind, dtype, culprits, lambda wrong, _: _replaced_function(*where.split("."), wrong)
    )


@contextmanager
def with_attributes(thing, **values) -> Iterator[None]:
    """Change attributes for a while, past what Keras does when they are set."""
    kept = {name: getattr(thing, name) for name in values}
    for name, value in values.items():
        object.__setattr__(thing, name, value)
    try:
        yield
    finally:
        for name, value in kept.items():
            object.__setattr__(thing, name, value)


def _registered(where, kind, dtype, culprits, plant_wrong):
    names = {name: (names,) if isinstance(names, str) else tuple(names) for name, names in culprits.items()}

    def register(wrong):
        description = " ".join(wrong.__doc__.split())
        if wrong.__name__ in FAULTS:
            raise ValueError(f"two faults are called {wrong.__name__}")
        FAULTS[wrong.__name__] = Fault(
            wrong.__name__, kind, description, where, dtype, names, functools.partial(plant_wrong, wrong)
        )
        return wrong

    return register


@contextmanager
def _replaced_methods(where: list[str], wrong: Callable, only: Callable) -> Iterator[None]:
    import keras

    with ExitStack() as stack:
        for place in where:
            owner_path, _, method = place.rpartition(".")
            owner = operator.attrgetter(owner_path)(keras)
            stack.enter_context(mock.patch.object(owner, method, _wrong_for(getattr(owner, method), wrong, only)))
        yield


def _wrong_for(right: Callable, wrong: Callable, only: Callable) -> Callable:
    @functools.wraps(right)  # Keras reads the signature of a layer's `call`.
    def planted(self, *args, **kwargs):
        if not only(self):
            return right(self, *args, **kwargs)
        return wrong(self, functools.partial(right, self), *args, **kwargs)

    return planted


def _replaced_function(module: str, function: str, wrong: Callable) -> contextlib.AbstractContextManager:
    from keras.src import backend

    owner = getattr(backend, module)
    right = getattr(owner, function)
    return mock.patch.object(owner, function, functools.wraps(right)(functools.partial(wrong, right)))
