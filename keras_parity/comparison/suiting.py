"""Draws and weights that the model can compute with: what every backend refuses is drawn anew, with a note.

A backend refuses a draw if it raises an error on it, if it uses a value out of range as an index, or if it gives NaN on
ordinary data. If only some backends refuse a draw, that is a difference, and the check reports it.
"""

from collections.abc import Callable, Mapping, Sequence

from keras_parity.comparison.check import Check
from keras_parity.draws import Draw
from keras_parity.protocol.results import InputSpec, LearnedInputs, Tried
from keras_parity.protocol.rounding import round_to
from keras_parity.protocol.tasks import ConstrainWeights, SetWeights, TryInputs
from keras_parity.ranges import caused_by_values, find_range, say_narrowed
from keras_parity.weights import draw_weights

# What each execution made of each draw.
Trials = Mapping[str, Sequence[Tried]]


def share_weights(check: Check, *, near_initial: bool = False) -> None:
    """Give all executions the same weights: those of the file, or drawn ones.

    Initialisers are not used: they differ between backends.

    Args:
        check: The check, which knows the weights.
        near_initial: As in `draw_weights`.
    """
    participants, known = check.participants, check.weights
    values = list(known.initial)
    if known.drawn:
        values = draw_weights(known.specs, known.initial, check.request.seed, near_initial=near_initial)
    if known.drawn and any(spec.constrained for spec in known.specs):
        constrained = participants.ask(known.first, ConstrainWeights(values))
        values = [
            round_to(value, spec.dtype) if spec.constrained else value
            for spec, value in zip(known.specs, constrained, strict=True)
        ]
    tasks = {name: SetWeights([values[i] for i in known.orders[name]]) for name in participants.active}
    participants.ask_each(tasks)


def suit_draws(check: Check, learned: LearnedInputs, draw: Callable[[Sequence[InputSpec]], list[Draw]]) -> list[Draw]:
    """Return draws that the model takes, from the widest range that is found; `check.inputs` then tells it.

    Args:
        check: The check.
        learned: What the model was seen to take.
        draw: Makes draws.

    Raises:
        TooFewLeft: If fewer than two executions are left.
    """
    check.inputs, draws = learned.specs, draw(learned.specs)
    usual = _to_try(check, draws)
    refused = any(_find_refused(check, usual)) and not _suit_weights(check, usual)
    if not refused and not learned.doubtful:
        return draws
    said: list[str] = []

    def accepts(specs: list[InputSpec]) -> bool:
        tried = _to_try(check, draw(specs))
        trials = _try(check, tried, watched=True)
        raised = (one.violation or one.raised for made in trials.values() for one in made)
        said.extend(f"the model raises ({text})" for text in raised if text)
        return _all_take(tried, trials)

    narrowed = find_range(learned.specs, accepts, learned.sizes)
    if narrowed is None:
        return draws
    check.inputs = narrowed
    for line in say_narrowed(learned.specs, narrowed, said[0] if said else "what the model gives is NaN"):
        check.ledger.note(line)
    return draw(narrowed)


def keep_accepted(check: Check, draws: list[Draw]) -> list[Draw]:
    """Return the user's examples and the draws around them, without those that every execution refuses; note these.

    Raises:
        TooFewLeft: If fewer than two executions are left.
    """
    tried = [draw for draw in draws if not draw.is_special]
    refused = _find_refused(check, tried)
    if refused[0] and _suit_weights(check, draws[:1]):
        refused = _find_refused(check, tried)
    left_out = [draw for draw, yes in zip(tried, refused, strict=True) if yes and draw.around]
    for draw in left_out:
        check.ledger.note(
            f"the draw {draw.name!r} around the given inputs was left out: no backend can compute with it"
        )
    return [draw for draw in draws if draw not in left_out]


def _to_try(check: Check, draws: list[Draw]) -> list[Draw]:
    """Return the draws to try: of a large model only the first; draws of NaN or infinities are not tried."""
    return draws[:1] if check.large else [draw for draw in draws if not draw.is_special]


def _suit_weights(check: Check, draws: list[Draw]) -> bool:
    """Draw weights near their initial values and keep them if no draw is refused then; return whether they are kept."""
    if not check.weights.drawn:
        return False
    share_weights(check, near_initial=True)
    if not _all_take(draws, _try(check, draws, watched=False)):
        share_weights(check)
        return False
    check.ledger.note("weights are drawn near their initial values: with others, the model raises or gives NaN")
    return True


def _find_refused(check: Check, draws: Sequence[Draw]) -> list[bool]:
    """Return for each draw whether every execution refuses it; JAX is asked only about draws that others refuse."""
    trials = _try(check, draws, watched=False).values()

    def is_doubtful(draw: Draw, tried: Sequence[Tried]) -> bool:
        raises = any(one.raised is not None and caused_by_values(one.raised) for one in tried)
        return raises or (draw.ordinary and not any(one.usable for one in tried))

    doubtful = [i for i, draw in enumerate(draws) if is_doubtful(draw, [tried[i] for tried in trials])]
    refused = [False] * len(draws)
    if doubtful:
        asked = TryInputs([draws[i].inputs for i in doubtful], watched=True)
        everyone = check.participants.ask_each(dict.fromkeys(check.participants.trainers, asked)).values()
        for i, *tried in zip(doubtful, *everyone, strict=True):
            refused[i] = all(one.violation or not one.usable for one in tried)
    return refused


def _all_take(draws: Sequence[Draw], trials: Trials) -> bool:
    """Return whether no execution refuses a draw; of NaN on ordinary data, whether one gives numbers at least."""
    for draw, *tried in zip(draws, *trials.values(), strict=True):
        if any(one.violation or (one.raised is not None and caused_by_values(one.raised)) for one in tried):
            return False
        if draw.ordinary and not any(one.usable for one in tried):
            return False
    return True


def _try(check: Check, draws: Sequence[Draw], *, watched: bool) -> Trials:
    """Return what came of draws on the executions that run a model eagerly fast; JAX compiles each operation first."""
    trainers = check.participants.trainers
    eager = [name for name in trainers if name != "jax"] or list(trainers)
    return check.participants.ask_each(dict.fromkeys(eager, TryInputs([draw.inputs for draw in draws], watched)))
