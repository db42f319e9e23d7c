"""Judging one call, or one part of training: from what the executions computed to what is wrong, and with whom."""

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, are_close, compare_accuracy, compare_without_reference, unavoidable
from keras_parity.judge.difference import Difference, Error, Everyone, comparable, distance, raised
from keras_parity.judge.doubts import AskNeighbours, sort_differences
from keras_parity.judge.equivalences import choosing_otherwise, in_one_form
from keras_parity.judge.meaning import compare_meaning, differs
from keras_parity.judge.structure import compare_structure
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Raised, Results, Study
from keras_parity.protocol.rounding import UNIT_ROUNDOFF

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
        compared: How many results were compared.
        without_float64: For each execution that has no float64 results, what it raised there.
        raised_everywhere: What it raised everywhere, so that nothing can be said.
        notes: What a reader should know.
        beyond_judging: What cannot be judged although a single step led to it; empty if nothing.
        chosen: Who made another choice where any is right, as of an eigenvector's sign, than the others or in another
            precision.
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
    said = Judgement()
    errors, checked = _split({name: study.checked for name, study in studies.items()})
    if not checked:
        said.raised_everywhere = next(iter(errors.values()))
        return said
    said.differences += [raised(Quantity(Kind.OUTPUT), name, error.text) for name, error in errors.items()]
    said.without_float64, reference = _split({name: studies[name].reference for name in checked})
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
        said.compared = sum(len(values) for values in checked.values())
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
    said.compared = sum(len(values) for values in accurate.values())
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
    return compare_structure(_without(checked, Kind.GRADIENT)) + compare_structure(gradients)


def agree_at_once(call: CallOutline, studies: Mapping[str, Study]) -> bool:
    """Return whether executions agree on a call, however small its unavoidable errors: none need be measured."""
    raising, reference = _split({name: study.reference for name, study in studies.items()})
    failing, checked = _split({name: study.checked for name, study in studies.items()})
    if raising or failing or any(s.reference_gradients or s.checked_gradients for s in studies.values()):
        return False
    differences, references = compare_meaning(reference, {})
    exact = {quantity: reference[name][quantity].array for quantity, name in references.items()}
    dtype = next(iter(studies.values())).dtype
    inaccurate, _ = compare_accuracy(_to_be_accurate(call, checked), exact, {}, dtype, allowed_units(call))
    return not (differences or inaccurate or compare_structure(checked))


def judge_part(
    studies: Mapping[str, Study], kind: Kind, neighbours: AskNeighbours, underflows: bool = False
) -> Judgement:
    """Judge the loss, a metric or the optimiser, run alone on what all executions share.

    Args:
        studies: For each execution what it computed.
        kind: What an error raised is an error of.
        neighbours: Asks for results at neighbouring inputs.
        underflows: Whether the part's values underflow in float16, as an optimiser's moments, so that none is right
            there.
    """
    said = Judgement()
    errors, checked = _split({name: study.checked for name, study in studies.items()})
    if not checked:
        said.raised_everywhere = next(iter(errors.values()))
        return said
    said.differences += [raised(Quantity(kind), name, error.text) for name, error in errors.items()]
    said.without_float64, everything = _split({name: studies[name].reference for name in checked})
    if len(checked) < 2 or not everything:
        return said
    sound = {name: studies[name] for name in everything}
    dtype = next(iter(sound.values())).dtype
    # In float32 a weight's move is lost in the weight's own rounding: there the weight itself is compared.
    reference = _without(everything, Kind.AFTER_UPDATES)
    checked = _without(checked, Kind.UPDATE)
    said.differences += compare_structure(checked)
    if len(reference) > 1:
        differences, references = compare_meaning(reference, median_moves([s.moves for s in sound.values()]))
        found = sort_differences(differences, reference, checked, dtype, neighbours, kinks=True)
        said.differences += found.meant
        said.detours += found.detours
    else:  # the others have no float64 result
        ((only, values),) = reference.items()
        references = dict.fromkeys(values, only)
    exact = {quantity: reference[name][quantity].array for quantity, name in references.items()}
    for quantity, name in references.items():
        if quantity.kind is Kind.UPDATE:
            after = replace(quantity, kind=Kind.AFTER_UPDATES)
            exact[after] = everything[name][after].array
    blamed = {difference.execution for difference in said.differences}
    accurate = checked
    if underflows:
        accurate = {n: {q: v for q, v in values.items() if v.dtype != "float16"} for n, values in checked.items()}
        if any(len(accurate[name]) < len(checked[name]) for name in checked):
            said.notes.append("was compared in float64 alone: in float16 an optimiser's moments underflow")
    moves = median_moves([study.dtype_moves for study in sound.values()])
    differences, said.errors = compare_accuracy(accurate, exact, moves, dtype)
    said.differences += [difference for difference in differences if difference.execution not in blamed]
    said.compared = sum(map(len, checked.values()))
    return said


def judge_steps(studies: Mapping[str, Study]) -> Judgement:
    """Judge whole training steps: their meaning in float64, against how far they amplify float64's own roundings.

    Args:
        studies: For each execution what it computed, each with a perturbation of its own.
    """
    said = Judgement()
    errors, checked = _split({name: study.checked for name, study in studies.items()})
    if not checked:
        said.raised_everywhere = next(iter(errors.values()))
        return said
    said.differences += [raised(Quantity(Kind.STEP), name, error.text) for name, error in errors.items()]
    said.without_float64, reference = _split({name: studies[name].reference for name in checked})
    if len(checked) < 2:
        return said
    said.differences += compare_structure(checked)
    if len(reference) > 1:
        exact = [studies[name] for name in reference]
        noise = shared_moves([study.noise for study in exact])
        scales = _shared_scales(reference)
        differences, _ = compare_meaning(reference, scales, noise)
        seen = {name: checked[name] for name in reference}
        found = sort_differences(differences, reference, seen, exact[0].dtype)
        said.differences += found.meant
        said.detours += found.detours
        if lost := _beyond_judging(reference, noise):
            text = f"amplifies roundings so much that its {lost[0]} cannot be judged"
            said.notes.append(f"{text}: take fewer steps or a larger batch")
            said.beyond_judging = text if lost[0].family == "after step 1" else ""
    said.compared = sum(map(len, checked.values()))
    return said


def judge_fit(studies: Mapping[str, Study], blamed: Set[str | None], calls: int, kind: Kind = Kind.STEP) -> Judgement:
    """Judge `fit`, `evaluate` and `predict` in the dtype asked about, as a user calls them.

    Each is held against a float64 run on the same execution, in units of how far such a run amplifies one rounding.
    Where two executions differ in float64 itself, and none of them has been blamed for a part of it, that is told too.

    Args:
        studies: For each execution what it computed, each with a perturbation of its own.
        blamed: Who has been found wrong in a part of training.
        calls: How many calls the model makes: each may be off by its own units.
        kind: What an error raised is an error of.
    """
    said = Judgement()
    errors, checked = _split({name: study.checked for name, study in studies.items()})
    if not checked:
        said.raised_everywhere = next(iter(errors.values()))
        return said
    said.differences += [raised(Quantity(kind), name, error.text) for name, error in errors.items()]
    said.without_float64, reference = _split({name: studies[name].reference for name in checked})
    if len(checked) < 2 or not reference:
        return said
    said.differences += compare_structure(checked)
    exact = [studies[name] for name in reference]
    noise = shared_moves([study.noise for study in exact])
    moves = shared_moves([study.dtype_moves for study in exact])
    # Where no two agreed on a part, nobody can be told apart by the whole.
    unblamed = {} if None in blamed else {name: v for name, v in reference.items() if name not in blamed}
    if len(unblamed) > 1:
        differences, _ = compare_meaning(unblamed, _shared_scales(unblamed), noise)
        found = sort_differences(differences, unblamed, {n: checked[n] for n in unblamed}, exact[0].dtype)
        said.differences += found.meant
    wrong = {(difference.quantity, difference.execution) for difference in said.differences}
    off: dict[Quantity, list[Error]] = {}
    for name, values in reference.items():
        own = {quantity: value.array for quantity, value in values.items()}
        mine = {q: v for q, v in checked[name].items() if (q, name) not in wrong}
        # An execution is held against itself, so that a part that is known to be wrong does not count again.
        _, measured = compare_accuracy({name: mine, "float64": mine}, own, moves, exact[0].dtype)
        for error in measured:
            if error.execution == name and error.units > ACCURATE * max(1, calls):
                off.setdefault(error.quantity, []).append(error)
    for quantity, errors_of in off.items():
        arrays = {error.execution: checked[error.execution][quantity].array for error in errors_of}
        for error in errors_of:
            # Where others come to the same in the dtype asked about, that is its way, and no backend's.
            near = 0.1 * error.max_abs_error
            if any(distance(arrays[error.execution], a) < near for n, a in arrays.items() if n != error.execution):
                continue
            text = f"off by {error.units:.3g} units of {exact[0].dtype} rounding from its own float64 run"
            said.differences.append(
                Difference(quantity, error.execution, None, Cause.PRECISION, error.max_abs_error, error.units, text)
            )
    said.compared = sum(map(len, checked.values()))
    return said


def agree_closely(studies: Mapping[str, Study], steps: Mapping[str, Study]) -> bool:
    """Return whether executions agree on whole runs so closely that no float64 run need decide.

    Args:
        studies: For each execution what it computed in the dtype asked about.
        steps: For each what training steps of the same model gave, and how far they amplify one rounding; or nothing.
    """
    errors, checked = _split({name: study.checked for name, study in studies.items()})
    if errors or compare_structure(checked):
        return False
    moves: dict[Kind, float] = {}
    for quantity, move in itertools.chain.from_iterable(study.dtype_moves.items() for study in steps.values()):
        moves[quantity.kind] = max(moves.get(quantity.kind, 0.0), move)
    dtype = next(iter(studies.values())).dtype
    return all(
        are_close([value.array for value in holders.values()], moves.get(quantity.kind, 0.0), dtype)
        for quantity, holders in comparable(checked)
    )


def same_steps(steps: Study, composed: Study) -> bool:
    """Return whether an execution's own steps give what the same steps composed of their parts give, in float64.

    Args:
        steps: By Keras's own step.
        composed: Composed of the parts.
    """
    if isinstance(steps.reference, Raised) or isinstance(composed.reference, Raised):
        return False
    return not _apart(steps, steps.reference, composed.reference)


def judge_own_loop(name: str, whole: Study, batchwise: Study) -> list[Difference]:
    """Return what an execution's `fit`, `evaluate` and `predict` compute otherwise than its own batches one by one.

    So a fault in their loops is seen though parts of the training are wrong, too.

    Args:
        name: The execution's.
        whole: What the loops gave.
        batchwise: What the same batches gave.
    """
    if isinstance(whole.reference, Raised) or isinstance(batchwise.reference, Raised):
        return []
    if isinstance(whole.checked, Raised):
        return []
    text = "other than the same batches one by one: {:.3g} float32 rounding units apart in float64"
    return [
        Difference(d.quantity, name, None, Cause.SEMANTIC, d.max_abs_error, d.units, text.format(d.units))
        for d in _apart(whole, whole.reference, batchwise.reference)
        if d.cause is not None or d.units > ACCURATE
    ]


def _apart(study: Study, results: Results, others: Results) -> list[Difference]:
    """Return in what an execution's results differ from those that it got in another way, beyond its own noise."""
    both = {
        "one": {quantity: results[quantity] for quantity in others if quantity in results},
        "other": {quantity: others[quantity] for quantity in others if quantity in results},
    }
    differences, _ = compare_meaning(both, _shared_scales(both), shared_moves([study.noise]))
    return differences


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


def shared_moves(moves: Sequence[Moves]) -> dict[Quantity, float]:
    """Return, by quantity, the largest move that any execution measured of any quantity of its kind.

    Where a training step amplifies roundings, which weight they come out in is chance.
    """
    most: dict[tuple[Kind, str], float] = {}
    for measured in moves:
        for quantity, move in measured.items():
            kind = quantity.kind, quantity.family
            most[kind] = max(most.get(kind, 0.0), move)
    return {quantity: most[quantity.kind, quantity.family] for measured in moves for quantity in measured}


def _beyond_judging(reference: Everyone, noise: Moves) -> list[Quantity]:
    """Return the results that roundings alone move by as much as the largest of their kind: nothing could be found."""
    sizes = _family_sizes(reference)
    return [
        quantity
        for quantity, value in next(iter(reference.values())).items()
        if value.array.dtype.kind == "f"
        and ACCURATE * noise.get(quantity, 0.0) > 0.1 * max(sizes[quantity.kind, quantity.family], 1e-30)
    ]


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


def _split(answers: Mapping[str, Results | Raised]) -> tuple[dict[str, Raised], dict[str, Results]]:
    """Return what was raised, and the results of those that raised nothing."""
    errors = {name: answer for name, answer in answers.items() if isinstance(answer, Raised)}
    return errors, {name: answer for name, answer in answers.items() if not isinstance(answer, Raised)}


def _without(results: Everyone, kind: Kind) -> dict[str, Results]:
    return {name: {q: v for q, v in values.items() if q.kind is not kind} for name, values in results.items()}


def _to_be_accurate(call: CallOutline, checked: Everyone) -> dict[str, Results]:
    """Return the results that are judged in the dtype asked about: of a call with others within, its outputs alone."""
    if not call.inner:
        return dict(checked)
    return {n: {q: v for q, v in values.items() if q.kind is Kind.OUTPUT} for n, values in checked.items()}


def _shared_scales(results: Everyone) -> dict[Quantity, float]:
    """Return, by quantity, half a float32 unit of the largest one of its kind in the whole model.

    A gradient that is truly zero, as of a bias before a normalisation, is nothing but rounding, and so are its slots.
    """
    sizes = _family_sizes(results)
    return {
        quantity: 0.5 * UNIT_ROUNDOFF["float32"] * sizes[quantity.kind, quantity.family]
        for values in results.values()
        for quantity in values
    }


def _family_sizes(results: Everyone) -> dict[tuple[Kind, str], float]:
    """Return, by kind and family, the largest number among the results."""
    sizes: dict[tuple[Kind, str], float] = {}
    for values in results.values():
        for quantity, value in values.items():
            family = quantity.kind, quantity.family
            size = float(np.max(np.abs(value.array), initial=0.0, where=np.isfinite(value.array)))
            sizes[family] = max(sizes.get(family, 0.0), size)
    return sizes
