"""One call is judged from the studies of those who replayed it; here they are made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from keras_parity.judge import agree_at_once, differ_around, judge_call
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Raised, Study, Value
from keras_parity.verdict import Cause

OUTPUT = Quantity(Kind.OUTPUT)
EXACT = np.linspace(-1, 1, 50)
CALL = CallOutline("c1#0", "c1", "Conv2D", (), False, False, 1, 400)
NAMES = ("tensorflow", "jax", "torch")


def study(reference=EXACT, checked=EXACT, quantity=OUTPUT, dtype="float32") -> Study:
    """Return what one execution computed, or raised."""
    results = [
        array if isinstance(array, Raised) else {quantity: Value(np.asarray(array), dtype)}
        for array in (reference, checked)
    ]
    return Study(dtype, *results, {}, {quantity: 1e-7})


def studies(**others) -> dict[str, Study]:
    """Return the same study for all three, but where `others` says so."""
    return dict.fromkeys(NAMES, study()) | others


def judge(call=CALL, neighbours=None, explained=None, **others):
    """Return what is said of a call whose differences are smooth."""

    def ask(pair, wanted):
        return {q: ([EXACT] * 6, [EXACT + 1e-3] * 6) for q in wanted}

    return judge_call(call, [EXACT], studies(**others), explained or (lambda _: False), neighbours or ask)


def no_neighbours(*_) -> dict:
    """Return nothing: a difference is then taken as it stands."""
    return {}


def no_difference(pair, wanted) -> dict:
    """Return the same values of both at all neighbours."""
    return {quantity: ([EXACT] * 6, [EXACT] * 6) for quantity in wanted}


def blamed(said) -> list[tuple]:
    """Return who is blamed, and why."""
    return [(difference.execution, difference.cause) for difference in said.differences]


def test_those_that_agree_are_left_in_peace():
    """All results are counted, and none differs."""
    said = judge()

    assert said.differences == []
    assert said.compared == 3
    assert agree_at_once(CALL, studies())


def test_another_function_is_blamed_on_who_computes_it():
    """A smooth difference that is there in both precisions is one of meaning."""
    odd = study(EXACT + 1e-3, EXACT + 1e-3)

    said = judge(jax=odd)

    assert blamed(said) == [("jax", Cause.SEMANTIC)]
    assert not agree_at_once(CALL, studies(jax=odd))


def test_an_inaccurate_result_is_blamed_in_the_dtype_asked_about():
    """The same float64 result, and float32 results that are off by thousands of units."""
    assert blamed(judge(torch=study(checked=EXACT + 1e-3))) == [("torch", Cause.PRECISION)]


def test_a_difference_of_float64_alone_is_a_detour():
    """What is not there in the dtype asked about is told in a note."""
    said = judge(jax=study(EXACT + 1e-3))

    assert said.differences == []
    assert said.detours == [("jax", OUTPUT)]


def test_what_a_call_within_explains_is_not_told_again():
    """The judge asks whether a difference is explained, of the call around the culprit."""
    said = judge(explained=lambda difference: difference.execution == "jax", jax=study(EXACT + 1e-3, EXACT + 1e-3))

    assert said.differences == []


def test_an_error_that_one_raises_is_a_difference():
    """The others are compared all the same."""
    said = judge(jax=study(Raised("ValueError: no"), Raised("ValueError: no")))

    assert blamed(said) == [("jax", Cause.ERROR)]
    assert said.compared == 2


def test_nothing_can_be_said_where_all_raise():
    """In the dtype asked about."""
    said = judge(**dict.fromkeys(NAMES, study(Raised("ValueError: no"), Raised("ValueError: no"))))

    assert said.raised_everywhere.text == "ValueError: no"
    assert said.compared == 0


@pytest.mark.parametrize(("error", "wrong"), [(1e-7, False), (1e-2, True)])
def test_without_any_float64_results_the_others_decide(error, wrong):
    """Rounding is allowed, more is not; the finding says that there was no reference."""
    only = {name: study(Raised("no kernel"), EXACT) for name in NAMES}
    only["torch"] = study(Raised("no kernel"), EXACT + error)

    said = judge(**only)

    assert blamed(said) == ([("torch", Cause.PRECISION)] if wrong else [])
    assert all("no float64 reference" in difference.detail for difference in said.differences)
    assert set(said.without_float64) == set(NAMES)


@pytest.mark.parametrize(("inner", "found"), [((), True), (("relu#0",), False)])
def test_another_derivative_at_a_kink_is_meant(inner, found):
    """The same number in both precisions, though it is gone next to the point; not where calls within may decide."""
    gradient = Quantity(Kind.GRADIENT, "input")
    kink = EXACT + 0.5 * (np.abs(EXACT) > 0.9)
    sound = dict.fromkeys(NAMES, study(quantity=gradient))

    def judge_with(odd: Study) -> list[tuple]:
        call = replace(CALL, inner=inner)
        return blamed(judge_call(call, [EXACT], sound | {"jax": odd}, lambda _: False, no_difference))

    assert judge_with(study(kink, kink, quantity=gradient)) == ([("jax", Cause.SEMANTIC)] if found else [])
    assert judge_with(study(kink, EXACT, quantity=gradient)) == []


def test_another_derivative_at_a_kink_that_is_not_at_zero_is_meant():
    """There a rounding moves the derivative as far as the choice does, which must not excuse it."""
    gradient = Quantity(Kind.GRADIENT, "input")
    kink = EXACT + 0.5 * (np.abs(EXACT) > 0.9)

    def jumping(values) -> Study:
        return replace(study(values, values, gradient), moves={gradient: 1.0}, dtype_moves={gradient: 1.0})

    def judge_with(odd: Study) -> list[tuple]:
        studied = dict.fromkeys(NAMES, jumping(EXACT)) | {"torch": odd}
        return blamed(judge_call(CALL, [EXACT], studied, lambda _: False, no_difference))

    assert judge_with(jumping(kink)) == [("torch", Cause.SEMANTIC)]
    assert judge_with(jumping(EXACT)) == []
    assert judge_with(replace(jumping(kink), checked={gradient: Value(EXACT, "float32")})) == []


def test_who_has_no_float64_is_judged_by_the_others():
    """As OpenVINO is."""
    said = judge(jax=study(Raised("none", unsupported=True), EXACT + 1e-3))

    assert set(said.without_float64) == {"jax"}
    assert blamed(said) == [("jax", Cause.PRECISION)]


def test_what_stays_with_the_right_results_within_is_the_calls_own():
    """A difference that is gone comes from within; where a replay raises nothing is known."""
    sound = {OUTPUT: Value(EXACT, "float64")}

    assert differ_around(sound, {OUTPUT: Value(EXACT + 1e-3, "float64")}) == {OUTPUT}
    assert differ_around(sound, {OUTPUT: Value(EXACT + 1e-13, "float64")}) == set()
    assert differ_around(sound, Raised("no")) == set()


def test_an_error_on_the_way_back_leaves_the_results_to_be_compared():
    """Who raises it may be wrong in its output, too; gradients are compared between those who have them."""
    gradient = Quantity(Kind.GRADIENT, "input")
    whole = {quantity: Value(EXACT, "float32") for quantity in (OUTPUT, gradient)}
    both = Study("float32", whole, whole, {}, dict.fromkeys(whole, 1e-07))
    wrong = replace(study(EXACT * 1.01, EXACT * 1.01), checked_gradients=Raised("ValueError: no"))

    said = judge(tensorflow=both, torch=both, jax=wrong, neighbours=no_neighbours)
    everywhere = judge(**dict.fromkeys(NAMES, replace(study(), checked_gradients=Raised("ValueError: no"))))
    alone = judge(tensorflow=both, torch=both, jax=replace(both, reference_gradients=Raised("ValueError: no")))

    assert [(d.execution, str(d.quantity), d.cause) for d in said.differences] == [
        ("jax", "gradient of inputs and weights", Cause.ERROR),
        ("jax", "output", Cause.SEMANTIC),
    ]
    assert everywhere.raised_everywhere is not None
    assert (everywhere.differences, everywhere.compared) == ([], 3)
    assert (alone.differences, list(alone.without_float64)) == ([], ["jax"])
