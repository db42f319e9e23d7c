"""What a model carries from run to run beside its variables, and how each run begins without it."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_parity.worker import keras_internals
from keras_parity.worker.replay import to_tensor, to_value


def reset_states(model: keras.Model) -> None:
    """Let stateful layers forget what earlier runs have left in them."""
    for layer in keras_internals.flatten_layers(model):
        reset = getattr(layer, "reset_state", None)
        if callable(reset) and getattr(layer, "stateful", False) and getattr(layer, "built", False):
            reset()


@contextmanager
def other_optimizers_restored(model: keras.Model) -> Iterator[None]:
    """Restore a model's further optimisers, beside the one that it is compiled with, to their state before the block.

    An optimiser that was built during the block is reset to the state of a new one with the same configuration.
    """
    held = [part for layer in keras_internals.flatten_layers(model) for part in vars(layer).values()]
    others = [part for part in held if isinstance(part, keras.optimizers.Optimizer) and part is not model.optimizer]
    before = [[to_value(v.value).array for v in other.variables] if other.built else None for other in others]
    try:
        yield
    finally:
        for other, values in zip(others, before, strict=True):
            if other.built:
                start = values or [to_value(v.value).array for v in _made_anew(other).variables]
                for variable, value in zip(other.variables, start, strict=True):
                    variable.assign(to_tensor(value, variable.dtype))


def _made_anew(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    made = type(optimizer).from_config(optimizer.get_config())
    made.build(keras_internals.trained_by(optimizer))
    return made
