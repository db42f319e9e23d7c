"""A verdict on one screen: what matters comes first, and nothing takes the screen."""

import dataclasses

from keras_parity.report.terminal import LAST_WORDS, MOST_CULPRITS, MOST_NOTES, WIDTH, render_terminal
from tests.keras_parity.verdicts import agreeing, disagreeing, finding, inconclusive


def test_a_difference_is_told_with_layer_backend_size_and_cause():
    """And the command that reduces it."""
    text = render_terminal(disagreeing())

    assert text.startswith("disagree: JAX computes a different function")
    for line in ("layer   conv_1 (Conv2D)", "alone   jax (tensorflow and torch agree)", "differs output, inference"):
        assert f"\n  {line}" in text
    assert "41,234 rounding units (at most 500 agree)" in text
    assert text.rstrip().splitlines()[-1].strip().startswith("keras-parity reduce model.keras")


def test_an_agreement_says_what_it_rests_on():
    """The largest error of all."""
    text = render_terminal(agreeing())

    assert text.startswith("agree: TensorFlow, JAX and PyTorch compute the same")
    assert "3 layers on tensorflow, jax, torch: the largest error is" in text
    assert "reduce" not in text


def test_no_agreement_stands_above_an_error_that_is_larger_than_its_limit():
    """Where a layer holds others its limit is larger; where every backend is as far off, that is said."""
    first, *rest = agreeing().measurements
    within = dataclasses.replace(first, rounding_units=926.0, allowed=1500.0)
    beyond = dataclasses.replace(first, rounding_units=926.0, allowed=500.0)

    assert "926 rounding units" in render_terminal(agreeing(measurements=[within, *rest]))
    assert "(at most 1,500 agree)" in render_terminal(agreeing(measurements=[within, *rest]))
    text = " ".join(render_terminal(agreeing(measurements=[beyond, *rest])).split())
    assert "(every backend is as far off)" in text
    assert "at most" not in text


def test_an_accepted_difference_is_told_with_its_reason():
    """It is no culprit."""
    text = render_terminal(agreeing(findings=[finding(accepted="it is meant so")]))

    assert "accepted: conv_1 (jax): it is meant so" in text
    assert "but for 1 accepted difference" in text


def test_a_failed_backend_is_quoted_by_its_last_lines():
    """The error is at the end of a traceback."""
    text = render_terminal(inconclusive(failures={"torch": "\n".join(f"line {i}" for i in range(9))}))

    assert "torch did not finish:" in text
    assert text.count("    line ") == LAST_WORDS
    assert "line 8" in text


def test_many_culprits_and_notes_are_counted():
    """The rest is in the other reports."""
    findings = [finding(f"conv_{i}", layer_type=f"Conv{i}") for i in range(MOST_CULPRITS + 2)]
    text = render_terminal(disagreeing(*findings, notes=[f"remark {i}" for i in range(MOST_NOTES + 2)]))

    assert text.count("\n  layer ") == MOST_CULPRITS
    assert "and 2 more: conv_3, conv_4" in text
    assert text.count("note: ") == MOST_NOTES
    assert "and 2 more notes" in text


def test_no_line_but_the_command_is_wider_than_the_screen():
    """A name of any length is cut."""
    text = render_terminal(disagreeing(finding("x" * 500, detail="y" * 500), reason="z " * 900))

    lines = text.splitlines()
    assert max(len(line) for line in lines if "keras-parity reduce" not in line) <= WIDTH
    assert "…" in text
