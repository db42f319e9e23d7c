"""Judging training: parts of it, run alone, and whole steps, `fit`, `evaluate` and `predict`."""

import itertools
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from keras_parity.judge.accuracy import ACCURATE, are_close, compare_accuracy, compare_without_reference
from keras_parity.judge.difference import Difference, Error, Everyone, comparable, count_compared, distance
from keras_parity.judge.doubts import AskNeighbours, sort_differences
from keras_parity.judge.judgement import Judgement, Moves, median_moves, open_judgement, split, without
from keras_parity.judge.meaning import compare_meaning
from keras_parity.judge.structure import compare_structure
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Results, Study
from keras_parity.protocol.rounding import UNIT_ROUNDOFF

# What is so much smaller than others of its kind, as a penalty of nothing beside the loss, may be nothing but rounding.
_NOTHING = 2.0**-20


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
    said, checked, everything = open_judgement(studies, kind)
    if len(checked) < 2:
        return said
    if not everything:
        return _without_reference(said, studies, checked, underflows)
    sound = {name: studies[name] for name in everything}
    dtype = next(iter(sound.values())).dtype
    # In float32 a weight's move is lost in the weight's own rounding: there the weight itself is compared.
    reference = without(everything, Kind.AFTER_UPDATES)
    checked = without(checked, Kind.UPDATE)
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
    accurate = _above_float16(checked) if underflows else checked
    if any(len(accurate[name]) < len(checked[name]) for name in checked):
        said.notes.append("was compared in float64 alone: in float16 an optimiser's moments underflow")
    moves = median_moves([study.dtype_moves for study in sound.values()])
    differences, said.errors = compare_accuracy(accurate, exact, moves, dtype)
    said.differences += [difference for difference in differences if difference.execution not in blamed]
    said.compared = count_compared(checked)
    return said


def _without_reference(
    said: Judgement, studies: Mapping[str, Study], checked: Mapping[str, Results], underflows: bool
) -> Judgement:
    """Return the judgement on a part that no execution computes in float64: they are compared with each other.

    The change of a weight is compared directly, since all executions lose the same digits of it in the weight.
    """
    said.differences += compare_structure(checked)
    moves = median_moves([studies[name].dtype_moves for name in checked])
    accurate = _above_float16(checked) if underflows else checked
    said.differences += compare_without_reference(accurate, moves, studies[next(iter(checked))].dtype)
    said.compared = count_compared(accurate)
    return said


def _above_float16(results: Everyone) -> dict[str, Results]:
    return {name: {q: v for q, v in values.items() if v.dtype != "float16"} for name, values in results.items()}


def judge_steps(studies: Mapping[str, Study], calls: int = 1) -> Judgement:
    """Judge whole training steps: their meaning in float64, against how far they amplify float64's own roundings.

    Args:
        studies: For each execution what it computed, each with a perturbation of its own.
        calls: How many calls the model makes: where float64 cannot decide, each may be off by its own units.
    """
    said, checked, reference = open_judgement(studies, Kind.STEP)
    if len(checked) < 2:
        return said
    said.differences += compare_structure(checked)
    references = {quantity: name for name, values in reference.items() for quantity in values}
    if len(reference) > 1:
        exact = [studies[name] for name in reference]
        noise = _shared_noise(exact, reference)
        differences, references = compare_meaning(reference, _shared_scales(reference), noise)
        seen = {name: checked[name] for name in reference}
        found = sort_differences(differences, reference, seen, exact[0].dtype)
        said.differences += found.meant
        said.detours += found.detours
        if lost := _beyond_judging(reference, noise):
            text = f"amplifies roundings so much that its {lost[0]} cannot be judged"
            said.notes.append(f"{text}: take fewer steps or a larger batch")
            said.beyond_judging = text if lost[0].is_after_first_step else ""
    said.differences += _differences_without_float64(studies, checked, references, calls)
    said.compared = count_compared(checked)
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
    said, checked, reference = open_judgement(studies, kind)
    if len(checked) < 2:
        return said
    said.differences += compare_structure(checked)
    exact = [studies[name] for name in reference]
    moves = shared_moves([study.dtype_moves for study in exact])
    # Where no two agreed on a part, nobody can be told apart by the whole.
    unblamed = {} if None in blamed else {name: v for name, v in reference.items() if name not in blamed}
    references = {quantity: name for name, values in unblamed.items() for quantity in values}
    if len(unblamed) > 1:
        differences, references = compare_meaning(unblamed, _shared_scales(unblamed), _shared_noise(exact, unblamed))
        found = sort_differences(differences, unblamed, {n: checked[n] for n in unblamed}, exact[0].dtype)
        said.differences += found.meant
    said.differences += _differences_without_float64(
        studies, {name: v for name, v in checked.items() if name not in blamed}, references, calls
    )
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
    said.compared = count_compared(checked)
    return said


def _differences_without_float64(
    studies: Mapping[str, Study], checked: Everyone, references: Mapping[Quantity, str], calls: int
) -> list[Difference]:
    """Return the differences of executions that have no float64 results of their own.

    They are compared with the others' float64 results; if there are none, all are compared with each other.

    Args:
        studies: For each execution what it computed.
        checked: The results in the dtype asked about of those to compare.
        references: By quantity who gives its float64 result.
        calls: How many calls the model makes.
    """
    lacking = {name for name in checked if isinstance(studies[name].reference, Raised)}
    if not lacking or len(checked) < 2:
        return []
    dtype, allowed = studies[next(iter(lacking))].dtype, ACCURATE * max(1, calls)
    if lacking == set(checked):
        moves = shared_moves([studies[name].dtype_moves for name in lacking])
        return compare_without_reference(checked, moves, dtype, allowed)
    _, exact = split({name: studies[name].reference for name in set(references.values())})
    arrays = {quantity: exact[name][quantity].array for quantity, name in references.items()}
    moves = shared_moves([studies[name].dtype_moves for name in exact])
    differences, _ = compare_accuracy(checked, arrays, moves, dtype, allowed)
    concerned = [
        d for d in differences if d.execution in lacking or (not d.execution and lacking & set(d.pair or lacking))
    ]
    return concerned if len(checked) > 2 else [replace(difference, execution=None) for difference in concerned]


def agree_closely(studies: Mapping[str, Study], steps: Mapping[str, Study]) -> bool:
    """Return whether executions agree on whole runs so closely that no float64 run need decide.

    Args:
        studies: For each execution what it computed in the dtype asked about.
        steps: For each what training steps of the same model gave, and how far they amplify one rounding; or nothing.
    """
    errors, checked = split({name: study.checked for name, study in studies.items()})
    if errors or compare_structure(checked):
        return False
    moves: dict[tuple[Kind, str], float] = {}
    for quantity, move in itertools.chain.from_iterable(study.dtype_moves.items() for study in steps.values()):
        # What each step reports of one name: `fit` reports it once.
        group = _moving_with(replace(quantity, name=quantity.family))
        moves[group] = max(moves.get(group, 0.0), move)
    dtype = next(iter(studies.values())).dtype
    return all(
        are_close(
            [value.array for value in holders.values()],
            moves.get(_moving_with(replace(quantity, name=quantity.family)), 0.0),
            dtype,
        )
        for quantity, holders in comparable(checked)
    )


def same_steps(steps: Study, composed: Study) -> bool:
    """Return whether an execution's own steps give what the same steps composed of their parts give.

    That is asked in float64, or where neither has such results, in the dtype asked about.

    Args:
        steps: By Keras's own step.
        composed: Composed of the parts.
    """
    if isinstance(steps.reference, Raised) and isinstance(composed.reference, Raised):
        found = {"own": steps.checked, "composed": composed.checked}
        raising, both = split(found)
        moves = shared_moves([steps.dtype_moves])
        return not raising and not compare_without_reference(both, moves, steps.dtype)
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
    differences, _ = compare_meaning(both, _shared_scales(both), _shared_noise([study], both))
    return differences


def shared_moves(moves: Sequence[Moves]) -> dict[Quantity, float]:
    """Return, by quantity, the largest move that any execution measured of any that moves with it.

    Where a training step amplifies roundings, which trained weight they come out in is chance: the gradient of a bias
    before a normalisation is nothing but rounding, and Adam makes a step of it. What each step reports stands alone: it
    amplifies what the one before has left.
    """
    most: dict[tuple[Kind, str], float] = {}
    for measured in moves:
        for quantity, move in measured.items():
            most[_moving_with(quantity)] = max(most.get(_moving_with(quantity), 0.0), move)
    return {quantity: most[_moving_with(quantity)] for measured in moves for quantity in measured}


def _moving_with(quantity: Quantity) -> tuple[Kind, str]:
    if quantity.kind is Kind.AFTER_TRAINING and quantity.family.startswith("trained "):
        return quantity.kind, "trained"
    return quantity.kind, quantity.name if quantity.kind is Kind.LOG else quantity.family


def _shared_noise(studies: Sequence[Study], reference: Everyone) -> dict[Quantity, float]:
    """Return, by quantity, what float64's own roundings may amount to.

    That is what was measured, and no less than one rounding of the largest result of its kind: what is truly zero, as a
    penalty of nothing, may be the difference of two large ones.
    """
    noise = shared_moves([study.noise for study in studies])
    return {
        quantity: max(noise.get(quantity, 0.0), UNIT_ROUNDOFF["float64"] * size)
        for quantity, size in _sizes_of_kinds(reference).items()
    }


def _beyond_judging(reference: Everyone, noise: Moves) -> list[Quantity]:
    """Return the results that roundings alone move by as much as the largest of their family: nothing could be found.

    What is nothing but rounding beside the others of its kind is no loss.
    """
    families, kinds = _sizes_of_families(reference), _sizes_of_kinds(reference)
    return [
        quantity
        for quantity, value in next(iter(reference.values())).items()
        if value.array.dtype.kind == "f"
        and ACCURATE * noise.get(quantity, 0.0) > 0.1 * max(families[quantity], _NOTHING * kinds[quantity], 1e-30)
    ]


def _shared_scales(results: Everyone) -> dict[Quantity, float]:
    """Return, by quantity, half a float32 unit of the largest one of its family in the whole model.

    A gradient that is truly zero, as of a bias before a normalisation, is nothing but rounding, and so are its slots.
    """
    return {q: 0.5 * UNIT_ROUNDOFF["float32"] * size for q, size in _sizes_of_families(results).items()}


def _sizes_of_families(results: Everyone) -> dict[Quantity, float]:
    """Return, by quantity, the largest number among the results of its kind and family."""
    return _largest_of(results, lambda quantity: (quantity.kind, quantity.family))


def _sizes_of_kinds(results: Everyone) -> dict[Quantity, float]:
    """Return, by quantity, the largest number among the results of its kind; of slots, among those of its sort."""
    return _largest_of(results, lambda q: (q.kind, q.family if q.kind is Kind.SLOT else ""))


def _largest_of(results: Everyone, group: Callable[[Quantity], tuple[Kind, str]]) -> dict[Quantity, float]:
    sizes: dict[tuple[Kind, str], float] = {}
    for values in results.values():
        for quantity, value in values.items():
            size = float(np.max(np.abs(value.array), initial=0.0, where=np.isfinite(value.array)))
            sizes[group(quantity)] = max(sizes.get(group(quantity), 0.0), size)
    return {quantity: sizes[group(quantity)] for values in results.values() for quantity in values}
