"""Judging one call, or one part of training: from what the executions computed to what is wrong, and with whom."""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, compare_accuracy, compare_without_reference
from keras_parity.judge.difference import Difference, Error, Everyone, count_compared, raised
from keras_parity.judge.doubts import AskNeighbours, sort_differences
from keras_parity.judge.equivalences import in_one_form
from keras_parity.judge.meaning import compare_meaning
from keras_parity.judge.structure import compare_structure
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Raised, Results, Study

Moves = Mapping[Quantity, float]


@dataclass
class Judgement:
    """What is said of one call or part.

    Attributes:
        differences: What is wrong, and with whom.
        errors: How far each execution is off, where that was measured.
        detours: By who differs, the quantities that differ in float64 alone.
        compared: How many results were compared; see `count_compared`.
        without_float64: For each execution that has no float64 results, what it raised there.
        raised_everywhere: What it raised everywhere, so that nothing can be said.
        notes: What a reader should know.
        beyond_judging: What cannot be judged although a single step led to it; empty if nothing.
    """

    differences: list[Difference] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)
    detours: list[tuple[str, Quantity]] = field(default_factory=list)
    compared: int = 0
    without_float64: dict[str, Raised] = field(default_factory=dict)
    raised_everywhere: Raised | None = None
    notes: list[str] = field(default_factory=list)
    beyond_judging: str = ""


def judge_call(
    call: CallOutline,
    inputs: Sequence[np.ndarray],
    studies: Mapping[str, Study],
    explained: Callable[[Difference], bool],
    neighbours: AskNeighbours,
) -> Judgement:
    """Judge one call of a layer or operation.

    Args:
        call: Which one.
        inputs: Its tensors.
        studies: For each execution what it computed.
        explained: Whether a difference comes from a call within this one.
        neighbours: Asks for results at neighbouring inputs.
    """
    said = Judgement()
    errors, checked = split({name: study.checked for name, study in studies.items()})
    if not checked:
        said.raised_everywhere = next(iter(errors.values()))
        return said
    said.differences += [raised(Quantity(Kind.OUTPUT), name, error.text) for name, error in errors.items()]
    said.without_float64, reference = split({name: studies[name].reference for name in checked})
    if len(checked) < 2:
        said.differences = [d for d in said.differences if not explained(d)]
        return said
    if not reference:
        dtype = studies[next(iter(checked))].dtype
        moves = median_moves([studies[name].dtype_moves for name in checked])
        said.differences += compare_structure(checked)
        checked = in_one_form(call.type, inputs, checked)
        apart = compare_without_reference(_to_be_accurate(call, checked), moves, dtype, allowed_units(call))
        said.differences = [d for d in (*said.differences, *apart) if not explained(d)]
        said.compared = count_compared(checked)
        return said
    exact_studies = [studies[name] for name in reference]
    dtype = studies[next(iter(checked))].dtype
    said.differences += compare_structure(checked)
    reference, checked = (in_one_form(call.type, inputs, results) for results in (reference, checked))
    if len(reference) > 1:
        moves = median_moves([study.moves for study in exact_studies])
        noise = median_moves([study.noise for study in exact_studies])
        differences, references = compare_meaning(reference, moves, noise)
        unexplained = [difference for difference in differences if not explained(difference)]
        found = sort_differences(unexplained, reference, checked, dtype, neighbours, kinks=not call.inner)
        said.differences += found.meant
        said.detours += found.detours
    else:  # two executions, and one of them has no float64 result
        ((only, values),) = reference.items()
        references = dict.fromkeys(values, only)
    exact = {quantity: reference[name][quantity].array for quantity, name in references.items()}
    moves = median_moves([study.dtype_moves for study in exact_studies])
    accurate = _to_be_accurate(call, checked)
    # An execution already found to compute a different function is not tested for accuracy.
    wrong = {(difference.quantity, difference.execution) for difference in said.differences}
    right = {n: {q: v for q, v in values.items() if (q, n) not in wrong} for n, values in accurate.items()}
    differences, _ = compare_accuracy(right, exact, moves, dtype, allowed_units(call), call.bytes // 8)
    if len(reference) == 1:
        differences = [replace(difference, execution=None) for difference in differences]
    said.differences += [d for d in differences if (d.quantity, None) not in wrong]
    said.differences = [d for d in said.differences if not explained(d)]
    said.compared = count_compared(accurate)
    if any(studies[name].dtype_moves for name in checked):
        _, said.errors = compare_accuracy(accurate, exact, moves, dtype, allowed_units(call), call.bytes // 8)
    return said


def agree_at_once(call: CallOutline, studies: Mapping[str, Study]) -> bool:
    """Return whether executions agree on a call, however small its unavoidable errors: none need be measured."""
    raising, reference = split({name: study.reference for name, study in studies.items()})
    failing, checked = split({name: study.checked for name, study in studies.items()})
    if raising or failing:
        return False
    differences, references = compare_meaning(reference, {})
    exact = {quantity: reference[name][quantity].array for quantity, name in references.items()}
    dtype = next(iter(studies.values())).dtype
    inaccurate, _ = compare_accuracy(_to_be_accurate(call, checked), exact, {}, dtype, allowed_units(call))
    return not (differences or inaccurate or compare_structure(checked))


def differ_around(sound: Results | Raised, own: Results | Raised) -> set[Quantity]:
    """Return which results of a call differ though what is wrong within it was taken from a sound execution.

    Args:
        sound: The call's float64 results in that execution.
        own: Those of the one that is wrong within, with the sound results handed in.
    """
    if isinstance(sound, Raised) or isinstance(own, Raised):
        return set()
    differences, _ = compare_meaning({"sound": sound, "own": own}, {})
    return {d.quantity for d in differences if d.cause is not None or d.units > ACCURATE}


def median_moves(moves: Sequence[Moves]) -> dict[Quantity, float]:
    """Return, by quantity, the median of what executions measured: one that is wrong cannot widen its own measure."""
    quantities = dict.fromkeys(itertools.chain.from_iterable(moves))
    return {quantity: statistics.median(m.get(quantity, 0.0) for m in moves) for quantity in quantities}


def allowed_units(call: CallOutline) -> float:
    """Return how many units a call may be off: the calls within it add theirs."""
    return ACCURATE * max(1, len(call.inner))


def size_of(units: float) -> float:
    """Return a number of units by which differences can be ordered: without a number a difference is the largest."""
    return math.inf if math.isnan(units) else units


def split(answers: Mapping[str, Results | Raised]) -> tuple[dict[str, Raised], dict[str, Results]]:
    """Return what was raised, and the results of those that raised nothing."""
    errors = {name: answer for name, answer in answers.items() if isinstance(answer, Raised)}
    return errors, {name: answer for name, answer in answers.items() if not isinstance(answer, Raised)}


def _to_be_accurate(call: CallOutline, checked: Everyone) -> dict[str, Results]:
    """Return the results that are judged in the dtype asked about: of a call with others within, its outputs alone."""
    if not call.inner:
        return dict(checked)
    return {n: {q: v for q, v in values.items() if q.kind is Kind.OUTPUT} for n, values in checked.items()}
