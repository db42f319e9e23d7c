"""One check as it runs: the order of its parts, and the verdict that comes out."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from keras_parity.comparison.check import Check
from keras_parity.comparison.learning import compare_learning
from keras_parity.comparison.opening import make_draws, open_model
from keras_parity.comparison.outcome import conclude
from keras_parity.comparison.passes import Pass, Passes
from keras_parity.comparison.reloading import compare_reloading
from keras_parity.comparison.training import not_compared
from keras_parity.crew import Crew
from keras_parity.draws import BATCH_OF_ONE, BLANK, GIVEN, ORDINARY, Draw
from keras_parity.executions import find_executions
from keras_parity.ledger import Ledger
from keras_parity.participants import Participants, TooFewLeft
from keras_parity.request import CheckRequest
from keras_parity.verdict import Verdict

__all__ = ["Check", "Pass", "Passes", "Patches", "open_check", "run_check"]

# The draws on which inference mode is compared beside training mode.
INFERENCE_DRAWS = (GIVEN, ORDINARY, BLANK, "large")

Patches = Mapping[str, Callable[[], AbstractContextManager[Any]]]


@contextlib.contextmanager
def open_check(request: CheckRequest, crew: Crew, say: Callable[[str], None]) -> Iterator[Check]:
    """Yield a check that has not begun, and close its case behind it; Ctrl-C ends the stages that run."""
    participants = Participants(find_executions(request.executions), crew, request.time_limit)
    try:
        yield Check(request, participants, Ledger(participants.names), say)
    except (KeyboardInterrupt, SystemExit):
        participants.interrupt()
        raise
    finally:
        participants.close()


def run_check(request: CheckRequest, crew: Crew, say: Callable[[str], None], patches: Patches | None = None) -> Verdict:
    """Run a check and return its verdict.

    Args:
        request: What is asked for.
        crew: The workers.
        say: Gets a line on each stage.
        patches: For tests of the engine, which plant faults: by execution, a function that returns a context manager
            to enter in its worker.

    Raises:
        UsageError: If the request makes no sense for the model.
    """
    started = time.perf_counter()
    with open_check(request, crew, say) as check, contextlib.suppress(TooFewLeft):
        _compare(check, dict(patches or {}))
    return conclude(check, time.perf_counter() - started)


def _compare(check: Check, patches: dict[str, Any]) -> None:
    """Compare all that was asked for.

    Raises:
        TooFewLeft: If fewer than two executions are left to compare.
    """
    request, participants = check.request, check.participants
    participants.require_two()
    open_model(check, patches)
    participants.one_at_a_time = check.large
    draws = make_draws(check)
    training = request.training and len(participants.trainers) > 1
    passes = Passes(check)
    passes.run(_passes(check, passes, draws, training))
    if request.reload:  # before training: a training that raises may leave a model that cannot be saved
        compare_reloading(check, draws[0])
    if training and (request.steps or request.asks_for_training):
        compare_learning(check, draws[0])
    elif request.asks_for_training:
        why = "too few backends can train" if request.training else "inference alone was asked for"
        not_compared(check, f"{' and '.join(request.given_training)} could not be compared: {why}", asked=True)


def _passes(check: Check, passes: Passes, draws: list[Draw], training: bool) -> Iterator[Pass]:
    """Yield the runs of the model to compare."""
    guests = check.participants.guests  # who see inference alone, so there all layers are compared
    for draw in draws:
        measure = draw is draws[0]
        if training:
            everything = draw.name != BATCH_OF_ONE  # another shape alone: each layer would be compiled anew
            yield Pass(draw, training=True, backward=True, everything=everything, measure=measure)
        # Most layers compute the same in both modes: an ordinary draw and the blank one find those that do not.
        # Large inputs are still large behind a BatchNormalization in inference alone.
        if not training or (draw.name in INFERENCE_DRAWS and (guests or passes.depends_on_mode)):
            everything, backward = guests or not training, training and not guests
            yield Pass(draw, training=False, backward=backward, everything=everything, measure=measure)
