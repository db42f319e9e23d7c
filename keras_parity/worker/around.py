"""Replaying a call with what is handed in for layers and for functions of the backend within it.

So it is told whether a difference comes from within, or is the call's own code's.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_parity.protocol import tasks
from keras_parity.protocol.results import Around, Raised, Results
from keras_parity.worker import keras_internals
from keras_parity.worker.backend_functions import around_functions
from keras_parity.worker.capture import is_tensor, to_numpy
from keras_parity.worker.performing import performs
from keras_parity.worker.randomness import keyed_generator
from keras_parity.worker.replay import to_tensor
from keras_parity.worker.studying import replay_call
from keras_parity.worker.tensors import Structure, Tensor


@performs(tasks.ReplayAround)
def replay_around(task: tasks.ReplayAround) -> Around:
    """Replay a call with what layers and functions within it give handed in, and what they gave themselves."""
    own = _Within(task)
    own.replay(backward=False)  # where JAX differentiates there are no values to keep
    given = own.gave if task.given is None else task.given
    return Around(_Within(task, given).replay(task.backward), own.gave, own.took)


@dataclass
class _Within:
    """What layers and functions within a call take and give; or with what is given in its place.

    Attributes:
        task: Which call, and which of them.
        given: What each of them is to give, by key; None keeps what they give.
        gave: That.
        took: What the functions took.
    """

    task: tasks.ReplayAround
    given: dict[str, list[np.ndarray]] | None = None
    gave: dict[str, list[np.ndarray]] = field(default_factory=dict)
    took: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def replay(self, backward: bool) -> Results | Raised:
        """Replay the call."""
        task = self.task
        kind = "reference" if task.exact else "checked"
        functions = around_functions(self._around, *task.functions) if task.functions else contextlib.nullcontext()
        with functions:
            return replay_call(kind, task.key, task.arrays, task.training, backward, change=self._change)

    def _change(self, outputs: Structure, key: str, arguments: Structure) -> Structure:
        return self._pass(outputs, key, arguments) if key.rpartition("#")[0] in self.task.layers else outputs

    def _around(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Structure:
        count = self._counts[name] = self._counts.get(name, -1) + 1
        # To differentiate the call, JAX makes it more than once.
        calls = sum(key.startswith(f"{name}#") for key in self.given or ()) or count + 1
        key = f"{name}#{count % calls}"
        if self.given is None:
            self.took[key] = [to_numpy(leaf) for leaf in tree.flatten((args, kwargs)) if is_tensor(leaf)]
        return self._pass(function(*args, **kwargs), key, (args, kwargs))

    def _pass(self, outputs: Structure, key: str, arguments: Structure) -> Structure:
        if self.given is None:
            self.gave[key] = [to_numpy(leaf) for leaf in tree.flatten(outputs) if is_tensor(leaf)]
            return outputs
        given = iter(self.given[key])
        taken = [leaf for leaf in tree.flatten(arguments) if is_tensor(leaf)]
        return tree.map_structure(lambda leaf: _in_place_of(leaf, given, taken, key), outputs)


def _in_place_of(leaf: Any, given: Iterator[np.ndarray], taken: list[Tensor], key: str) -> Any:
    """Return the next of the given arrays as a tensor like `leaf`, with its mask; what is no tensor as it is.

    Its gradient is that of a linear map of what the call took, drawn from the call's key.

    Args:
        leaf: What a call within another gives.
        given: What it is to give.
        taken: The call's tensors.
        key: The call's.
    """
    if not is_tensor(leaf):
        return leaf
    dtype = keras.backend.standardize_dtype(leaf.dtype)
    tensor = to_tensor(next(given), dtype)
    if keras.backend.is_float_dtype(dtype):
        draw = keyed_generator(0, "linear map", key).standard_normal
        ways = to_tensor(draw(tuple(leaf.shape)), dtype)
        for one in taken:
            if keras.backend.is_float_dtype(own := keras.backend.standardize_dtype(one.dtype)):
                moved = keras.ops.sum((one - keras.ops.stop_gradient(one)) * to_tensor(draw(tuple(one.shape)), own))
                tensor = tensor + ways * keras.ops.cast(moved, dtype)
    if keras_internals.get_mask(leaf) is not None:
        keras_internals.set_mask(tensor, keras_internals.get_mask(leaf))
    return tensor
