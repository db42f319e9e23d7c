"""What encloses a wrong layer is explained by it only as far as a replay proves it."""

import numpy as np
import pytest

from keras_parity.comparison.enclosing import Enclosing
from keras_parity.draws import Draw
from keras_parity.judge import Difference
from keras_parity.ledger import Place
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import Around, CallOutline, Value
from keras_parity.protocol.tasks import ReplayAround
from tests.keras_parity.comparison.checks import make_check, study, tasks_of

OUTPUT, EXACT = Quantity(Kind.OUTPUT), np.linspace(-1, 1, 50)
OUTER = CallOutline("outer#0", "outer", "Outer", ("outer/inner#0",), False, False, 1, 400)
PLAIN = CallOutline("outer#0", "outer", "Outer", (), False, False, 1, 400)


def enclosing(off: float, call: CallOutline = OUTER, faulty=("torch",)) -> Enclosing:
    """Return a call whose own code is off by so much on PyTorch, with wrong layers within."""

    def around(name, task):
        assert task.given is None or name == "torch"
        array = EXACT + (off if name == "torch" else 0.0)
        return Around({OUTPUT: Value(array, "float32")}, {"outer/inner#0": [EXACT]})

    check = make_check({ReplayAround: around})
    for name in faulty:
        check.ledger.add(Place("outer/inner"), difference(name), "inference", Draw("ordinary 1", True, []))
    return Enclosing(check, call, {"torch": study(OUTPUT, EXACT)}, [EXACT], False, True, lambda: None)


def difference(name: str | None = "torch", cause: Cause | None = None, kind: Kind = Kind.OUTPUT) -> Difference:
    """Return a difference of the call."""
    return Difference(Quantity(kind), name, ("torch", "jax"), cause or Cause.SEMANTIC, 1e-2, 1e5, "")


@pytest.mark.parametrize(("off", "explained"), [(0.0, True), (1e-2, False)])
@pytest.mark.parametrize("cause", [Cause.SEMANTIC, Cause.PRECISION])
def test_a_wrong_layer_explains_what_is_gone_with_its_right_results(off, explained, cause):
    """And not what stays; an inaccuracy is looked for in the dtype asked about."""
    call = enclosing(off)

    assert call.explain(difference(cause=cause)) is explained
    tasks = tasks_of(call.check, ReplayAround)
    assert [(name, task.exact) for name, task in tasks] == [("tensorflow", True), ("torch", cause is Cause.SEMANTIC)]
    assert tasks[1][1].layers == {"outer/inner"}


def test_nothing_is_explained_where_nothing_within_is_wrong():
    """Nor by another execution's fault; where no two agree within, nobody can tell."""
    assert not enclosing(1e-2, faulty=()).explain(difference())
    assert not enclosing(1e-2, faulty=("jax",)).explain(difference())
    assert enclosing(1e-2, faulty=(None,)).explain(difference())


def test_a_choice_of_the_calls_own_code_must_be_one():
    """Without a decomposition that all make rightly, a difference is none of signs."""
    call = CallOutline("outer#0", "outer", "Outer", (), False, False, 1, 400, functions=frozenset({"svd"}))

    assert not enclosing(0.0, call, faulty=()).explain(difference())
    assert not enclosing(0.0, PLAIN, faulty=()).explain(difference())
