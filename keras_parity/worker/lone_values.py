"""Normalisations whose groups hold a single value each, and what their rounding cannot avoid.

A value less the mean of itself is zero, whatever the value: moving it by a rounding moves nothing. But the mean is
rounded, too, and the root of epsilon magnifies that: a LayerNormalization of one feature is off by some 1e-5.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops


def has_lone_values(operation: keras.Operation, shape: tuple[int | None, ...]) -> bool:
    """Return whether an operation takes from each value the mean of that value alone.

    Args:
        operation: Any.
        shape: Of its input, with the batch in front.
    """
    if isinstance(operation, keras.layers.LayerNormalization):
        axes = operation.axis if isinstance(operation.axis, list | tuple) else [operation.axis]
        return not operation.rms_scaling and all(shape[axis] == 1 for axis in axes)
    if isinstance(operation, keras.layers.GroupNormalization) and None not in shape[1:]:
        return math.prod(size or 0 for size in shape[1:]) == int(operation.groups)
    return False


@contextlib.contextmanager
def rounded_means(size: float) -> Iterator[None]:
    """Let normalisations of lone values take a mean that is off by `size` of itself, as long as this lasts."""
    with contextlib.ExitStack() as patches:
        for kind in (keras.layers.LayerNormalization, keras.layers.GroupNormalization):
            patches.callback(setattr, kind, "call", kind.call)
            kind.call = _rounded(kind.call, size)
        yield


def _rounded(call: Callable[[Any, Any], Any], size: float) -> Callable[[Any, Any], Any]:
    def rounded(self: Any, inputs: Any) -> Any:
        if not has_lone_values(self, tuple(inputs.shape)):
            return call(self, inputs)
        axis = self.axis if isinstance(self.axis, int) else self.axis[-1]
        shape = [1] * len(inputs.shape)
        shape[axis] = inputs.shape[axis]
        outputs = inputs * (size / math.sqrt(self.epsilon))
        if self.scale:
            outputs = outputs * ops.reshape(ops.cast(self.gamma, inputs.dtype), shape)
        if self.center:
            outputs = outputs + ops.reshape(ops.cast(self.beta, inputs.dtype), shape)
        return outputs

    return rounded
