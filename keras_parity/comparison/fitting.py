"""`fit`, `evaluate` and `predict`, compared as a user calls them: on several batches, compiled where that is usual."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_parity.comparison.check import Check
from keras_parity.comparison.training import keep_training, not_compared, spread, training_is_asked, who_differs
from keras_parity.draws import PARTIAL, Draw, leaves_of, map_leaves
from keras_parity.judge import (
    Difference,
    Judgement,
    agree_closely,
    count_compared,
    judge_fit,
    judge_own_loop,
)
from keras_parity.ledger import Place
from keras_parity.participants import Begun
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind
from keras_parity.protocol.results import Raised, Study
from keras_parity.protocol.tasks import Batch, BatchwisePlan, FitPlan, Predict, PredictPlan, StudyLearning, Training


@dataclass(frozen=True)
class Called:
    """`fit` or `predict`, which has begun.

    Attributes:
        place: What findings call it.
        plan: What is called, and on what.
        draw: What the data are called.
        begun: The run in the dtype asked about.
    """

    place: Place
    plan: FitPlan | PredictPlan
    draw: Draw
    begun: Begun[Study]


def begin_predict(check: Check, draw: Draw) -> Called | None:
    """Start `predict`; if the inputs cannot be divided into batches, note that instead."""
    data, size, seen = _several_batches(check, Batch(draw.inputs, None), draw)
    return _begin_as_called(check, PredictPlan(data.inputs, size), Place("(predict)", "predict"), seen)


def begin_fit(check: Check, training: Training, batch: Batch, draw: Draw) -> Called | None:
    """Start `fit` and `evaluate`; if the data cannot be divided into batches, note that instead."""
    data, size, seen = _several_batches(check, batch, draw)
    return _begin_as_called(check, FitPlan(training, data, size), Place("(fit)", "fit"), seen)


def _begin_as_called(check: Check, plan: FitPlan | PredictPlan, place: Place, draw: Draw) -> Called | None:
    if not plan.batch_size:
        check.ledger.note(f"{place.type} was not compared: its data do not all have the same number of examples")
        return None
    tasks = dict.fromkeys(check.participants.trainers, StudyLearning(plan, [], exact=False))
    return Called(place, plan, draw, check.participants.begin(tasks))


def judge_as_called(check: Check, called: Called | None, steps: Mapping[str, Study]) -> None:
    """Judge what `fit` or `predict` gives as a user calls it.

    Float64 runs are taken only where the results are not close: each is compiled, or traced, anew.

    Args:
        check: The check.
        called: What has begun.
        steps: What training steps gave; by their measures it is judged whether a training's results are close.
    """
    if called is None:
        return
    participants, ledger, place = check.participants, check.ledger, called.place
    check.say(place.type)
    ledger.see(place.path)
    studies = called.begun.answers()
    if agree_closely(studies, steps):
        found = {name: study.checked for name, study in studies.items() if not isinstance(study.checked, Raised)}
        ledger.keep(place, Judgement(compared=count_compared(found)), "training", called.draw)
        return
    studies = participants.ask_each(spread(participants.trainers, called.plan))
    kind = Kind.PREDICTION if isinstance(called.plan, PredictPlan) else Kind.STEP
    blamed = who_differs(check)
    said = judge_fit(studies, blamed, ledger.places, kind)
    if ledger.excused or ledger.whole_numbers_differ:
        # In another precision other whole numbers are taken, or another choice is made.
        said.differences = [difference for difference in said.differences if difference.cause is not Cause.PRECISION]
    if said.raised_everywhere:
        text = f"{place.type} raises on every backend: {said.raised_everywhere.text}"
        not_compared(check, text, training_is_asked(check) or isinstance(called.plan, PredictPlan))
    # An execution that cannot take a training step cannot fit either; Keras may raise another error there.
    unable = {name for name, study in steps.items() if isinstance(study.checked, Raised)}
    said.differences = [d for d in said.differences if d.cause is not Cause.ERROR or d.execution not in unable]
    said.differences += _in_own_loops(check, called.plan, studies, blamed)
    keep_training(check, place, said, studies, called.draw)


def _in_own_loops(
    check: Check, plan: FitPlan | PredictPlan, studies: Mapping[str, Study], blamed: set[str]
) -> list[Difference]:
    """Return what the loops of those do wrong that are not compared with others, since they are known to be wrong.

    A training step of the model's own may report what it likes: batches one by one do not tell what `fit` should.
    """
    asked = [name for name in studies if name in blamed]
    if not asked or (check.own_step and isinstance(plan, FitPlan)):
        return []
    batchwise = check.participants.begin({name: StudyLearning(BatchwisePlan(plan), []) for name in asked}).answers()
    return [d for name in batchwise for d in judge_own_loop(name, studies[name], batchwise[name])]


def spans_batch(check: Check, draw: Draw, outputs: list[np.ndarray]) -> bool:
    """Return whether outputs have another axis that is as long as the batch, as the similarities of all with all.

    Batches of several sizes then give results that cannot be joined.

    Args:
        check: The check.
        draw: A batch.
        outputs: The model's, of that batch.
    """
    sizes = _sizes(draw.inputs)
    if len(sizes) != 1 or not any(size in sizes for output in outputs for size in output.shape[1:]):
        return False
    (size,) = sizes
    if size < 2 or check.has_fixed_batch:
        return False
    fewer = _take(draw.inputs, np.arange(size - 1))
    others = check.participants.ask(check.participants.trainers[0], Predict(fewer))
    return any(one.shape[1:] != other.shape[1:] for one, other in zip(outputs, others, strict=True))


def _several_batches(check: Check, batch: Batch, draw: Draw) -> tuple[Batch, int, Draw]:
    """Return the data of several batches, how many examples are in one, and what findings on them are called.

    The size is 0 if the arrays do not all have the same number of examples, or have none.

    Of drawn examples, which are repeated, the last batch is half as large as the others, where the model takes any size
    and edge draws are asked for; of the user's own it is what is left.

    Args:
        check: The check.
        batch: A batch of drawn examples, or all that the user gave.
        draw: What they are.
    """
    sizes = _sizes((batch.inputs, batch.targets, batch.sample_weight))
    if len(sizes) != 1:
        return batch, 0, draw
    (size,) = sizes
    one_size = check.has_fixed_batch or check.spans_batch
    if check.request.inputs is not None and size > check.batch_size and not one_size:
        return batch, check.batch_size, draw
    partial = check.request.edge and not one_size and size > 1
    order = np.arange(int((2.5 if partial else 2.0) * size)) % size
    several = {name: _take(getattr(batch, name), order) for name in ("inputs", "targets", "sample_weight")}
    return replace(batch, **several), size, Draw(PARTIAL, False, draw.inputs) if partial else draw


def _take(value: Any, order: np.ndarray) -> Any:
    """Return examples of arrays in a structure."""
    return map_leaves(value, lambda leaf: leaf[order] if isinstance(leaf, np.ndarray) and leaf.ndim else leaf)


def _sizes(value: Any) -> set[int]:
    """Return how many examples the arrays in a structure hold: all of them the same, or they are no batch."""
    return {len(leaf) for leaf in leaves_of(value) if isinstance(leaf, np.ndarray) and leaf.ndim}
