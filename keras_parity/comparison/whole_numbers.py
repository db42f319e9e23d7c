"""Whole numbers that a call rounds: if a real number lies on the boundary between two, both are right."""

from dataclasses import dataclass, field, replace

import numpy as np

from keras_parity.comparison.judged_call import JudgedCall
from keras_parity.judge import Difference, is_rounding
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Raised, Results
from keras_parity.protocol.tasks import FindBounds, Neighbours


@dataclass
class WholeNumbers(JudgedCall):
    """What one call gives in whole numbers."""

    # What `FindBounds` answered, once it was asked.
    _found: Neighbours | None = field(default=None, init=False)

    def explain(self, difference: Difference) -> bool:
        """Return whether a difference is one of rounding alone, and keep that it is."""
        if difference.cause is not Cause.SEMANTIC or difference.max_abs_error != 1.0 or difference.pair is None:
            return False
        results, bounds = self._exact(), self._bounds_of(difference.quantity, difference.pair)
        if not bounds or not is_rounding(results, difference.quantity, bounds):
            return False
        self._excuse(difference.concerned)
        return True

    def name_beside(self, difference: Difference) -> Difference:
        """Return a difference with the name of who is alone, if the others differ by rounding."""
        if not difference.whole_numbers or difference.pair is None:
            return difference
        if difference.execution is not None or len(self.studies) < 3:
            return difference
        results, bounds = self._exact(), self._bounds_of(difference.quantity, difference.pair)
        for name in results if bounds else ():
            others = {other: found for other, found in results.items() if other != name}
            if is_rounding(others, difference.quantity, bounds):
                self._excuse(set(others))
                return replace(difference, execution=name, pair=(name, next(iter(others))))
        return difference

    def excuse_in_the_dtype(self) -> None:
        """Note which executions round to another valid number in the dtype under test than in float64."""
        first = next(iter(self._exact().items()), None)
        if first is None:
            return
        name, exact = first
        for quantity, value in exact.items():
            if quantity.kind is not Kind.OUTPUT or value.array.dtype.kind not in "iu":
                continue
            other = {
                who: study.checked
                for who, study in self.studies.items()
                if not isinstance(study.checked, Raised)
                and quantity in study.checked
                and not np.array_equal(study.checked[quantity].array, value.array)
            }
            bounds = self._bounds_of(quantity, (name,)) if other else []
            who = {who for who, one in other.items() if is_rounding({name: exact, "": one}, quantity, bounds)}
            if who:
                self._excuse(who)

    def _exact(self) -> dict[str, Results]:
        """Return the float64 results."""
        return {n: s.reference for n, s in self.studies.items() if not isinstance(s.reference, Raised)}

    def _bounds_of(self, quantity: Quantity, names: tuple[str, ...]) -> list[np.ndarray]:
        """Return the bounds that `is_rounding` takes; none where they cannot be had, or one has no such result."""
        results = self._exact()
        asked = next((name for name in self.check.participants.exact if name in results), None)
        if asked is None or any(quantity not in results.get(name, {}) for name in names):
            return []
        if self._found is None:
            self.return_to()
            self._found = self.check.participants.ask(asked, FindBounds(self.call.key, self.arrays, self.training))
        return self._found.get(quantity, [])

    def _excuse(self, executions: set[str]) -> None:
        self.check.ledger.excuse_rounding(Place(self.call.path), executions)
