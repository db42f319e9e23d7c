"""The backend's own functions, as `abs`, `moments` and `top_k`: which of them run, and what they take and give.

All of Keras goes through them: `keras.ops`, layers, and the activation that another layer ends with.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from keras_parity.worker import keras_internals

# Where they are. Of `core`, whose functions make tensors in every call, these alone compute.
_MODULES = ("core", "image", "linalg", "math", "nn", "numpy")
_COMPUTING = frozenset({"scatter", "scatter_update", "slice", "slice_update"})
# Takes a function's name, the function and its arguments, and returns what is to be its result.
Around = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


@contextmanager
def around_functions(around: Around, *wanted: str) -> Iterator[None]:
    """Let `around` make each call of the backend's functions, for the time of the `with` block.

    Args:
        around: Makes the call; whatever the function calls in turn comes to it, too.
        wanted: The functions' names; none for all that compute.
    """

    def is_wanted(module: str, name: str) -> bool:
        if wanted:
            return name in wanted
        return name in _COMPUTING if module == "core" else not name.startswith("_")

    with ExitStack() as stack:
        for place in _MODULES:
            module = keras_internals.backend_module(place)
            own = {
                name: _made_by(around, name, function)
                for name, function in inspect.getmembers(module, inspect.isfunction)
                if function.__module__ == module.__name__ and is_wanted(place, name)
            }
            stack.enter_context(keras_internals.replaced_functions(module, own))
        yield


def _made_by(around: Around, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return around(name, function, args, kwargs)

    return call
