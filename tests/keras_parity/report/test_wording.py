"""Numbers, names and places in the words that every report shares."""

import math

import pytest

from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.report import wording
from keras_parity.report.terminal import render_terminal
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive


@pytest.mark.parametrize(
    ("units", "text"),
    [(0.0, "0.0"), (9.94, "9.9"), (41_234, "41,234"), (4.1e12, "4.1e+12"), (math.nan, "–"), (math.inf, "∞")],
)
def test_rounding_units_are_short(units, text):
    """One digit after the point below ten, none above, powers from a million on."""
    assert wording.format_units(units) == text


def test_errors_have_two_digits_or_a_sign():
    """Of what has no number, a dash."""
    assert [wording.format_error(error) for error in (0.00123, math.nan, math.inf)] == ["0.0012", "–", "∞"]


def test_what_a_screen_would_obey_is_escaped():
    """Colours, breaks, marks that turn the writing, halves of pairs; letters of any script stay."""
    assert wording.visible("é\x1b[31m\n\u202e\ud800") == r"é\x1b[31m\n\u202e\ud800"
    assert wording.visible_lines("one\ttwo\nthree\r") == "one    two\nthree"


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("conv_1", "the layer conv_1"),
        ("(metric accuracy)", "the metric accuracy"),
        ("(fit)", "training by fit"),
        ("(model)", "the model's own code"),
    ],
)
def test_a_place_is_a_part_of_a_sentence(layer, words):
    """What is no layer is not called one."""
    assert wording.describe_layer(layer) == words


def test_who_is_alone_is_told_with_the_others():
    """Against one, against several that agree, or nobody."""
    two = finding(executions=("jax", "torch"))

    assert wording.describe_alone(finding()) == "jax (tensorflow and torch agree)"
    assert wording.describe_alone(two) == "jax (against torch)"
    assert wording.describe_alone(finding(execution=None)).startswith("none, tensorflow, jax and torch differ")


def test_a_size_says_what_would_agree_where_it_is_too_large():
    """Below the threshold another measure has decided."""
    verdict = agreeing()

    assert wording.describe_size(finding(), verdict) == ("0.0013 absolute, 41,234 rounding units (at most 500 agree)")
    assert wording.describe_size(finding(rounding_units=20.0), verdict) == "0.0013 absolute, 20 rounding units"
    assert wording.describe_size(finding(max_abs_error=math.nan, rounding_units=math.nan), verdict) == (
        "none: see the cause"
    )


def test_culprits_are_grouped_with_ordinary_data_first_and_the_largest_first():
    """Accepted ones are left out."""
    edge, small, large = finding("a", ordinary=False), finding("b", rounding_units=600.0), finding("b", mode="training")
    verdict = disagreeing(edge, small, large, finding("c", accepted="yes"))

    assert [blame.findings for blame in wording.open_findings(verdict)] == [(large, small), (edge,)]


def test_layers_of_one_class_that_are_wrong_alike_are_one_culprit_with_its_places():
    """Another class, backend, quantity or kind of draw is another one, and so is what is no class."""
    same = [finding(name, rounding_units=units) for name, units in (("a", 1e3), ("b", 3e3), ("c", 2e3), ("d", 1e3))]
    gradient = Quantity(Kind.GRADIENT, "kernel")
    others = [
        finding("e", layer_type="Dense"),
        finding("f", "torch"),
        finding("g", quantity=gradient),
        finding("h", layer_type=""),
        finding("i", layer_type=""),
        finding("j", ordinary=False),
    ]

    first, *rest = wording.open_findings(
        disagreeing(*same, finding("a", quantity=gradient, rounding_units=9.0), *others)
    )

    assert (first.places, first.worst) == (("b", "c", "a", "d"), same[1])
    assert list(first.by_quantity) == ["output", "gradient of kernel"]
    assert [blame.places for blame in rest] == [(other.layer,) for other in others]
    assert wording.describe_places(first.places) == "b, c and 2 more"
    assert wording.describe_places(("a", "b", "c")) == "a, b and c"
    assert wording.headline(disagreeing(*same)).endswith("in the layers b, c and 2 more of model.keras.")


def test_the_headline_names_who_computes_something_else_and_the_others():
    """Or that it cannot be said."""
    assert wording.headline(disagreeing()) == (
        "JAX computes a different function from TensorFlow and PyTorch in the layer conv_1 of model.keras."
    )
    assert wording.headline(disagreeing(finding(execution=None))).startswith("TensorFlow, JAX and PyTorch do not")
    assert wording.headline(disagreeing(finding("a"), finding("b", "torch"))).endswith("in 2 places of model.keras.")
    assert wording.headline(inconclusive()).startswith("It cannot be said whether")


def test_settings_name_the_defaults_that_were_taken():
    """And what the check chose itself."""
    settings = wording.settings_of(agreeing())

    assert (settings["loss"], settings["optimizer"], settings["batch_size"]) == ("mean_squared_error", "adam", 4)
    assert "model" not in settings


def test_no_script_is_promised_where_none_can_be_had():
    """What shows in a saved file alone takes two processes."""
    reloaded = finding(layer="(reload)")

    assert wording.reduce_command(disagreeing(reloaded)) is None
    assert "script" not in render_terminal(disagreeing(reloaded))
    assert wording.reduce_command(disagreeing(reloaded, finding())) is not None
