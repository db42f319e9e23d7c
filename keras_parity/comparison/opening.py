"""The first part of a check: the model is built everywhere, seen to be the same one, and given the same weights."""

import math
from collections.abc import Sequence
from functools import partial
from math import nan
from typing import Any

from keras_parity.comparison.check import Check, KnownWeights
from keras_parity.comparison.suiting import keep_accepted, share_weights, suit_draws
from keras_parity.draws import Draw, draw_inputs, draws_around, refuse_strings
from keras_parity.errors import UsageError
from keras_parity.judge import Difference, raised
from keras_parity.ledger import Place
from keras_parity.participants import TooFewLeft
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Description, InputSpec, LearnedInputs, Raised
from keras_parity.protocol.tasks import LearnInputs, OpenCase
from keras_parity.weights import match_weights


def open_model(check: Check, patches: dict[str, Any]) -> None:
    """Build the model everywhere, see that it is the same one, and share the weights.

    Args:
        check: The check; learns what the model takes and how large it is.
        patches: By execution, a function that returns a context manager to enter in its worker.

    Raises:
        TooFewLeft: If fewer than two can build it.
        UsageError: If what was named is no model.
    """
    check.say("building")
    request, participants = check.request, check.participants
    tasks = {
        name: OpenCase(request.source, request.dtype, request.seed, request.inputs, patches.get(name))
        for name in participants.names
    }
    described = _without_broken(check, participants.ask_each(tasks))
    matched = match_weights({name: description.weights for name, description in described.items()})
    for odd in matched.odd:
        difference = Difference(Quantity(Kind.WEIGHTS), odd.execution, None, Cause.STRUCTURE, nan, nan, odd.detail)
        check.ledger.add(Place(""), difference, "building", None)
        for name in [odd.execution] if odd.execution else participants.active:
            participants.fail(name, f"its model has other weights than the others': {odd.detail}")
    first = described[matched.first]
    taker = next((spec.taken_by for spec in first.inputs or () if spec.dtype == "string"), "")
    for name, text in refuse_strings(first.inputs or (), participants.active).items():
        check.ledger.add(Place(taker), raised(Quantity(Kind.BUILDING), name, text), "building", None)
        participants.fail(name, text)
    participants.require_two()
    check.inputs = first.inputs
    check.bytes_of_activations = first.bytes_per_example
    check.bytes_of_weights = sum(8 * math.prod(weight.shape) for weight in first.weights)
    check.trained_weights = sum(weight.trainable for weight in first.weights)
    check.outputs, check.compiled = first.outputs, first.compiled
    check.regularizers = {weight.path: weight.regularizer for weight in first.weights if weight.regularizer}
    check.own_step, check.own_losses = first.own_step, first.own_losses
    drawn = request.source.kind != "file"
    check.weights = KnownWeights(first.weights, first.initial, matched.first, matched.orders, drawn)
    share_weights(check)
    for note in matched.notes:
        check.ledger.note(note)


def make_draws(check: Check) -> list[Draw]:
    """Return the draws to check on: the user's inputs and what is drawn around them, or what the model can take.

    Raises:
        TooFewLeft: If an execution fails that is asked what the model takes.
        UsageError: If nothing says what the model takes.
    """
    if check.request.inputs is not None:
        return keep_accepted(check, _draw_around(check))
    if check.inputs is None:
        raise UsageError("the model declares no input shape; give inputs=, or --inputs FILE.npz")
    return suit_draws(check, _learn_inputs(check, check.inputs), partial(_draw, check))


def _draw_around(check: Check) -> list[Draw]:
    request = check.request
    size = None if check.has_fixed_batch else check.batch_size
    draws = draws_around(request.inputs, request.seed, size, edge=request.edge, special=request.special)
    if len(draws) == 1 and (request.edge or request.special):
        check.ledger.note("the given inputs are the only draw: their arrays differ in their number of examples")
    return draws


def _learn_inputs(check: Check, specs: list[InputSpec]) -> LearnedInputs:
    """Return what one execution tells of the values that the model can take.

    PyTorch runs a model eagerly at once; JAX compiles each operation first; TensorFlow alone has text.
    """
    active = check.participants.active
    order = ("tensorflow",) if any(spec.dtype == "string" for spec in specs) else ("torch", "tensorflow")
    asked = next((name for name in order if name in active), active[0])
    return check.participants.ask(asked, LearnInputs(specs))


def _draw(check: Check, specs: Sequence[InputSpec]) -> list[Draw]:
    request = check.request
    return draw_inputs(specs, request.seed, check.batch_size, edge=request.edge, special=request.special)


def _without_broken(check: Check, answers: dict[str, Description | Raised]) -> dict[str, Description]:
    """Return the descriptions of those that can build the model, and keep what the others raised."""
    broken = {name: answer for name, answer in answers.items() if isinstance(answer, Raised)}
    for error in broken.values():
        refuse_misuse(error)
    if broken and len(broken) == len(answers):
        check.ledger.raised_everywhere = next(iter(broken.values())).text
    for name, error in broken.items():
        if len(broken) < len(answers):
            difference = raised(Quantity(Kind.BUILDING), name, error.text)
            check.ledger.add(Place(error.at), difference, "building", None)
        check.participants.fail(name, f"cannot build the model: {error.text}")
    if len(check.participants.active) < 2:
        raise TooFewLeft
    return {name: answer for name, answer in answers.items() if not isinstance(answer, Raised)}


def refuse_misuse(error: Raised) -> None:
    """Raise what a worker has raised if it is the user's mistake, as of a function that gives no model.

    Raises:
        UsageError: If it is.
    """
    if error.misuse:
        raise UsageError(error.text)
