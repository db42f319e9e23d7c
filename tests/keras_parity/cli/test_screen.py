"""What a command shows reaches any screen."""

import io
import sys

from keras_parity.cli.screen import say, show


def test_progress_and_results_go_apart(capsys):
    """So that a result can be piped."""
    say("building")
    show("agree\n")

    assert capsys.readouterr() == ("agree\n", "building\n")


def test_what_the_encoding_lacks_is_escaped(monkeypatch):
    """A terminal of ASCII alone gets an escape, and no exception."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", screen)

    show("8 × 8\n")

    assert screen.buffer.getvalue() == b"8 \\xd7 8\n"
