"""The command `check`: which list of accepted divergences counts, and what is written where."""

import argparse

import pytest

from keras_parity.cli import check
from keras_parity.errors import UsageError
from keras_parity.verdict import Outcome
from tests.keras_parity.verdicts import disagreeing, finding

ACCEPTED = """
[[accepted]]
known = "adam-sparse-gradients"
reason = "it is meant so"
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Run in an empty folder."""
    monkeypatch.chdir(tmp_path)


def test_the_named_list_counts_before_the_folders_own(tmp_path):
    """Without either there is none; one that is named must be there."""
    assert check.choose_accepted(None) is None

    (tmp_path / "parity.toml").write_text("")
    (tmp_path / "other.toml").write_text(ACCEPTED)
    assert check.choose_accepted(None) == []
    assert [one.reason for one in check.choose_accepted(tmp_path / "other.toml")] == ["it is meant so"]
    with pytest.raises(UsageError, match=r"missing\.toml"):
        check.choose_accepted(tmp_path / "missing.toml")


@pytest.mark.parametrize(("summary", "parts"), [(True, 2), (False, 1)])
def test_only_the_ci_services_own_summary_is_added_to(tmp_path, monkeypatch, summary, parts):
    """Every step of a job writes to it; another file is written anew."""
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path if summary else tmp_path / "other.md"))
    options = argparse.Namespace(report=None, markdown=path, junit=None)

    for _ in range(2):
        check._write(disagreeing(), options)

    assert path.read_text(encoding="utf-8").count("### ") == parts


def test_an_accepted_difference_is_no_failure(tmp_path, monkeypatch, capsys):
    """The exit code is that of the verdict after the list was applied; the command is what was typed."""
    (tmp_path / "parity.toml").write_text(
        '[[accepted]]\nlayer = "conv_1"\nbackend = "jax"\nquantity = "output"\nat_most = 1.0\n'
        'reason = "it is meant so"\nuntil = "keras 99"\n'
    )
    monkeypatch.setattr("keras_parity.comparison.run_check", lambda *_: disagreeing(finding("conv_1")))
    monkeypatch.setattr("keras_parity.request.make_request", lambda *_, **__: None)
    parser = argparse.ArgumentParser()
    check.add_options(parser)

    code = check.run(parser.parse_args(["m:f"]), "keras-parity check m:f")

    assert code == Outcome.AGREE.exit_code
    assert "accepted: conv_1 (jax): it is meant so" in capsys.readouterr().out
