"""What a check has found so far: findings, measurements and notes, each once, in the order of the model's layers."""

import dataclasses
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from keras_parity.draws import Draw
from keras_parity.judge import Difference, Error, Judgement, size_of
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised
from keras_parity.verdict import Finding, Measurement

# What stands in place of a layer's path for the model's own code.
WHOLE = "(model)"
TRAINING = "(training)"


@dataclass(frozen=True)
class Place:
    """Where something was compared.

    Attributes:
        path: Of the layer; empty for the model's own code; in parentheses what is no layer.
        type: The class of what was called.
    """

    path: str
    type: str = ""

    @property
    def name(self) -> str:
        """What findings call it."""
        return self.path or WHOLE


@dataclass
class Ledger:
    """The books of one check.

    Attributes:
        executions: The names of all that take part.
        notes: What a reader should know and what turns no light red.
        compared: How many results were compared on ordinary data.
        finite: Whether an output of the whole model held a finite number on ordinary data, or could hold none.
        raised_everywhere: What the model raised in all executions on ordinary data, if it did.
        unjudged: The first call on ordinary data that nothing can be said about, and why.
        configurations: What layers and operations were made with, by path.
        functions: The backend's functions that each runs itself, on every backend, by its name in findings.
    """

    executions: tuple[str, ...]
    notes: list[str] = field(default_factory=list)
    compared: int = 0
    finite: bool = False
    raised_everywhere: str | None = None
    unjudged: str | None = None
    # By the path of a layer, who gives something else there where either is right: another whole number next to a real
    # one between both, another sign of an eigenvector.
    _excused: dict[str, set[str]] = field(default_factory=dict)
    _findings: dict[tuple[object, ...], Finding] = field(default_factory=dict)
    # The keys of those findings that tell of other whole numbers.
    _whole_numbers: set[tuple[object, ...]] = field(default_factory=set)
    _measurements: dict[tuple[object, ...], Measurement] = field(default_factory=dict)
    configurations: dict[str, Mapping[str, object]] = field(default_factory=dict)
    functions: dict[str, set[str]] = field(default_factory=dict)
    _order: dict[str, int] = field(default_factory=dict)
    _on_data: dict[str, bool] = field(default_factory=dict)
    _detours: dict[tuple[str, str], list[Quantity]] = field(default_factory=dict)
    _without_float64: set[tuple[str, str]] = field(default_factory=set)

    def see(
        self,
        path: str,
        configuration: Mapping[str, object] | None = None,
        *,
        on_data: bool = False,
        functions: Set[str] = frozenset(),
    ) -> None:
        """Give a place its turn in the order of findings, after those seen before.

        Args:
            path: Of the place.
            configuration: What is called there was made with.
            on_data: Whether it takes data that no trained weight has been at.
            functions: The backend's functions that it runs itself, on every backend.
        """
        self._order.setdefault(path, len(self._order))
        self._on_data[path] = on_data and self._on_data.get(path, True)
        if configuration:
            self.configurations.setdefault(path, configuration)
        self.functions.setdefault(Place(path).name, set()).update(functions)

    def add(self, place: Place, difference: Difference, mode: str, draw: Draw | None) -> None:
        """Keep a finding, unless a worse one of the same layer, execution, quantity and cause is known.

        Args:
            place: Where.
            difference: What differs.
            mode: `inference`, `training`, or `building`.
            draw: On which data; None where there was none, as in building.
        """
        assert difference.cause is not None  # a difference that may be rounding is no finding
        ordinary = draw is None or draw.ordinary
        new = Finding(
            layer=place.name,
            layer_type=place.type,
            execution=difference.execution,
            executions=self.executions,
            quantity=difference.quantity,
            mode=mode,
            cause=difference.cause,
            draw=draw.name if draw else "none",
            ordinary=ordinary,
            max_abs_error=difference.max_abs_error,
            rounding_units=difference.units,
            detail=difference.detail,
            on_data=self._on_data.get(place.path, False) and difference.quantity.is_of_input,
        )
        key = (place.name, difference.execution, difference.quantity, difference.cause)
        known = self._findings.get(key)
        worse = known is None or (
            (ordinary, size_of(difference.units)) > (known.ordinary, size_of(known.rounding_units))
        )
        if worse:
            self._findings[key] = new
            if difference.whole_numbers:
                self._whole_numbers.add(key)
            else:
                self._whole_numbers.discard(key)

    def keep(self, place: Place, said: Judgement, mode: str, draw: Draw, *, measured: bool = True) -> None:
        """Keep all that was said of one call or part.

        Args:
            place: Where.
            said: By the judge.
            mode: The mode.
            draw: On which data.
            measured: Whether the errors count for the reports.
        """
        for difference in said.differences:
            self.add(place, difference, mode, draw)
        for who, quantity in said.detours:
            self._detours.setdefault((place.name, who), []).append(quantity)
        for text in said.notes:
            self.note(f"{place.name} {text}")
        for error in said.errors if measured else ():
            self._measure(place, error)
        if draw.ordinary:
            self.compared += said.compared

    @property
    def places(self) -> int:
        """How many places have been seen, the layers of the model among them."""
        return len(self._order)

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def note_without_float64(self, name: str, place: Place, error: Raised) -> None:
        """Note that an execution has no float64 results at a place, so that others' judge it; each error once."""
        if error.unsupported:
            self.note(f"{name} computes in float32 at most: the others' float64 results judge it, in inference")
        elif (name, error.text) not in self._without_float64:
            self._without_float64.add((name, error.text))
            self.note(f"in float64 alone: {name} raises at {place.name}: {error.text}")

    def cannot_judge(self, place: Place, text: str, draw: Draw) -> None:
        """Note a place that nothing can be said about; on ordinary data the check is then inconclusive."""
        self.note(f"{place.name} {text}")
        if draw.ordinary:
            self.unjudged = self.unjudged or f"{place.name} {text}"

    def excuse_rounding(self, place: Place, executions: Iterable[str]) -> None:
        """Keep who gives another whole number at a place, where either is right: what differs behind it is excused."""
        self._excused.setdefault(place.name, set()).update(executions)
        self.note(f"{place.name} rounds to whole numbers: where a value lies between two, backends may take either")

    def excuse_choice(self, place: Place, executions: Iterable[str]) -> None:
        """Keep which executions made another valid choice at a place; what differs behind it is excused."""
        self._excused.setdefault(place.name, set()).update(executions)
        self.note(
            f"{place.name} leaves a choice open, such as a sign or the order of equal values: differences that come "
            "from this choice alone are no findings"
        )

    @property
    def excused(self) -> set[str]:
        """Who gives another whole number, or makes another choice, somewhere, where either is right."""
        return set().union(*self._excused.values())

    @property
    def whole_numbers_differ(self) -> bool:
        """Whether a finding tells of other whole numbers."""
        return bool(self._whole_numbers)

    def blamed_within(self, path: str) -> set[str | None]:
        """Return which executions differ in the layers within a path, for a fault or for what is excused."""
        excused = (who for layer, who in self._excused.items() if _is_within(layer, path))
        return self.faulty_within(path).union(*excused)

    def faulty_within(self, path: str) -> set[str | None]:
        """Return which executions differ in the layers within a path for a fault."""
        return {finding.execution for finding in self._within(path)}

    def layers_within(self, path: str, execution: str) -> frozenset[str]:
        """Return the layers within a path at which an execution differs, for a fault or for what is excused."""
        excused = {layer for layer, who in self._excused.items() if _is_within(layer, path) and execution in who}
        return frozenset(f.layer for f in self._within(path) if f.execution == execution) | excused

    def _within(self, path: str) -> list[Finding]:
        return [finding for finding in self._findings.values() if _is_within(finding.layer, path)]

    @property
    def findings(self) -> list[Finding]:
        """The findings in the order of the model's layers; what is no layer comes last.

        An execution that raised an error at a place is not compared in the other findings there: two of three may
        raise. If only its gradients raised, it is left out of the findings on gradients. Likewise, if two executions
        are inaccurate, each is compared with the accurate ones alone.
        """
        raised: dict[tuple[str, str, bool], set[str | None]] = {}
        inaccurate: dict[tuple[str, Quantity], set[str | None]] = {}
        for finding in self._findings.values():
            if finding.cause is Cause.ERROR:
                of_gradients = finding.quantity.kind is Kind.GRADIENT
                for backward in {True, of_gradients}:
                    raised.setdefault((finding.layer, finding.mode, backward), set()).add(finding.execution)
            elif finding.cause is Cause.PRECISION:
                inaccurate.setdefault((finding.layer, finding.quantity), set()).add(finding.execution)

        def taking_part(finding: Finding) -> tuple[str, ...]:
            lost = raised.get((finding.layer, finding.mode, finding.quantity.kind is Kind.GRADIENT), set())
            if finding.cause is Cause.PRECISION and finding.execution is not None:
                lost = lost | inaccurate[finding.layer, finding.quantity]
            left = tuple(name for name in finding.executions if name not in lost - {finding.execution})
            return left if len(left) > 1 else finding.executions

        found = [dataclasses.replace(finding, executions=taking_part(finding)) for finding in self._findings.values()]
        return sorted(found, key=lambda finding: self._place_in_order(finding.layer))

    @property
    def measurements(self) -> list[Measurement]:
        """The worst errors in the order of the model's layers."""
        return sorted(self._measurements.values(), key=lambda measurement: self._place_in_order(measurement.layer))

    @property
    def all_notes(self) -> list[str]:
        """The notes, with one for each place that computes otherwise in float64 alone."""
        detours = []
        for (place, who), quantities in self._detours.items():
            if place == TRAINING and len(self._detours) > 1:
                continue  # steps show what their parts do
            others = len(set(quantities)) - 1
            several = f" and {others} more of its results" if others else ""
            verb = "compute" if " and " in who else "computes"
            detours.append(
                f"in float64 alone: at {place}, {who} {verb} the {quantities[0]}{several} with float32 steps or "
                "constants; there is no such difference in the dtype under test"
            )
        return self.notes + detours

    def _place_in_order(self, layer: str) -> int:
        return self._order.get(layer, len(self._order))

    def _measure(self, place: Place, error: Error) -> None:
        backward = error.quantity.backward
        key = (place.path, error.execution, backward)
        known = self._measurements.get(key)
        if known is None or error.units > known.rounding_units:
            self._measurements[key] = Measurement(
                layer=place.name,
                layer_type=place.type,
                execution=error.execution,
                direction="backward" if backward else "forward",
                rounding_units=error.units,
                quantity=error.quantity,
                max_abs_error=error.max_abs_error,
                allowed=error.allowed,
            )


def _is_within(layer: str, path: str) -> bool:
    return layer.startswith(path + "/" if path else "") and layer != WHOLE
