"""Findings of one cause are one, and the rule decides what they make of a check."""

from dataclasses import replace

import pytest

from keras_parity.known.causes import decide, describe_known, group_causes
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.verdict import Outcome
from tests.keras_parity.verdicts import ENVIRONMENT, finding

VERSIONS = ENVIRONMENT["versions"]
UNKNOWN = finding("conv_1")
KNOWN = finding(
    "(training)",
    "tensorflow",
    layer_type="train_on_batch",
    quantity=Quantity(Kind.SLOT, "embeddings_velocity"),
    detail="900 float32 rounding units apart in float64, from sparse gradients",
)
EDGE = finding("leaky", layer_type="LeakyReLU", quantity=Quantity(Kind.GRADIENT, "input"), draw="blank", ordinary=False)


def test_the_same_class_on_the_same_backend_is_one_cause_with_its_places():
    """The draw's kind, the backend and the quantity's kind tell causes apart; the size does not."""
    findings = [
        UNKNOWN,
        finding("conv_2", rounding_units=float("nan")),
        finding("conv_1", "torch"),
        finding("conv_1", ordinary=False),
        finding("conv_1", quantity=Quantity(Kind.GRADIENT, "kernel")),
    ]

    groups = group_causes(findings, VERSIONS)

    assert [group.places for group in groups] == [("conv_1", "conv_2"), ("conv_1",), ("conv_1",), ("conv_1",)]
    assert groups[0].worst.layer == "conv_2"


@pytest.mark.parametrize(
    ("findings", "names", "outcome", "counts"),
    [
        ([], (), Outcome.AGREE, (0, 0, 0)),
        ([UNKNOWN], (), Outcome.DISAGREE, (1, 0, 0)),
        ([EDGE], (), Outcome.AGREE, (0, 1, 0)),
        ([KNOWN], (), Outcome.DISAGREE, (1, 0, 0)),
        ([KNOWN], ("adam-sparse-gradients",), Outcome.AGREE, (0, 0, 1)),
        ([replace(UNKNOWN, accepted="it is meant so")], (), Outcome.AGREE, (0, 0, 1)),
        ([UNKNOWN, EDGE, KNOWN], ("adam-sparse-gradients",), Outcome.DISAGREE, (1, 1, 1)),
    ],
    ids=["nothing", "unknown", "edge alone", "known", "accepted by name", "accepted by place", "all"],
)
def test_the_rule(findings, names, outcome, counts):
    """Known on edge draws alone passes; known on ordinary data fails until it is accepted; unknown fails."""
    decision = decide(findings, VERSIONS, accepted_names=names)

    assert decision.outcome is outcome
    assert tuple(map(len, (decision.failing, decision.warnings, decision.accepted))) == counts


def test_the_reason_counts_and_names_the_causes():
    """Nothing found needs no words."""
    both = decide([UNKNOWN, KNOWN], VERSIONS)

    assert decide([], VERSIONS).reason == ""
    assert both.reason == (
        "the backends differ for 2 causes, of which 1 is a known divergence of Keras on ordinary data "
        "(adam-sparse-gradients)"
    )
    assert decide([EDGE], VERSIONS).reason.startswith("the only differences are 1 known divergence of Keras on edge")


def test_a_known_cause_is_described_and_an_unknown_one_cannot_be():
    """With the version, when it matters and what to do."""
    [known] = group_causes([KNOWN], VERSIONS)
    [unknown] = group_causes([UNKNOWN], VERSIONS)

    text = describe_known(known, VERSIONS)

    assert text.startswith("known as adam-sparse-gradients (Keras 3.15.1): An embedding is trained otherwise")
    assert " What to do: Accept it" in text
    with pytest.raises(ValueError, match="not known"):
        describe_known(unknown, VERSIONS)
    assert known.worst.cause is Cause.SEMANTIC
