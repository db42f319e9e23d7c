"""Calls that enclose others: which of their differences come from within, and which are their own code's."""

from dataclasses import dataclass, field, replace

from keras_parity.comparison.judged_call import JudgedCall
from keras_parity.judge import DECOMPOSITIONS, Difference, allowed_units, differ_around, same_but_for_choices
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from keras_parity.protocol.results import Around, Raised
from keras_parity.protocol.tasks import ReplayAround

# The kinds of results that prove what a call's own code does. Losses and states also come from the layers within.
_PROVEN = (Kind.OUTPUT, Kind.GRADIENT)


@dataclass
class Enclosing(JudgedCall):
    """A call that encloses others."""

    # By execution, and whether in float64, what its own code does wrong.
    _own: dict[tuple[str, bool], set[Quantity]] = field(default_factory=dict, init=False)

    def explain(self, difference: Difference) -> bool:
        """Return whether a difference comes from the calls within, or from a choice that its own code leaves open."""
        return self._comes_from_within(difference) or self._is_choice(difference)

    def _comes_from_within(self, difference: Difference) -> bool:
        blamed = self.check.ledger.blamed_within(self.call.path)
        if not (self.call.inner and blamed & {difference.execution, None, *(difference.pair or ())}):
            return False
        quantity = difference.quantity
        if quantity.kind not in _PROVEN or quantity.aspect is not Aspect.VALUE:
            return True
        exact = difference.cause is not Cause.PRECISION
        return not any(quantity in self._wrong(name, exact) for name in difference.concerned)

    def _wrong(self, name: str, exact: bool) -> set[Quantity]:
        if (name, exact) not in self._own:
            self._own[name, exact] = self._find_wrong(name, exact)
        return self._own[name, exact]

    def _find_wrong(self, name: str, exact: bool) -> set[Quantity]:
        """Return which results of a call differ though the layers within it give what they do elsewhere.

        A graph of layers has no code of its own that could be wrong.
        """
        ledger, participants, path = self.check.ledger, self.check.participants, self.call.path
        faulty = ledger.faulty_within(path)
        sound = next((other for other in participants.exact if other not in (name, *faulty)), None)
        if sound is None or name not in participants.exact or None in faulty or self.call.functional:
            return set()
        self.return_to()
        layers = ledger.layers_within(path, name) | ledger.layers_within(path, sound)
        task = ReplayAround(self.call.key, self.arrays, self.training, self.backward, layers)
        there = participants.ask(sound, task)
        here = participants.ask(name, replace(task, given=there.within, exact=exact))
        return self._differing(name, there, here, exact)

    def _is_choice(self, difference: Difference) -> bool:
        """Return whether a difference is only another valid decomposition of a matrix in the call's code; note it."""
        who = difference.concerned
        quantity, exact = difference.quantity, difference.cause is not Cause.PRECISION
        functions = self.call.functions & DECOMPOSITIONS
        if not functions or quantity.kind not in _PROVEN or quantity.aspect is not Aspect.VALUE or not who:
            return False
        if any(quantity in self._differ_alike(name, exact, functions, quantity) for name in who):
            return False
        self.check.ledger.excuse_choice(Place(self.call.path), who)
        return True

    def _differ_alike(self, name: str, exact: bool, functions: frozenset[str], asked: Quantity) -> set[Quantity]:
        """Return which results differ although another execution's decompositions are handed in.

        That includes `asked` if the two executions do not decompose the same matrices, each correctly.
        """
        participants = self.check.participants
        sound = next((other for other in participants.exact if other != name), None)
        if sound is None or name not in participants.exact:
            return {asked}
        self.return_to()
        which = self.call.key, self.arrays, self.training, self.backward, frozenset[str]()
        there = participants.ask(sound, ReplayAround(*which, functions=functions))
        here = participants.ask(name, ReplayAround(*which, there.within, exact, functions))
        dtype = "float64" if exact else self.studies[name].dtype
        if not same_but_for_choices(there, here, dtype) or isinstance(here.results, Raised):
            return {asked}
        if isinstance(there.results, Raised) or asked not in here.results or asked not in there.results:
            return {asked}
        return self._differing(name, there, here, exact)

    def _differing(self, name: str, there: Around, here: Around, exact: bool) -> set[Quantity]:
        """Return which results of an execution differ from a sound one's, both replayed with the same handed in."""
        if exact:
            return differ_around(there.results, here.results)
        study = self.studies[name]
        return differ_around(there.results, here.results, study.dtype, study.dtype_moves, allowed_units(self.call))
