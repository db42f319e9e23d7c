"""A short form of the bench of real models: its verdicts are right, and its scoring can say that one is wrong."""

import ast
import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import benchmarks.real_models
from benchmarks.real_models.__main__ import read_truths
from benchmarks.real_models.bench import FAILED, SKIPPED, MemoryPeak, Result, Said, Trial, find_mistake, run_trial
from benchmarks.real_models.catalogue import MODELS, SPARSE_ADAM
from benchmarks.real_models.document import render_document, summarise
from benchmarks.real_models.entry import AGREE, Expected, Place, draw_data
from benchmarks.real_models.truth import Truth, against, contradictions, measure_differences
from keras_parity.verdict import Outcome, Verdict
from tests.keras_parity.verdicts import finding

FOLDER = Path(benchmarks.real_models.__file__).parent
# Seven quick models of different kinds; one of them has a known divergence.
SAMPLE = (
    "digits_cnn",
    "word2vec",
    "wavenet",
    "deep_and_cross",
    "two_towers",
    "sparse_autoencoder",
    "recommender_with_adam",
)
DIFFERENT = Expected("disagree", (Place("*embedding*", "tensorflow"),), "They differ.")


@pytest.fixture(scope="module")
def truths():
    """What plain Keras computes of each model, as the bench keeps it."""
    return read_truths()


def result(outcome: str, *findings: Said, model: str = "digits_cnn", reason: str = "so it is") -> Result:
    """Return what an engine might have said."""
    return Result(Trial(model), "digest", outcome, reason, list(findings), seconds=1.0, peak_mib=100)


def said(layer: str, backend: str | None, *, ordinary: bool = True, known: str | None = None) -> Said:
    """Return a finding on the output of a layer."""
    return Said(layer, backend, "output", "training", "ordinary 1", ordinary, "they differ", known)


@pytest.mark.parametrize("name", SAMPLE)
def test_the_verdict_on_a_real_model_is_right(name):
    """The engine agrees where plain Keras does, and names what truly differs."""
    found = run_trial(Trial(name))

    assert found.mistake is None


def test_the_bench_is_as_wide_as_it_says():
    """Eighty models at least, from Keras, KerasHub and elsewhere."""
    families = Counter(model.family for model in MODELS.values())

    assert len(MODELS) >= 80
    assert families["keras.applications"] >= 15
    assert families["keras-hub"] >= 20


def test_every_builder_is_there():
    """A misspelt builder would count as the engine's mistake."""
    for model in MODELS.values():
        module, _, function = model.builder.partition(":")
        tree = ast.parse(FOLDER.joinpath(f"{module.rpartition('.')[2]}.py").read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, model.name


def test_what_is_given_depends_on_the_seed_alone():
    """Two runs of one check are given the very same arrays, another seed gives others."""
    first, again, other = (MODELS["triplet_network"].arguments(seed)["inputs"] for seed in (1, 1, 2))

    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_every_sampler_gives_the_examples_it_is_asked_for():
    """The inputs of a model come in the structure it takes, each array with one row per example."""
    for model in MODELS.values():
        inputs, _ = draw_data(model, np.random.default_rng(1), 3)
        arrays = inputs if isinstance(inputs, list) else inputs.values() if isinstance(inputs, dict) else [inputs]
        assert {len(array) for array in arrays} == {3}, model.name


def test_every_expectation_is_backed_by_plain_keras(truths):
    """What the catalogue expects was measured without the engine, on each backend."""
    found = {name: against(truths[name], model) for name, model in MODELS.items() if name in truths}

    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def test_a_wrong_expectation_is_contradicted(truths):
    """The twin of the test above: swap two expectations and the measurements say so."""
    assert contradictions(truths["recommender_with_adam"], AGREE)
    assert contradictions(truths["recommender"], SPARSE_ADAM)


def test_differences_are_relative_to_the_largest_number_and_rounding_is_measured_beside_them():
    """Half of the largest output apart is 0.5, whatever its unit."""
    numbers = {"outputs|0|first": np.array([0.0, 200.0]), "outputs|0|moved": np.array([0.0, 200.2])}
    found = {"jax": numbers, "torch": {**numbers, "outputs|0|first": np.array([0.0, 100.0])}}

    apart, moved = measure_differences(found)

    assert apart == {"outputs": {"jax torch": 0.5}}
    assert moved["outputs"] == pytest.approx(0.501)


def test_a_backend_far_from_two_that_agree_is_alone():
    """Only what rounding cannot explain counts."""
    pairs = {"tensorflow jax": 0.1, "tensorflow torch": 0.1, "jax torch": 1e-12}
    truth = Truth("m", 1, 1, {"float64": {"outputs": pairs}}, {"float64": {"outputs": 1e-15}})
    chaotic = dataclasses.replace(truth, moved={"float64": {"outputs": 1e-2}})

    assert truth.odd_backends() == {"outputs": {"tensorflow"}}
    assert chaotic.odd_backends() == {}


@pytest.mark.parametrize(
    ("said_of_it", "expected", "mistake"),
    [
        (result("agree"), AGREE, None),
        (result("agree"), DIFFERENT, "silent pass"),
        (result("disagree", said("conv", "torch")), AGREE, "false alarm"),
        (result("inconclusive"), AGREE, "no answer"),
        (result(FAILED), AGREE, "the check failed"),
        (result(SKIPPED), DIFFERENT, None),
        (result("disagree", said("my_embedding", "tensorflow")), DIFFERENT, None),
        (result("disagree", said("my_embedding", "jax")), DIFFERENT, "blames"),
        (result("disagree", said("my_embedding", "tensorflow"), said("dense", "torch")), DIFFERENT, "blames"),
        (
            result(
                "disagree", said("my_embedding", "tensorflow"), said("bn", "torch", ordinary=False, known="a-formula")
            ),
            DIFFERENT,
            None,
        ),
        (
            result("disagree", said("my_embedding", "tensorflow"), said("bn", "torch", known="a-formula")),
            DIFFERENT,
            "blames",
        ),
        (
            result("disagree", said("my_embedding", "tensorflow"), said("bn", "torch", ordinary=False)),
            DIFFERENT,
            "blames",
        ),
        (result("disagree"), DIFFERENT, "misses"),
        (
            result("disagree", said("my_embedding", "jax"), said("my_embedding", "torch")),
            DIFFERENT,
            "contradicts itself",
        ),
    ],
)
def test_a_wrong_verdict_is_told_from_a_right_one(said_of_it, expected, mistake):
    """The scoring can say no, and says what is wrong."""
    found = find_mistake(said_of_it, expected)

    assert (found is None) if mistake is None else found.startswith(mistake)


def test_a_check_that_raises_is_a_mistake_and_ends_nothing():
    """One model that the engine cannot take must not hide the others."""

    def fail(builder, **arguments):
        raise ValueError("too many layers")

    found = run_trial(Trial("digits_cnn"), check=fail)

    assert found.mistake == "the check failed: ValueError: too many layers"


def test_a_model_whose_package_is_missing_is_skipped_with_the_reason(monkeypatch):
    """keras-hub is optional."""
    monkeypatch.setitem(MODELS, "bert", dataclasses.replace(MODELS["bert"], needs=("no_such_package",)))

    found = run_trial(Trial("bert"), check=None)

    assert (found.outcome, found.reason, found.mistake) == (SKIPPED, "no_such_package not installed", None)


def test_a_result_survives_its_record():
    """A bench that was stopped goes on with what it has."""

    def disagree(builder, **arguments):
        findings = [finding("conv", "jax", known="a-formula"), finding("dense", "torch", accepted="for a reason")]
        return Verdict(Outcome.DISAGREE, "they differ", builder, findings, notes=["a note"], seconds=1.0)

    found = run_trial(Trial("digits_cnn"), check=disagree)

    assert Result.from_json(found.to_json()) == found
    (kept,) = found.findings
    assert (kept.layer, kept.backend, kept.quantity, kept.known) == ("conv", "jax", "output", "a-formula")


def test_the_peak_sees_memory_that_is_gone_when_the_block_ends():
    """A check gives its arrays back before it ends."""
    with MemoryPeak() as memory:
        before = memory.mib
        held = np.ones(2**25)
        for _ in range(3):
            held += np.sin(held)
        del held

    assert memory.mib >= before + 200


def test_the_document_tells_of_each_mistake(truths):
    """A table that leaves out the failures would be an advertisement."""
    environment = {"command": "c", "date": "2026-01-01T00", "processor": "p", "cores": 2, "versions": {"keras": "3"}}
    results = [
        result("agree"),
        result("disagree", said("conv", "torch"), model="unet"),
        result("agree", model="recommender_with_adam"),
        result("inconclusive", model="wavenet", reason="jax did not finish"),
        result(SKIPPED, model="bert", reason="keras_hub not installed"),
    ]

    text = render_document(results, truths, environment)

    counts = summarise(results)
    assert (counts["checks"], counts["right"], counts["skipped"]) == (4, 1, 1)
    assert (counts["false_alarms"], counts["silent_passes"], counts["no_answer"]) == (1, 1, 1)
    for words in ("unet float32 seed 1: false alarm", "recommender_with_adam float32 seed 1: silent pass", "keras_hub"):
        assert words in text
