"""What a worker tells of the calls that it recorded: for each its outline, without the arrays."""

from collections.abc import Sequence, Set

import keras

from keras_parity.protocol.results import CallOutline
from keras_parity.worker import keras_internals
from keras_parity.worker.capture import Call


def outline_calls(calls: Sequence[Call], told: Set[str]) -> list[CallOutline]:
    """Return the outlines of calls.

    Args:
        calls: Of a run, in the order they began.
        told: The keys of those that are wanted.
    """
    on_data = calls_on_data(calls)
    return [_outline(call, call.key in on_data, told) for call in calls if call.key in told]


def calls_on_data(calls: Sequence[Call]) -> set[str]:
    """Return the keys of those calls that take data which no trained weight has been at.

    That is sure of what begins before any trained layer, within models that train no weight of their own.

    Args:
        calls: Of a run, in the order they began.
    """
    enclosing: dict[str, tuple[str, ...]] = {}
    trained: set[str] = set()
    holders: set[str] = set()
    found = set()
    for call in calls:
        around = enclosing.get(call.key, ())
        enclosing |= {inner.key: (*around, call.key) for inner in call.inner}
        if trained <= set(around) and not holders & set(around):
            found.add(call.key)
        if isinstance(call.operation, keras.Layer) and call.operation.trainable_variables:
            trained.add(call.key)
            _, *within = keras_internals.flatten_layers(call.operation)
            inner_weights = {id(v) for layer in within for v in layer.trainable_variables}
            if any(id(v) not in inner_weights for v in call.operation.trainable_variables):
                holders.add(call.key)
    return found


def _outline(call: Call, on_data: bool, told: Set[str]) -> CallOutline:
    return CallOutline(
        key=call.key,
        path=call.path,
        type=type(call.operation).__name__,
        inner=tuple(inner.key for inner in call.inner),
        moded=_depends_on_mode(call.operation),
        functional=type(call.operation) is keras_internals.Functional,
        tensors=len(call.dtypes),
        bytes=call.bytes,
        configuration=_configuration(call.operation),
        dtypes=tuple(call.dtypes),
        on_data=on_data,
        functions=frozenset(_functions(call, told)),
    )


def _functions(call: Call, told: Set[str]) -> set[str]:
    """Return the backend's functions that a call ran, with those of calls within that are not told by themselves."""
    return call.functions.union(*(_functions(inner, told) for inner in call.inner if inner.key not in told))


def _configuration(operation: keras.Operation) -> dict[str, object]:
    """Return what a layer or an operation was made with, its numbers and texts; nothing if it cannot tell."""
    try:
        values = operation.get_config() if isinstance(operation, keras.Layer) else vars(operation)
    except Exception:  # a layer of the user's own may not be made to be saved
        return {}
    plain = (str, int, float, bool, type(None))
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if isinstance(value, plain) or (isinstance(value, list | tuple) and all(isinstance(v, plain) for v in value))
    }


def _depends_on_mode(operation: keras.Operation) -> bool:
    """Return whether an operation's own code heeds the mode."""
    if type(operation) in (keras.layers.Dense, keras.layers.EinsumDense):
        return bool(operation.quantization_mode is not None)  # else they take the argument and leave it
    only_hands_it_on = getattr(type(operation), "call", None) in (
        keras_internals.Functional.call,
        keras.Sequential.call,
    )
    return keras_internals.takes_training(operation) and not only_hands_it_on
