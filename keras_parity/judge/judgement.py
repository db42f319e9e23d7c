"""Judging one call, or one part of training: from what the executions computed to what is wrong, and with whom."""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, compare_accuracy, compare_without_reference, unavoidable
from keras_parity.judge.difference import Difference, Error, Everyone, comparable, count_compared, distance, raised
from keras_parity.judge.doubts import AskNeighbours, sort_differences
from keras_parity.judge.equivalences import choosing_otherwise, in_one_form
from keras_parity.judge.meaning import compare_meaning, differs
from keras_parity.judge.structure import compare_structure
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Raised, Results, Study

Moves = Mapping[Quantity, float]
# What raises where results are there, and their gradients are not.
GRADIENTS = Quantity(Kind.GRADIENT, "inputs and weights")


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
        chosen: Which executions made another free choice, such as an eigenvector's sign, than the first one in float64.
    """

    differences: list[Difference] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)
    detours: list[tuple[str, Quantity]] = field(default_factory=list)
    compared: int = 0
    without_float64: dict[str, Raised] = field(default_factory=dict)
    raised_everywhere: Raised | None = None
    notes: list[str] = field(default_factory=list)
    beyond_judging: str = ""
    chosen: set[str] = field(default_factory=set)


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
    said, checked, reference = open_judgement(studies, Kind.OUTPUT)
    if not checked:
        return said
    _say_whose_gradients_raise(said, {name: studies[name] for name in checked})
    if len(checked) < 2:
        said.differences = [d for d in said.differences if not explained(d)]
        return said
    if not reference:
        dtype = studies[next(iter(checked))].dtype
        moves = median_moves([studies[name].dtype_moves for name in checked])
        said.differences += _compare_structure(checked, studies)
        said.chosen = choosing_otherwise(call.type, inputs, [checked], call.configuration)
        checked = in_one_form(call.type, inputs, checked, call.configuration)
        apart = compare_without_reference(_to_be_accurate(call, checked), moves, dtype, allowed_units(call))
        said.differences = [d for d in (*said.differences, *apart) if not explained(d)]
        said.compared = count_compared(checked)
        return said
    exact_studies = [studies[name] for name in reference]
    dtype = studies[next(iter(checked))].dtype
    said.differences += _compare_structure(checked, studies)
    said.chosen = choosing_otherwise(call.type, inputs, [reference, checked], call.configuration)
    reference, checked = (
        in_one_form(call.type, inputs, results, call.configuration) for results in (reference, checked)
    )
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


def _say_whose_gradients_raise(said: Judgement, studies: Mapping[str, Study]) -> None:
    """Tell what gradients raised where the results themselves are there."""
    errors = {name: study.checked_gradients for name, study in studies.items() if study.checked_gradients is not None}
    if len(errors) == len(studies):
        said.raised_everywhere = next(iter(errors.values()))
    else:
        said.differences += [raised(GRADIENTS, name, error.text) for name, error in errors.items()]
    for name, study in studies.items():
        if study.reference_gradients is not None and name not in errors:
            said.without_float64[name] = study.reference_gradients


def _compare_structure(checked: Everyone, studies: Mapping[str, Study]) -> list[Difference]:
    """Return differences in structure; of gradients, between those alone whose gradients raise nothing."""
    whole = {name for name in checked if studies[name].checked_gradients is None}
    if whole == set(checked):
        return compare_structure(checked)
    gradients = {
        name: {q: v for q, v in checked[name].items() if q.kind is Kind.GRADIENT} for name in checked if name in whole
    }
    return compare_structure(without(checked, Kind.GRADIENT)) + compare_structure(gradients)


def agree_at_once(call: CallOutline, studies: Mapping[str, Study]) -> bool:
    """Return whether the measures so far suffice to say that executions agree on a call.

    Further measures only widen what is allowed, so they would not change the answer.
    """
    raising, reference = split({name: study.reference for name, study in studies.items()})
    failing, checked = split({name: study.checked for name, study in studies.items()})
    if raising or failing or any(s.reference_gradients or s.checked_gradients for s in studies.values()):
        return False
    noise, moves = (median_moves(m) for m in zip(*((s.noise, s.dtype_moves) for s in studies.values()), strict=True))
    differences, references = compare_meaning(reference, {}, noise)
    exact = {quantity: reference[name][quantity].array for quantity, name in references.items()}
    dtype = next(iter(studies.values())).dtype
    inaccurate, _ = compare_accuracy(_to_be_accurate(call, checked), exact, moves, dtype, allowed_units(call))
    return not (differences or inaccurate or compare_structure(checked))


def differ_around(
    sound: Results | Raised,
    own: Results | Raised,
    dtype: str = "float32",
    moves: Moves | None = None,
    allowed: float = ACCURATE,
) -> set[Quantity]:
    """Return which results of a call differ though what is wrong within it was taken from a sound execution.

    Of a call that adds losses no gradients are among them: those of a loss added within come from there.

    Args:
        sound: The call's float64 results in that execution.
        own: Those of the one that is wrong within, with the sound results handed in.
        dtype: By whose rounding units they may differ.
        moves: How far a result moves under a perturbation of one of these; None for results in float64.
        allowed: How many units.
    """
    if isinstance(sound, Raised) or isinstance(own, Raised):
        return set()
    found = set()
    for quantity, holders in comparable({"sound": sound, "own": own}):
        one, other = (value.array for value in holders.values())
        unit = unavoidable((moves or {}).get(quantity, 0.0), [one], dtype)
        if differs(*holders.values()) or distance(one, other) > allowed * unit:
            found.add(quantity)
    adds_losses = any(quantity.kind is Kind.ADDED_LOSS for quantity in sound)
    return {quantity for quantity in found if not (adds_losses and quantity.kind is Kind.GRADIENT)}


def median_moves(moves: Sequence[Moves]) -> dict[Quantity, float]:
    """Return, by quantity, the median of what executions measured: one that is wrong cannot widen its own measure."""
    quantities = dict.fromkeys(itertools.chain.from_iterable(moves))
    return {quantity: statistics.median(m[quantity] for m in moves if quantity in m) for quantity in quantities}


def allowed_units(call: CallOutline) -> float:
    """Return how many units a call may be off: the calls within it add theirs."""
    return ACCURATE * max(1, len(call.inner))


def size_of(units: float) -> float:
    """Return a number of units by which differences can be ordered: without a number a difference is the largest."""
    return math.inf if math.isnan(units) else units


def open_judgement(
    studies: Mapping[str, Study], kind: Kind
) -> tuple[Judgement, dict[str, Results], dict[str, Results]]:
    """Return a judgement that tells the errors raised, the results in the dtype under test, and the float64 results.

    Args:
        studies: What each execution computed, by its name.
        kind: What an error raised is an error of.

    Returns:
        Results of those executions alone that raised nothing in the dtype under test: none if all raised an error.
    """
    said = Judgement()
    errors, checked = split({name: study.checked for name, study in studies.items()})
    if checked:
        said.differences += [raised(Quantity(kind), name, error.text) for name, error in errors.items()]
    else:
        said.raised_everywhere = next(iter(errors.values()))
    said.without_float64, reference = split({name: studies[name].reference for name in checked})
    return said, checked, reference


def split(answers: Mapping[str, Results | Raised]) -> tuple[dict[str, Raised], dict[str, Results]]:
    """Return what was raised, and the results of those that raised nothing."""
    errors = {name: answer for name, answer in answers.items() if isinstance(answer, Raised)}
    return errors, {name: answer for name, answer in answers.items() if not isinstance(answer, Raised)}


def _to_be_accurate(call: CallOutline, checked: Everyone) -> dict[str, Results]:
    """Return the results that are judged in the dtype asked about: of a call with others within, its outputs alone."""
    if not call.inner:
        return dict(checked)
    return {n: {q: v for q, v in values.items() if q.kind is Kind.OUTPUT} for n, values in checked.items()}


def without(results: Everyone, kind: Kind) -> dict[str, Results]:
    """Return results but for those of a kind."""
    return {name: {q: v for q, v in values.items() if q.kind is not kind} for name, values in results.items()}
