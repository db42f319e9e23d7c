"""Runs of the whole model, and the replay of each call in them with inputs that all executions share."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from keras_parity.comparison.check import PORTION, SAMPLES, Check
from keras_parity.comparison.enclosing import Enclosing
from keras_parity.comparison.whole_numbers import WholeNumbers
from keras_parity.draws import Draw
from keras_parity.judge import (
    Difference,
    Nearby,
    agree_at_once,
    has_finite,
    judge_call,
    largest,
    raised,
)
from keras_parity.ledger import Place
from keras_parity.participants import Begun
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Raised, Ran, Study
from keras_parity.protocol.rounding import UNIT_ROUNDOFF
from keras_parity.protocol.tasks import CallInputs, MeasureCalls, ReplayNeighbours, RunModel, StudyCalls

# The calls of a run by their keys.
Calls = dict[str, CallOutline]


@dataclass(frozen=True)
class Pass:
    """One run of the model, whose calls are to be compared.

    Attributes:
        draw: The model's inputs.
        training: The mode.
        backward: Whether to compare gradients.
        everything: Whether to replay every call; else those that depend on the mode and the whole model, and the others
            only where the whole model's results may differ.
        measure: Whether to measure every unavoidable error, for the reports; else those that the decision needs.
    """

    draw: Draw
    training: bool
    backward: bool
    everything: bool = True
    measure: bool = True

    @property
    def mode(self) -> str:
        """The mode's name."""
        return "training" if self.training else "inference"


@dataclass
class Passes:
    """The passes of a check, one after the other.

    While the answers of one are judged, the workers run the next.

    Attributes:
        check: The check.
        upcoming: What to run; the next one is asked for when the one before has run everywhere.
        depends_on_mode: Whether any layer of the model computes otherwise in training, as far as is known.
    """

    check: Check
    upcoming: Iterator[Pass] = field(default_factory=lambda: iter(()))
    depends_on_mode: bool = True
    # The pass after this one, and its run if the workers were sent on to it while this one is judged.
    _following: Pass | None = None
    _begun: tuple[Begun[Ran], str] | None = None
    # Whether calls of the last pass had to be measured after their study.
    _doubted: bool = False
    # By a call's key, the largest entry of each of its gradients on the first ordinary draw.
    _usual: dict[str, dict[Quantity, float]] = field(default_factory=dict)

    def run(self, passes: Iterator[Pass]) -> None:
        """Compare the calls of some passes."""
        self.upcoming = passes
        while (current := self._following or next(self.upcoming, None)) is not None:
            self._following = None
            self._compare(current)

    def _compare(self, current: Pass) -> None:
        check, ledger = self.check, self.check.ledger
        check.say(f"{current.mode}, {current.draw.name}")
        ran, driver = self._run(current)
        if not self._report_raised(ran, current):
            return
        calls = {name: {call.key: call for call in answer.calls} for name, answer in ran.items()}
        whole = [name for name, answer in ran.items() if answer.raised is None]
        for name in whole:
            if (uncompiled := ran[name].uncompiled) is not None:
                ledger.note(f"{name} cannot compile the model, which was run eagerly: {uncompiled.text}")
        able = self._with_float64(ran, whole)
        if driver not in (able or whole):
            driver = (able or whole)[0]
            check.participants.ask(driver, RunModel(current.draw.inputs, current.training, True))
        self.depends_on_mode = any(call.moded for made in calls.values() for call in made.values())
        for call in calls[driver].values():
            functions = frozenset.intersection(*(m[call.key].functions for m in calls.values() if call.key in m))
            ledger.see(call.path, call.configuration, on_data=call.on_data, functions=functions)
        models = _whole_calls(calls[driver])
        portions = list(_portions(calls[driver], models, current.everything))
        for keys in portions:
            shared = check.participants.ask(driver, CallInputs(keys))
            tasks = self._study_tasks(shared, calls, current)
            studied = check.participants.begin(tasks)
            if keys is portions[-1]:
                self._send_ahead()
            held = _by_key(studied.answers(), shared)
            if not current.measure:
                doubtful = self._measure_doubtful(calls[driver], held, tasks, current)
                # Whatever has been found: what differs here may be another fault, which this mode alone shows.
                if not current.everything and models & doubtful:
                    self._call_back()
                    self._compare(replace(current, everything=True))
                    return
            for key in keys:
                if key in models and current.draw.ordinary:
                    ledger.finite |= any(map(_gives_finite, held[key].values()))
                if len(held[key]) > 1:
                    self._judge(calls[driver][key], held[key], shared[key], current)
        self._note_other_calls({name: calls[name] for name in whole})

    def _judge(self, call: CallOutline, studies: dict[str, Study], arrays: list[np.ndarray], current: Pass) -> None:
        """Judge one call; what a call within it does wrong is not its fault."""
        ledger, place = self.check.ledger, Place(call.path, call.type)
        studies = self._heed_usual_sizes(call, studies, current)
        judged = (
            self.check,
            call,
            studies,
            arrays,
            current.training,
            current.backward,
            partial(self._return_to, current),
        )
        whole, around = WholeNumbers(*judged), Enclosing(*judged)

        def explained(difference: Difference) -> bool:
            return whole.explain(difference) or around.explain(difference)

        which = call.key, arrays, current.training, current.backward
        ask = self.check.neighbours(partial(ReplayNeighbours, *which))

        def neighbours(pair: tuple[str, str], wanted: list[Quantity]) -> Nearby:
            self._return_to(current)
            return ask(pair, wanted)

        said = judge_call(call, arrays, studies, explained, neighbours)
        said.differences = [whole.name_beside(difference) for difference in said.differences]
        whole.excuse_in_the_dtype()
        if said.raised_everywhere:
            text = f"raises on every backend when it is replayed: {said.raised_everywhere.text}"
            ledger.cannot_judge(place, text, current.draw)
        if said.chosen:
            ledger.excuse_choice(place, said.chosen)
        for name, error in said.without_float64.items():
            ledger.note_without_float64(name, place, error)
        ledger.keep(place, said, current.mode, current.draw)

    def _heed_usual_sizes(self, call: CallOutline, studies: dict[str, Study], current: Pass) -> dict[str, Study]:
        """Return studies in which no gradient of an edge draw is asked to be more exact than an ordinary one.

        Where a sigmoid is saturated, its gradient is smaller than what rounding takes from an ordinary one, and 1 less
        the sigmoid has no digits left: it is as good as zero.
        """
        if current.draw.ordinary:
            usual = self._usual.setdefault(call.key, {})
            for study in studies.values():
                if not isinstance(study.reference, Raised):
                    for quantity, value in study.reference.items():
                        if quantity.kind is Kind.GRADIENT:
                            usual.setdefault(quantity, largest([value.array]))
            return studies
        usual = self._usual.get(call.key, {})

        def at_least(moves: Mapping[Quantity, float], unit: float) -> dict[Quantity, float]:
            return {quantity: max(move, 0.5 * unit * usual.get(quantity, 0.0)) for quantity, move in moves.items()}

        return {
            name: replace(
                study,
                moves=at_least(study.moves, UNIT_ROUNDOFF["float32"]),
                dtype_moves=at_least(study.dtype_moves, UNIT_ROUNDOFF[study.dtype]),
            )
            for name, study in studies.items()
        }

    def _run(self, current: Pass) -> tuple[dict[str, Ran], str]:
        """Return what a pass's run of the model leaves everywhere, and who kept the inputs of each call."""
        (begun, driver), self._begun = self._begun or self._begin_run(current), None
        return begun.answers(), driver

    def _begin_run(self, current: Pass) -> tuple[Begun[Ran], str]:
        participants = self.check.participants
        driver, *_ = names = participants.trainers if current.training else participants.active
        tasks = {name: RunModel(current.draw.inputs, current.training, name == driver) for name in names}
        return participants.begin(tasks), driver

    def _send_ahead(self) -> None:
        """Let each worker run the next pass as soon as it has answered, while the others' answers are awaited."""
        self._following = self._following or next(self.upcoming, None)
        # If calls of the last pass had to be measured further, those of this one probably will: workers must hold them.
        doubted, self._doubted = self._doubted, False
        if self._following is not None and not (self.check.participants.one_at_a_time or doubted):
            self._begun = self._begin_run(self._following)

    def _call_back(self) -> bool:
        """Forget that the workers were sent ahead; return whether they were."""
        if self._begun is None or self._following is None:
            return False
        self._run(self._following)
        return True

    def _return_to(self, current: Pass) -> None:
        """Let the workers hold a pass's calls again: there is more to ask about them."""
        if self._call_back():
            self._run(current)

    def _study_tasks(
        self, shared: dict[str, list[np.ndarray]], calls: dict[str, Calls], current: Pass
    ) -> dict[str, StudyCalls]:
        """Return what has calls replayed everywhere.

        Args:
            shared: For each call's key its tensors.
            calls: For each execution the calls that it made.
            current: What the calls are from.
        """
        return {
            name: StudyCalls(
                {key: arrays for key, arrays in shared.items() if _takes(calls[name].get(key), arrays)},
                current.training,
                _share_of_samples(i, len(calls)) if current.measure else [],
                current.backward,
                _usual_dtypes(name, calls, shared),
                keep=not (current.measure or self.check.large),
            )
            for i, name in enumerate(calls)
            if name in self.check.participants.active
        }

    def _measure_doubtful(
        self, calls: Calls, held: dict[str, dict[str, Study]], tasks: dict[str, StudyCalls], current: Pass
    ) -> set[str]:
        """Measure the unavoidable errors of those calls on which executions may differ; return which they are.

        Most of them differ only by float64's own rounding, for example where a gradient is exactly zero. So this is
        measured first.

        Args:
            calls: The pass's calls.
            held: By key and execution what was studied; gets the measures.
            tasks: What it was studied by.
            current: The pass.
        """
        doubtful: set[str] = set()
        for alike in (False, True):
            doubtful = {key for key, studies in held.items() if not agree_at_once(calls[key], studies)}
            if not doubtful:
                break
            self._doubted = True
            self._return_to(current)
            measures = self.check.participants.ask_each(
                {
                    name: MeasureCalls(_narrowed(task, doubtful, _share_of_samples(i, len(tasks)), alike), alike)
                    for i, (name, task) in enumerate(tasks.items())
                    if name in self.check.participants.active
                }
            )
            for key in doubtful:
                held[key] = {
                    name: study.measured(measures[name][key]) for name, study in held[key].items() if name in measures
                }
        return doubtful

    def _report_raised(self, ran: dict[str, Ran], current: Pass) -> bool:
        """Keep what runs have raised; return whether any finished."""
        errors = {name: answer.raised for name, answer in ran.items() if answer.raised is not None}
        ledger, draw = self.check.ledger, current.draw
        if len(errors) == len(ran):
            text = f"{next(iter(errors.values())).text} (in {current.mode})"
            if draw.ordinary and not draw.around:
                ledger.raised_everywhere = ledger.raised_everywhere or text
            else:
                ledger.note(f"on the draw {draw.name!r} the model raises on every backend: {text}")
            return False
        for name, error in errors.items():
            difference = raised(Quantity(Kind.OUTPUT), name, error.text)
            ledger.add(Place(error.at), difference, current.mode, draw)
        return True

    def _with_float64(self, ran: dict[str, Ran], whole: list[str]) -> list[str]:
        """Return who has run the model in float64, too; note what the others raised there."""
        errors = {name: error for name in whole if (error := ran[name].reference_raised) is not None}
        for name, error in errors.items():
            self.check.ledger.note_without_float64(name, Place(error.at), error)
        return [name for name in whole if name not in errors]

    def _note_other_calls(self, calls: dict[str, Calls]) -> None:
        """Note which calls not all make: code may choose by the backend, and what encloses such calls is compared."""
        lists = {
            name: {f"{key} of {call.tensors} tensors" for key, call in made.items()} for name, made in calls.items()
        }
        common = set.intersection(*lists.values()) if lists else set()
        for name, made in lists.items():
            if own := sorted(made - common):
                more = f" and {len(own) - 1} more" if len(own) > 1 else ""
                self.check.ledger.note(f"not every backend makes the same calls: {own[0]}{more} on {name}")


def _share_of_samples(i: int, executions: int) -> list[int]:
    """Return the seeds of those perturbations that one of several executions is to take."""
    return list(range(i, SAMPLES, executions))


def _narrowed(task: StudyCalls, keys: set[str], samples: list[int], alike: bool) -> StudyCalls:
    """Return a study of some of the calls, with samples to measure by; the noise is measured once."""
    inputs = {key: arrays for key, arrays in task.inputs.items() if key in keys}
    return replace(task, inputs=inputs, samples=samples if alike else samples[:1])


def _by_key(answers: dict[str, dict[str, Study]], keys: Iterable[str]) -> dict[str, dict[str, Study]]:
    return {key: {name: answer[key] for name, answer in answers.items() if key in answer} for key in keys}


def _gives_finite(study: Study) -> bool:
    """Return whether an output of a call holds a finite number, or there is none that could hold one."""
    if isinstance(study.checked, Raised):
        return False
    outputs = [value.array for quantity, value in study.checked.items() if quantity.kind is Kind.OUTPUT]
    return not outputs or any(map(has_finite, outputs))


def _takes(call: CallOutline | None, arrays: list[np.ndarray]) -> bool:
    """Return whether an execution made a call, of as many tensors: on one backend a number may be none."""
    return call is not None and call.tensors == len(arrays)


def _usual_dtypes(
    name: str, calls: dict[str, Calls], shared: dict[str, list[np.ndarray]]
) -> dict[str, tuple[str, ...]]:
    """Return the dtypes that most took, of those calls that an execution made with other floating-point ones.

    A layer that gives another dtype is blamed itself; the one behind it is compared on the same inputs.
    """
    usual = {}
    for key, arrays in shared.items():
        taken = {who: made[key].dtypes for who, made in calls.items() if _takes(made.get(key), arrays)}
        common, count = Counter(taken.values()).most_common(1)[0] if taken else ((), 0)
        if name not in taken or taken[name] == common or 2 * count <= len(taken):
            continue
        if all(
            own == most or {own, most} <= UNIT_ROUNDOFF.keys() for own, most in zip(taken[name], common, strict=True)
        ):
            usual[key] = common
    return usual


def _whole_calls(calls: Calls) -> set[str]:
    """Return the keys of what is compared as the whole model: its own calls, or the one operation that it holds."""
    whole = {key for key, call in calls.items() if not call.path}
    if len(whole) == 1:
        root = calls[next(iter(whole))]
        only = calls.get(root.inner[0]) if root.functional and len(root.inner) == 1 else None
        if only is not None and only.bytes == root.bytes:
            return {only.key}
    return whole


def _portions(calls: Calls, whole: set[str], everything: bool) -> Iterator[list[str]]:
    """Yield the keys of the calls to replay, inner ones before the one around them, in portions that fit in memory."""
    wanted = [key for key, call in calls.items() if key in whole or (call.path and (everything or call.moded))]
    portion: list[str] = []
    size = 0
    for key in reversed(wanted):
        if portion and size + calls[key].bytes > PORTION:
            yield portion
            portion, size = [], 0
        portion.append(key)
        size += calls[key].bytes
    if portion:
        yield portion
