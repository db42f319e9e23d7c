"""The picture: a colour for each size, a mark for each difference, and words where there is no number."""

import math
import re

import pytest

from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.report.picture import MOST_ROWS_OPEN, _short, _step, breakable, render_picture
from tests.keras_parity.verdicts import agreeing, disagreeing, finding


@pytest.mark.parametrize(
    ("units", "text"),
    [
        (0.0, "0"),
        (0.04, "0"),
        (3.21, "3.2"),
        (9.6, "10"),
        (999.4, "999"),
        (41_234, "41k"),
        (3e8, "3e8"),
        (math.inf, "∞"),
    ],
)
def test_a_number_fits_a_narrow_cell(units, text):
    """Four characters at most."""
    assert _short(units) == text
    assert len(_short(units)) <= 4


@pytest.mark.parametrize(
    ("units", "step"),
    [(1.0, "w0"), (1.1, "w1"), (100.0, "w2"), (500.0, "w3"), (501.0, "b0"), (5e5, "b1"), (6e5, "b2"), (1e9, "b3")],
)
def test_the_scale_turns_at_the_threshold(units, step):
    """Blue up to it, brown beyond."""
    assert _step(units, 500.0) == step


def cell(picture: str, layer: str, where: str) -> tuple[str, str]:
    """Return the class and the label of a layer's cell."""
    found = re.search(rf'<td class="([^"]*)" title="{layer} on {where}[^"]*">(.*?)</td>', picture)
    return found[1], re.sub("<.*?>", "", found[2])


def test_the_cell_that_differs_is_marked_and_no_other():
    """Of a difference where nobody is alone, all are."""
    alone = render_picture(disagreeing())
    nobody = render_picture(disagreeing(finding(execution=None)))

    assert cell(alone, "conv_1", "jax, forward") == ("b1 differs", "▲41k")
    assert "differs" not in cell(alone, "conv_1", "torch, forward")[0]
    assert all("differs" in cell(nobody, "conv_1", f"{name}, forward")[0] for name in ("jax", "torch"))


@pytest.mark.parametrize(
    ("cause", "word"),
    [(Cause.ERROR, "error"), (Cause.NAN, "NaN"), (Cause.DTYPE, "dtype"), (Cause.STRUCTURE, "differs")],
)
def test_what_has_no_number_has_a_word(cause, word):
    """In the strongest colour."""
    found = finding(cause=cause, rounding_units=math.nan, max_abs_error=math.nan)

    assert cell(render_picture(disagreeing(found)), "conv_1", "jax, forward") == ("b3 differs", f"▲{word}")


def test_a_gradient_is_in_the_column_of_what_goes_backward():
    """Where the output agrees."""
    picture = render_picture(disagreeing(finding(quantity=Quantity(Kind.GRADIENT, "kernel"))))

    assert "differs" in cell(picture, "conv_1", "jax, backward")[0]
    assert "differs" not in cell(picture, "conv_1", "jax, forward")[0]


def test_an_accepted_difference_has_a_mark_of_its_own():
    """And no outline."""
    kind, label = cell(render_picture(agreeing(findings=[finding(accepted="yes")])), "conv_1", "jax, forward")

    assert label.startswith("△")
    assert "differs" not in kind


def test_many_layers_are_drawn_as_strips_with_a_link_to_each_that_differs():
    """Few are a table alone; nothing measured is no picture."""
    few, many = (render_picture(disagreeing(layers=number)) for number in (3, MOST_ROWS_OPEN + 1))

    assert "<svg" not in few
    assert many.count("<svg") == 6
    assert many.count("▼</a>") == 1
    assert "JAX, forward: 25 layers measured, the largest error is 41,234 rounding units in conv_1; 1 of them" in many
    assert render_picture(agreeing(measurements=[])) == ""


def test_a_path_may_break_between_its_parts():
    """And is text."""
    assert breakable("a/b_<c>") == "a/<wbr>b_<wbr>&lt;c&gt;"
