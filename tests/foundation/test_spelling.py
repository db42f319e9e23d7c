"""A name that there is not is answered with the one that was probably meant."""

import pytest

from foundation.spelling import find_near

KEYS = ("dataset", "batch_size", "epochs", "learning_rate", "learning_rate_decay", "log_every")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("batchsize", ["batch_size"]),
        ("lr", ["learning_rate"]),
        ("LR", ["learning_rate"]),
        ("bs", ["batch_size"]),
        ("lrd", ["learning_rate_decay"]),
        ("epoch", ["epochs"]),
        ("x", []),
        ("zzz", []),
    ],
)
def test_misspellings_and_initials_are_understood(text, near):
    """Alike letters, or the first letter of each word; else nothing is suggested."""
    assert find_near(text, KEYS) == near


def test_as_many_are_named_as_are_asked_for():
    """The initials' first, then the likest."""
    assert find_near("learning_rat", KEYS, most=2) == ["learning_rate", "learning_rate_decay"]
