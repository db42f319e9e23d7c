"""One run of the model after the other, and each call replayed with shared inputs and judged by itself."""

import dataclasses

import numpy as np
import pytest

from keras_parity.comparison.check import PORTION
from keras_parity.comparison.passes import Pass, Passes, _portions, _whole_calls
from keras_parity.draws import Draw
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.results import CallOutline, Measures, Raised, Ran, Study, Value
from keras_parity.protocol.tasks import CallInputs, MeasureCalls, ReplayNeighbours, RunModel, StudyCalls
from tests.keras_parity.comparison.checks import make_check, study, tasks_of

OUTPUT = Quantity(Kind.OUTPUT)
EXACT = np.linspace(-1, 1, 50)
UNMEASURED = Measures()
ORDINARY, BLANK = Draw("ordinary 1", True, [EXACT]), Draw("blank", False, [EXACT])


def call(path: str, *inner: str, moded: bool = False, functional: bool = False, bytes_: int = 400) -> CallOutline:
    """Return a call."""
    return CallOutline(f"{path}#0", path, "Dense", tuple(f"{i}#0" for i in inner), moded, functional, 1, bytes_)


FIRST, SECOND = call("first"), call("second", moded=True)
WHOLE = call("", "first", "second", functional=True, bytes_=40)


def compare(*passes: Pass, off=None, ran=None, noise=UNMEASURED, measures=UNMEASURED):
    """Return a check after some passes of a model of two layers; `off` tells where an execution is off, by what."""
    outline = Ran([WHOLE, FIRST, SECOND])
    off = off or {}

    def studied(name, task):
        return {key: study(OUTPUT, EXACT + off.get((name, key), 0.0)) for key in task.inputs}

    def neighbours(name, task):
        return {q: [EXACT + off.get((name, task.key), 0.0) for _ in task.nudges] for q in task.quantities}

    answers = {
        RunModel: ran or outline,
        CallInputs: lambda _, task: {key: [EXACT] for key in task.keys},
        StudyCalls: studied,
        MeasureCalls: lambda _, task: dict.fromkeys(task.study.inputs, measures if task.alike else noise),
        ReplayNeighbours: neighbours,
    }
    check = make_check(answers)
    Passes(check).run(iter(passes or [Pass(ORDINARY, False, False)]))
    return check


def blamed(check) -> list[tuple]:
    """Return the layer and the execution of each finding."""
    return [(finding.layer, finding.execution) for finding in check.ledger.findings]


def test_a_model_that_agrees_is_compared_call_by_call():
    """With the inputs that one of them kept; nothing is found."""
    check = compare()

    assert (blamed(check), check.ledger.compared) == ([], 9)
    assert [(name, task.keep) for name, task in tasks_of(check, RunModel)] == [
        ("tensorflow", True),
        ("jax", False),
        ("torch", False),
    ]
    assert {name for name, _ in tasks_of(check, CallInputs)} == {"tensorflow"}


def test_the_layer_that_is_off_is_blamed_and_the_model_around_it_not():
    """The model is off because the layer is."""
    assert blamed(compare(off={("jax", "second#0"): 1e-3, ("jax", "#0"): 1e-3})) == [("second", "jax")]


def test_the_models_own_code_is_blamed_where_no_layer_explains_it():
    """Another execution's fault explains nothing."""
    off = {("jax", "second#0"): 1e-3, ("torch", "#0"): 1e-3}

    assert blamed(compare(off=off)) == [("second", "jax"), ("(model)", "torch")]


def test_a_run_that_raises_is_a_finding_where_others_finish():
    """At the layer that raised; the rest is compared."""
    check = compare(
        ran=lambda name, _: Ran([WHOLE, FIRST], Raised("ValueError: no", "second") if name == "jax" else None)
    )

    [finding] = check.ledger.findings
    assert (finding.layer, finding.execution, finding.cause) == ("second", "jax", Cause.ERROR)
    assert check.ledger.compared > 0


@pytest.mark.parametrize(
    ("draw", "everywhere"),
    [
        (ORDINARY, "ValueError: no (in inference)"),
        (BLANK, None),
        (Draw("ordinary 1", True, [EXACT], around=True), None),
    ],
)
def test_a_run_that_raises_everywhere_counts_on_ordinary_data_alone(draw, everywhere):
    """On an edge draw, or on one drawn around the user's examples, it is a note."""
    check = compare(Pass(draw, False, False), ran=Ran([], Raised("ValueError: no")))

    assert (check.ledger.findings, check.ledger.raised_everywhere) == ([], everywhere)
    assert bool(check.ledger.notes) is (everywhere is None)


def test_another_list_of_calls_is_a_note():
    """Code may choose by the backend, as attention does: what encloses the calls is compared."""
    check = compare(ran=lambda name, _: Ran([WHOLE, FIRST] if name == "jax" else [WHOLE, FIRST, SECOND]))

    assert check.ledger.findings == []
    assert "not every backend makes the same calls: second#0 of 1 tensors on torch" in check.ledger.notes


def test_the_next_run_is_begun_before_the_last_answers_are_judged():
    """The workers do not wait for the judge; each pass is run once."""
    check = compare(Pass(ORDINARY, True, False), Pass(BLANK, False, False))

    kinds = [type(task) for name, task in check.asked if name == "torch"]
    assert kinds == [RunModel, StudyCalls, RunModel, StudyCalls]
    assert [task.training for name, task in tasks_of(check, RunModel) if name == "torch"] == [True, False]


def test_without_everything_only_what_depends_on_the_mode_and_the_whole_is_replayed():
    """The others were compared in training mode; all are looked at where the whole differs unexplained."""
    calls = {c.key: c for c in (WHOLE, FIRST, SECOND)}

    assert list(_portions(calls, {"#0"}, everything=False)) == [["second#0", "#0"]]
    assert list(_portions(calls, {"#0"}, everything=True)) == [["second#0", "first#0", "#0"]]

    check = compare(Pass(ORDINARY, False, False, False, False), off={("jax", "first#0"): 1e-3, ("jax", "#0"): 1e-3})
    assert blamed(check) == [("first", "jax")]


def test_what_float64_noise_explains_is_measured_no_further():
    """The results themselves are kept by the workers, and only the doubtful call is measured."""
    check = compare(
        Pass(BLANK, False, False, measure=False),
        off={("jax", "first#0"): 1e-9},
        noise=Measures(noise={OUTPUT: 1e-11}),
    )

    assert blamed(check) == []
    assert all(task.keep and task.samples == [] for _, task in tasks_of(check, StudyCalls))
    assert [
        (name, list(task.study.inputs), task.study.samples, task.alike) for name, task in tasks_of(check, MeasureCalls)
    ] == [
        ("tensorflow", ["first#0"], [0], False),
        ("jax", ["first#0"], [1], False),
        ("torch", ["first#0"], [2], False),
    ]


def test_what_noise_does_not_explain_is_measured_with_all_samples():
    """And judged by them: a difference of hundreds of units is none where one unit moves the result further."""
    off = {("jax", "first#0"): 1e-5}

    moved = compare(
        Pass(BLANK, False, False, measure=False), off=off, measures=Measures({OUTPUT: 1e-3}, {OUTPUT: 1e-3})
    )
    still = compare(Pass(BLANK, False, False, measure=False), off=off)

    assert [task.study.samples for _, task in tasks_of(moved, MeasureCalls) if task.alike] == [[0, 3], [1, 4], [2, 5]]
    assert (blamed(moved), blamed(still)) == ([], [("first", "jax")])


def test_a_finding_does_not_hide_a_second_fault_that_inference_alone_shows():
    """What was found in training explains no difference of a layer that training found sound."""
    check = compare(
        Pass(ORDINARY, True, False, False, False),
        Pass(BLANK, False, False, False, False),
        off={("torch", "second#0"): 1e-3, ("torch", "#0"): 1e-3, ("torch", "first#0"): 1e-3},
    )

    assert blamed(check) == [("first", "torch"), ("second", "torch")]


def test_a_free_choice_is_kept_and_excuses_what_a_graph_computes_from_it():
    """Signs of eigenvectors are nobody's fault; nor is a product with them, in a graph that has no code of its own."""
    values, vectors = np.linalg.eigh(np.array([[2.0, 1.0], [1.0, 3.0]]))
    places = Quantity(Kind.OUTPUT, "[0]"), Quantity(Kind.OUTPUT, "[1]")

    def studied(name, task):
        sign = -1.0 if name == "torch" else 1.0
        made = dict(zip(places, (values, sign * vectors), strict=True))
        results = {quantity: Value(array, "float32") for quantity, array in made.items()}
        return {"eigh#0": Study("float32", results, results, {}, {}), "#0": study(OUTPUT, sign * EXACT)}

    eigh = dataclasses.replace(call("eigh"), type="Eigh")
    check = make_check(
        {
            RunModel: Ran([call("", "eigh", functional=True, bytes_=40), eigh]),
            CallInputs: lambda _, task: {key: [EXACT] for key in task.keys},
            StudyCalls: studied,
            ReplayNeighbours: {},
        }
    )
    Passes(check).run(iter([Pass(ORDINARY, False, False)]))

    assert (blamed(check), check.ledger.excused) == ([], {"torch"})
    assert check.ledger.notes[0].startswith("eigh leaves a choice open")


def test_large_calls_are_replayed_in_portions():
    """Inner ones before the one around them."""
    calls = {c.key: c for c in (call("a", bytes_=PORTION), call("b", bytes_=PORTION // 2), call("c", bytes_=8))}

    assert list(_portions(calls, set(), everything=True)) == [["c#0", "b#0"], ["a#0"]]


def test_a_model_of_one_operation_is_that_operation():
    """Else the same would be compared twice."""
    only = call("only")
    model = call("", "only", functional=True)

    assert _whole_calls({"#0": model, "only#0": only}) == {"only#0"}
    assert _whole_calls({"#0": WHOLE, "first#0": FIRST, "second#0": SECOND}) == {"#0"}
