"""The command `reduce`: what it hands on, and what it refuses before anything runs."""

import pytest

from keras_parity import cli
from keras_parity.errors import UsageError


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """What the function behind the command is called with, in an empty folder with a module `m`."""
    (tmp_path / "m.py").write_text("def f(): ...\n")
    monkeypatch.chdir(tmp_path)
    calls = []

    def reduce_to_script(request, *, out, **_):
        calls.append((request, out))
        return out

    monkeypatch.setattr("keras_parity.reduce.reduce_to_script", reduce_to_script)
    return calls


def test_the_request_of_a_check_is_handed_on(calls, capsys):
    """With the path of the script, which is printed."""
    assert cli.main(["reduce", "m:f", "--seed", "7", "--steps", "0", "--out", "small.py"]) == 0

    ((request, out),) = calls
    assert (request.seed, request.steps, str(out)) == (7, 0, "small.py")
    assert capsys.readouterr().out == "small.py\n"


def test_an_unwritable_script_is_refused_before_the_search(calls, capsys):
    """Which takes a minute."""
    assert cli.main(["reduce", "m:f", "--out", "/proc/small.py"]) == 2

    assert not calls
    assert "cannot write /proc/small.py" in capsys.readouterr().err


def test_backends_that_agree_end_in_one_line(calls, monkeypatch, capsys):
    """As wrong usage: there is nothing to reduce."""

    def refuse(*_, **__):
        raise UsageError("nothing to reduce: all agree")

    monkeypatch.setattr("keras_parity.reduce.reduce_to_script", refuse)

    assert cli.main(["reduce", "m:f"]) == 2
    assert capsys.readouterr().err == "error: nothing to reduce: all agree\n"
