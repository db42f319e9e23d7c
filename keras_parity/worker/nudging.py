"""Perturbing what a run is computed from, and how far its results move: the error that nobody can avoid there."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np

from keras_parity.protocol.quantity import Quantity
from keras_parity.protocol.results import Raised, Results
from keras_parity.protocol.tasks import Neighbours, Nudge
from keras_parity.worker.capture import Call, CallStack
from keras_parity.worker.case import assign
from keras_parity.worker.lone_values import rounded_means
from keras_parity.worker.replay import perturb, perturb_tensor, to_value


@contextlib.contextmanager
def nudged_weights(kind: str, call: Call, nudge: Nudge | None) -> Iterator[None]:
    """Perturb the weights of a call's layer as long as this lasts; no nudge leaves them as they are."""
    variables = [v for v in getattr(call.operation, "variables", ()) if keras.backend.is_float_dtype(v.dtype)]
    if nudge is None or not variables:
        yield
        return
    kept = [to_value(v.value).array for v in variables]
    assign(kind, variables, [perturb(value, nudge) for value in kept])
    try:
        yield
    finally:
        assign(kind, variables, kept)


def let_layers_round(stack: CallStack, nudge: Nudge) -> None:
    """Let each layer within a run round, too: a normalisation behind it, or an optimiser, may magnify that."""
    if keras.backend.backend() == "jax":  # it would compile the model anew; the others' measures do without
        return
    stack.spoil_results(lambda tensor, place: perturb_tensor(tensor, nudge.size, [nudge.seed, *place.encode()]))


def letting_means_round(nudge: Nudge | None, alone: bool = False) -> contextlib.AbstractContextManager[None]:
    """Return what lets the means of single values round; of what JAX has compiled, only a call `alone` heeds it."""
    if nudge is None or (keras.backend.backend() == "jax" and not alone):
        return contextlib.nullcontext()
    return rounded_means(nudge.size)


def largest_moves(exact: Results | Raised, nudged: list[Results | Raised]) -> dict[Quantity, float]:
    """Return, by quantity, how far the nudged results lie from the exact one at most."""
    moves: dict[Quantity, float] = {}
    for results in nudged:
        if isinstance(exact, Raised) or isinstance(results, Raised):
            continue
        for quantity, value in exact.items():
            other = results.get(quantity)
            if value.array.dtype.kind == "f" and other is not None and other.array.shape == value.array.shape:
                with np.errstate(invalid="ignore"):
                    move = np.abs(other.array - value.array)
                largest = float(np.max(move, initial=0.0, where=np.isfinite(move)))
                moves[quantity] = max(moves.get(quantity, 0.0), largest)
    return moves


def select_neighbours(found: list[Results | Raised], quantities: list[Quantity]) -> Neighbours:
    """Return the arrays of some quantities from results at neighbouring inputs, where these could be computed."""
    computed = [values for values in found if not isinstance(values, Raised)]
    return {q: [values[q].array for values in computed if q in values] for q in quantities}
