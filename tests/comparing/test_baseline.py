"""A baseline fails what has got worse by more than its noise: an accuracy, a ratio of speeds, a parity number."""

import dataclasses
import json

import pytest

from comparing.baseline import check_comparable, find_regressions, read_baseline
from comparing.report.content import render_json
from comparing.speed import summarise_speed
from foundation.errors import UserError
from keras_parity.names import TRAINING_BACKENDS
from tests.comparing.reports import make_report, make_runs


def with_speeds(*speeds):
    """Return a report of backends of these speeds."""
    return dataclasses.replace(
        make_report(), speed=summarise_speed(make_runs([98.0] * 3, speeds=speeds), TRAINING_BACKENDS)
    )


def with_number(question, number):
    """Return a report in which one question has this number."""
    report = make_report()
    answers = [
        dataclasses.replace(answer, number=number) if answer.question == question else answer
        for answer in report.answers
    ]
    return dataclasses.replace(report, answers=tuple(answers))


def test_the_same_again_is_not_worse():
    """Another measurement of the same thing passes."""
    found = find_regressions(make_report((98.02, 97.98, 98.0)), make_report())

    assert found.worse == ()
    assert found.not_compared == ()


def test_a_lower_accuracy_is_worse_and_a_higher_one_is_not():
    """Half a point less on one backend, where seeds spread by a tenth."""
    assert "accuracy of JAX" in "".join(find_regressions(make_report((98.0, 97.5, 98.0)), make_report()).worse)
    assert find_regressions(make_report((98.0, 98.5, 98.0)), make_report()).worse == ()


def test_an_accuracy_of_one_seed_is_not_compared():
    """Without a spread there is no noise to be beyond."""
    found = find_regressions(make_report((98.0, 90.0, 98.0), seeds=1), make_report())

    assert not any("accuracy" in line for line in found.worse)
    assert any("accuracy of JAX" in line for line in found.not_compared)


def test_a_slower_backend_is_worse_however_fast_the_machine():
    """JAX at half its speed against the others; a machine of twice the speed changes no ratio."""
    found = find_regressions(with_speeds(3000.0, 500.0, 2000.0), with_speeds(3000.0, 1000.0, 2000.0))

    assert any("speed of JAX against TensorFlow: 0.17 times as fast, was 0.33" in line for line in found.worse)
    assert any("speed of JAX against PyTorch" in line for line in found.worse)
    assert not any("PyTorch against TensorFlow" in line for line in found.worse)
    assert find_regressions(with_speeds(6000.0, 2000.0, 4000.0), with_speeds(3000.0, 1000.0, 2000.0)).worse == ()


@pytest.mark.parametrize(("question", "then", "now"), [("steps", 1.2, 20.0), ("predictions", 1.0, 1.4)])
def test_a_larger_parity_number_is_worse(question, then, now):
    """Beyond its noise, though still an agreement."""
    found = find_regressions(with_number(question, now), with_number(question, then))

    assert any(question in line for line in found.worse)
    assert find_regressions(with_number(question, then), with_number(question, now)).worse == ()


def test_rounding_below_the_band_is_not_compared_with_less_of_it():
    """A hundredth of the band and a half of it are both nothing."""
    assert find_regressions(with_number("steps", 0.5), with_number("steps", 0.01)).worse == ()


def test_a_baseline_is_read_back(tmp_path):
    """What a report writes is a baseline."""
    path = tmp_path / "report.json"
    path.write_text(render_json(make_report()))

    assert find_regressions(make_report(), read_baseline(path)).worse == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, json.dumps({"format": 2})])
def test_what_is_no_report_is_refused_in_one_line(tmp_path, text):
    """Any other file, a damaged one, one of another format."""
    path = tmp_path / "report.json"
    path.write_text(text)

    with pytest.raises(UserError, match="is no report.json of compare.py"):
        read_baseline(path)
    with pytest.raises(UserError, match="cannot read"):
        read_baseline(tmp_path / "nothing.json")


def test_a_baseline_of_another_recipe_is_refused(tmp_path):
    """Three epochs are not worse than one: they are something else."""
    with pytest.raises(UserError, match="its epochs is 1, not 3"):
        check_comparable(make_report(), "mnist_cnn", {"epochs": 3, "dataset": "mnist"}, False, tmp_path)
    check_comparable(make_report(), "mnist_cnn", {"epochs": 1, "dataset": "mnist", "seed": 4}, False, tmp_path)
