"""A sign fits the findings that it is made for, and none that differs in one respect."""

import math
from dataclasses import replace

import pytest

from keras_parity.known.divergence import (
    EQUAL,
    NOBODY,
    ORDINARY,
    DrawKind,
    KnownDivergence,
    Since,
    draw_kind_of,
    gradient,
    operation_of,
    output,
    raises,
)
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Aspect, Kind, Quantity
from tests.keras_parity.verdicts import finding

SIGN = gradient("jax", "ReLU LeakyReLU", EQUAL, names=("input*",), largest=2.0)
FOUND = finding(
    layer_type="ReLU", quantity=Quantity(Kind.GRADIENT, "input[0]"), draw="blank", ordinary=False, max_abs_error=1.0
)


def test_a_sign_fits_its_finding():
    """The class, the backend, the quantity's own name, the draw and the size are all as it says."""
    assert SIGN.fits(FOUND, "float32", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"layer_type": "ELU"},
        {"execution": "torch"},
        {"execution": None},
        {"quantity": Quantity(Kind.OUTPUT, "input[0]")},
        {"quantity": Quantity(Kind.GRADIENT, "kernel")},
        {"quantity": Quantity(Kind.GRADIENT, "input[0]", Aspect.DTYPE)},
        {"cause": Cause.NAN},
        {"draw": "large"},
        {"ordinary": True},
        {"max_abs_error": 2.5},
        {"max_abs_error": math.nan},
    ],
    ids=str,
)
def test_what_differs_in_one_respect_is_another(changes):
    """A known divergence must never hide a fault that is not."""
    assert not SIGN.fits(replace(FOUND, **changes), "float32", None)


def test_a_configuration_must_be_known_to_fit():
    """Of a layer whose arguments nobody tells, nothing is assumed."""
    sign = SIGN.where(padding="same")

    assert sign.fits(FOUND, None, {"padding": "same", "units": 3})
    assert not sign.fits(FOUND, None, {"padding": "valid"})
    assert not sign.fits(FOUND, None, None)


def test_signs_of_outputs_know_the_cause_of_each_aspect():
    """Values differ in meaning or precision, dtypes as dtypes."""
    assert output("jax", "ReLU", ORDINARY, aspect=Aspect.DTYPE).causes == {Cause.DTYPE}
    assert output("jax", "ReLU", ORDINARY).causes == {Cause.SEMANTIC, Cause.PRECISION}
    assert output("jax", "ReLU", ORDINARY, dtypes=["float16"]).dtypes == {"float16"}


def test_an_error_is_known_by_its_text():
    """Another error of the same layer is another matter."""
    sign = raises("jax", "ReLU", "cannot (reshape|cut)")
    error = replace(FOUND, quantity=Quantity(Kind.OUTPUT), cause=Cause.ERROR, detail="ValueError: cannot cut it")

    assert sign.fits(error, None, None)
    assert not sign.fits(replace(error, detail="ValueError: no"), None, None)


def test_where_no_two_agree_a_sign_must_say_so():
    """Of two that differ, either may be the one."""
    sign = gradient(f"jax {NOBODY}", "ReLU", EQUAL)
    nobody = replace(FOUND, execution=None)

    assert sign.fits(nobody, None, None)
    assert SIGN.fits(replace(nobody, executions=("jax", "torch")), None, None)
    assert not SIGN.fits(replace(nobody, executions=("tensorflow", "torch")), None, None)


@pytest.mark.parametrize(
    ("version", "holds"), [("3.14.2", False), ("3.15.0", True), ("3.15.9+cpu", True), ("3.16.0", False), (None, False)]
)
def test_a_divergence_belongs_to_the_versions_that_have_it(version, holds):
    """From the first it was seen on to the one that mends it."""
    since = Since("keras", "3.15", fixed_in="3.16")

    assert since.holds({"keras": version} if version else {}) is holds


def test_a_divergence_sums_up_its_signs_and_needs_all_its_versions():
    """One sign that fits is enough."""
    known = KnownDivergence(
        name="kink-of-relu",
        title="A title.",
        signs=(SIGN, raises("torch", "ELU", "no")),
        matters_when="never.",
        what_to_do="Nothing.",
        since=(Since("keras", "3.15"), Since("jax", "0.10")),
    )

    assert known.script == "docs/divergences/kink_of_relu.py"
    assert known.operations == {"ReLU", "LeakyReLU", "ELU"}
    assert known.backends == {"jax", "torch"}
    assert not known.on_edge_draws_alone
    assert known.matches(FOUND, {"keras": "3.15.1", "jax": "0.10.2"})
    assert not known.matches(FOUND, {"keras": "3.15.1", "jax": "0.9"})


def test_the_draw_and_the_operation_are_read_from_the_finding():
    """Where the model's run ended in a layer, Keras's message tells which."""
    raised = finding(layer_type="", detail="ValueError: Exception encountered when calling Dense.call().")

    assert draw_kind_of(FOUND) is DrawKind.BLANK
    assert draw_kind_of(finding(draw="of another version", ordinary=False)) is None
    assert operation_of(raised) == "Dense"


ABS = gradient("jax", "Abs", EQUAL | ORDINARY, Cause.SEMANTIC, names=("input*",), largest=8.0)
WITHIN = replace(FOUND, layer_type="Distance", quantity=Quantity(Kind.GRADIENT, "kernel"), cause=Cause.SEMANTIC)


def test_an_operation_within_a_layer_is_known_by_the_function_that_the_layer_runs():
    """Its names are not the layer's; an output that is known to differ explains the gradients behind it."""
    chosen = output("jax", "TopK", EQUAL, Cause.SEMANTIC, names=("[1]",), says="whole numbers")

    assert ABS.fits(WITHIN, "float32", None, {"abs", "sum"})
    assert chosen.fits(WITHIN, "float32", None, {"top_k"})


@pytest.mark.parametrize(
    "changes",
    [
        {"ordinary": True, "draw": "ordinary 1"},
        {"execution": "torch"},
        {"quantity": Quantity(Kind.OUTPUT)},
        {"quantity": Quantity(Kind.GRADIENT, "kernel", Aspect.SHAPE)},
        {"cause": Cause.NAN},
        {"draw": "large"},
        {"max_abs_error": 9.0},
    ],
    ids=str,
)
def test_within_a_layer_nothing_else_is_excused(changes):
    """Only the operation's own backend, kind of quantity, cause, kind of edge draw and size; no ordinary data."""
    assert not ABS.fits(replace(WITHIN, **changes), "float32", None, {"abs"})


def test_within_a_layer_that_does_not_run_the_function_nothing_is_known():
    """Nor where the sign is of a configuration, which the layer does not have."""
    assert not ABS.fits(WITHIN, "float32", None, {"absolute", "sum"})
    assert not ABS.where(axis="1").fits(WITHIN, "float32", {"axis": "1"}, {"abs"})


def test_within_a_layer_an_error_is_known_by_its_text_on_ordinary_data_too():
    """The text names the operation, which another fault of the layer could not."""
    refused = raises("tensorflow", "SliceUpdate", "no entry for: Xla")
    told = replace(WITHIN, execution="tensorflow", cause=Cause.ERROR, ordinary=True, draw="ordinary 1")

    assert refused.fits(
        replace(told, detail="LookupError: no entry for: XlaDynamicUpdateSlice"), None, None, {"slice_update"}
    )
    assert not refused.fits(replace(told, detail="LookupError: no entry for: Unique"), None, None, {"slice_update"})
    assert not refused.fits(
        replace(told, detail="LookupError: no entry for: XlaDynamicUpdateSlice"), None, None, {"unique"}
    )
