"""Each question is answered by its own criterion, and each answer has a twin with a planted difference."""

import dataclasses

import numpy as np
import pytest

from comparing.answers import Answer, conclude, verdict_sentence
from comparing.destination import compare_destinations
from comparing.function import judge
from comparing.predictions import compare_predictions, find_disputed
from comparing.steps import LIMIT, compare_steps
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.protocol.source import ModelSource
from keras_parity.request import CheckRequest
from keras_parity.verdict import Cause, Finding, Measurement, Outcome, Verdict
from tests.comparing.reports import make_classes, make_recording, make_run, make_runs


def steps_of(**recordings):
    """Return the answer of recordings, one for each backend; those left out are sound."""
    sound = {backend: make_recording(seed=i) for i, backend in enumerate(TRAINING_BACKENDS)}
    return compare_steps(sound | recordings, TRAINING_BACKENDS)


def test_steps_within_the_band_agree():
    """Backends that come apart by less than roundings do are the same."""
    answer = steps_of()

    assert answer.outcome == "agree"
    assert answer.number < 1
    assert answer.culprit is None


def test_steps_outside_the_band_disagree_and_name_the_backend_and_the_step():
    """A drift of a hundred thousand bands is seen at once, and so is who is alone with it."""
    answer = steps_of(jax=make_recording(drift=1e-3, seed=9))

    assert answer.outcome == "disagree"
    assert answer.culprit == "jax"
    assert answer.number > LIMIT
    assert "from step 1 on" in answer.reason
    assert "hidden/kernel" in answer.reason


def test_a_loss_outside_the_band_disagrees_too():
    """The weights may agree where the loss does not, as a wrong reduction shows."""
    assert steps_of(torch=make_recording(loss_drift=1e-3, seed=9)).culprit == "torch"


def test_a_loss_that_is_no_number_on_one_backend_disagrees():
    """NaN is outside every band."""
    broken = make_recording(seed=9)
    broken.losses[0, 3:] = np.nan

    answer = steps_of(torch=broken)

    assert answer.outcome == "disagree"
    assert answer.culprit == "torch"


def test_other_batches_are_named_as_the_reason():
    """Where the steps differ because the data come in another order, that is what the answer says."""
    answer = steps_of(torch=make_recording(drift=1e-3, batch="b"))

    assert "not given the same batches" in answer.reason


def test_other_batches_disagree_even_where_the_numbers_do_not():
    """Two orders of the same data may chance to train alike."""
    assert steps_of(torch=make_recording(batch="b", seed=2)).outcome == "disagree"


def test_an_erratic_backend_does_not_widen_the_others_band():
    """A pair is judged by its own bands: one backend's chaos excuses no difference of two others."""
    erratic = make_recording(seed=3)
    erratic.followed[0][1:] += 1.0

    answer = compare_steps(
        {"tensorflow": make_recording(seed=1), "jax": make_recording(drift=1e-3, seed=2), "torch": erratic},
        TRAINING_BACKENDS,
    )

    assert answer.outcome == "disagree"


def test_one_backend_alone_is_inconclusive():
    """Nothing compared is never a pass."""
    assert compare_steps({"jax": make_recording()}, TRAINING_BACKENDS).outcome == "inconclusive"


def test_close_accuracies_of_enough_seeds_agree():
    """Means within the margin, spreads small: the same destination."""
    answer = compare_destinations(make_runs([98.0, 98.02, 97.99]), TRAINING_BACKENDS, 0.3, False)

    assert answer.outcome == "agree"
    assert answer.number == pytest.approx(0.03, abs=1e-6)


def test_a_backend_that_arrives_elsewhere_is_named():
    """One mean is two points lower than both others."""
    answer = compare_destinations(make_runs([98.0, 98.0, 96.0]), TRAINING_BACKENDS, 0.3, False)

    assert answer.outcome == "disagree"
    assert answer.culprit == "torch"


@pytest.mark.parametrize(("seeds", "spread"), [(1, 0.1), (2, 0.1), (3, 0.3)])
def test_too_few_seeds_are_inconclusive_and_say_how_many_more(seeds, spread):
    """Equal means of few runs are no pass; so many more as are asked for make it one."""
    answer = compare_destinations(make_runs([98.0] * 3, spread, seeds), TRAINING_BACKENDS, 0.3, False)

    assert answer.outcome == "inconclusive"
    assert answer.more_seeds >= 1
    assert f"Run {answer.more_seeds} more" in answer.reason
    assert f"--seeds {seeds + answer.more_seeds}" in answer.reason
    enough = compare_destinations(
        make_runs([98.0] * 3, spread, seeds + answer.more_seeds), TRAINING_BACKENDS, 0.3, False
    )
    assert enough.outcome == "agree" or seeds == 1  # from one seed the spread can only be guessed


def test_few_test_examples_ask_for_a_wider_margin_and_not_for_seeds():
    """Thirty examples move an accuracy in steps of three points: no number of seeds shows 0.3."""
    answer = compare_destinations(make_runs([100.0] * 3, 0.0, 3, examples=30), TRAINING_BACKENDS, 0.3, False)

    assert answer.outcome == "inconclusive"
    assert answer.more_seeds is None or answer.more_seeds > 20
    assert (
        compare_destinations(make_runs([100.0] * 3, 0.0, 3, examples=30), TRAINING_BACKENDS, 5.0, False).outcome
        == "agree"
    )


def test_a_trial_is_not_asked_where_it_arrives():
    """Two steps have no destination."""
    assert (
        compare_destinations(make_runs([10.0, 20.0, 30.0], seeds=1), TRAINING_BACKENDS, 0.3, True).outcome
        == "not asked"
    )


def test_predictions_that_differ_as_seeds_do_agree():
    """Another backend changes as many classes as another seed."""
    answer = compare_predictions(make_classes(), TRAINING_BACKENDS, False)

    assert answer.outcome == "agree"
    assert answer.number == pytest.approx(1.0, abs=0.1)


def test_a_backend_that_predicts_otherwise_is_named():
    """All of its runs take the same other images for something else, though as many are right as before."""
    answer = compare_predictions(make_classes(alone="jax", extra=150), TRAINING_BACKENDS, False)

    assert answer.outcome == "disagree"
    assert answer.culprit == "jax"


def test_predictions_of_two_seeds_are_inconclusive():
    """How much seeds differ takes three of them to know."""
    answer = compare_predictions(make_classes(seeds=2), TRAINING_BACKENDS, False)

    assert answer.outcome == "inconclusive"
    assert answer.more_seeds == 1


def test_the_disputed_examples_are_those_with_two_opinions():
    """Of one seed; no more than asked for."""
    classes = {("jax", 1): np.array([0, 1, 2]), ("torch", 1): np.array([0, 2, 1]), ("torch", 2): np.array([1, 1, 1])}

    assert find_disputed(classes, 1, 24) == [1, 2]
    assert find_disputed(classes, 1, 1) == [1]


def engine_verdict(outcome):
    """Return a verdict of the engine's."""
    what = "conv1", "Conv2D", "jax", ("tensorflow", "jax"), Quantity(Kind.OUTPUT), "inference", Cause.SEMANTIC
    finding = Finding(*what, "ordinary 1", True, 0.1, 9e4, "wrong padding")
    findings = [finding] if outcome is Outcome.DISAGREE else []
    measured = [Measurement("conv1", "Conv2D", "jax", "forward", 3.0, Quantity(Kind.OUTPUT), 1e-6)]
    request = CheckRequest(ModelSource("tiny", "function"), ("tensorflow", "jax"))
    return Verdict(outcome, "the reason", "tiny", findings, measurements=measured, request=request)


def test_a_disagreement_of_the_engine_is_the_first_answer():
    """At trained weights or at initial ones; the backend is the engine's culprit."""
    answer = judge(
        {"initial weights": engine_verdict(Outcome.AGREE), "trained weights": engine_verdict(Outcome.DISAGREE)}
    )

    assert (answer.outcome, answer.culprit, answer.number) == ("disagree", "jax", 9e4)
    assert "conv1" in answer.reason


def test_agreement_of_the_engine_is_agreement():
    """The test above can fail."""
    answer = judge({"initial weights": engine_verdict(Outcome.AGREE)})

    assert (answer.outcome, answer.number) == ("agree", 3.0)


def answers(*given):
    """Return answers of these outcomes."""
    return [Answer(name, outcome, None, "", "", "", "jax") for name, outcome in zip(QUESTIONS, given, strict=False)]


QUESTIONS = ("function", "steps", "destination", "predictions")


@pytest.mark.parametrize(
    ("given", "failures", "expected"),
    [
        (["agree"] * 4, {}, Outcome.AGREE),
        (["agree", "disagree", "inconclusive", "agree"], {}, Outcome.DISAGREE),
        (["agree", "agree", "inconclusive", "agree"], {}, Outcome.INCONCLUSIVE),
        (["agree"] * 4, {"jax": "killed"}, Outcome.INCONCLUSIVE),
        (["agree", "agree", "not asked", "not asked"], {}, Outcome.AGREE),
        (["not asked"] * 4, {}, Outcome.INCONCLUSIVE),
        (["inconclusive"] * 4, {}, Outcome.INCONCLUSIVE),
    ],
)
def test_the_verdict_is_never_a_silent_pass(given, failures, expected):
    """One disagreement is enough for a red light; a green one takes every backend and every question."""
    assert conclude(answers(*given), failures) is expected


def test_the_sentence_names_the_backend_and_the_question():
    """Who differs, from whom, and in what."""
    given = answers("agree", "disagree", "agree", "agree")

    sentence = verdict_sentence("lenet", TRAINING_BACKENDS, given, Outcome.DISAGREE, {})

    assert sentence == "JAX differs from TensorFlow and PyTorch on lenet, in the training steps."


def test_the_sentence_says_how_many_seeds_are_missing():
    """The larger of what two questions ask for."""
    given = [
        dataclasses.replace(answer, more_seeds=more)
        for answer, more in zip(
            answers("agree", "agree", "inconclusive", "inconclusive"), (None, None, 2, 5), strict=True
        )
    ]

    assert "run 5 more seeds" in verdict_sentence("lenet", TRAINING_BACKENDS, given, Outcome.INCONCLUSIVE, {})


def test_a_run_without_labels_has_no_destination():
    """The test images have no labels: nothing to compare, and no crash."""
    runs = [
        dataclasses.replace(make_run(backend), result=make_run().result | {"test_accuracy": None})
        for backend in TRAINING_BACKENDS
    ]

    assert compare_destinations(runs, TRAINING_BACKENDS, 0.3, False).outcome == "inconclusive"
