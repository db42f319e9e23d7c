"""A short form of the fault bench: a few planted faults are seen and blamed right, and its own parts can fail."""

import pytest

from benchmarks.faults.bench import FindEffect, Result, Trial, clean_trials, planted_trials, run_trial, score
from benchmarks.faults.cases import CASES
from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.table import render_table, summarise
from keras_parity.crew import shared_crew
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.quantity import Kind, Quantity
from keras_parity.verdict import Cause, Finding, Outcome, Verdict
from tests.keras_parity.errands import errand

# Of different kinds, on each backend: forward, backward, statistics, an edge value, the optimiser, the loss, a file.
SAMPLE = (
    Trial("dense_net", fault="leaky_slope", backend="tensorflow"),
    Trial("dense_net", fault="relu_gradient_at_zero", backend="jax"),
    # On TensorFlow: elsewhere the gradient of UnitNormalization at zero is NaN without a fault, too (keras 3.15.1).
    Trial("siamese", fault="zero_over_zero", backend="tensorflow"),
    Trial("autoencoder", fault="statistics_never_updated", backend="torch"),
    Trial("dense_net", fault="slope_not_saved", backend="tensorflow"),
    Trial("dense_net", fault="adam_epsilon", backend="torch"),
    # Two at once, and one in the place of another that was accepted.
    Trial("autoencoder", fault="aggregate_behind_a_slope", backend="tensorflow"),
    Trial("dense_net", fault="accepted_slope_grows", backend="torch"),
)


@pytest.fixture(scope="module")
def crew():
    """The session's processes, one per backend."""
    return shared_crew()


@pytest.fixture(scope="module")
def wrong_verdict():
    """A verdict that blames one layer of dense_net."""

    def make(layer: str, backend: str) -> Verdict:
        finding = Finding(
            layer,
            "LeakyReLU",
            backend,
            TRAINING_BACKENDS,
            Quantity(Kind.OUTPUT),
            "inference",
            Cause.SEMANTIC,
            "ordinary 1",
            True,
            1.0,
            9e9,
            "off",
        )
        return Verdict(Outcome.DISAGREE, "they disagree", "dense_net", findings=[finding], seconds=1.0)

    return make


def count_planted_attributes(fault: str, architecture: str) -> tuple[bool, bool]:
    """Return whether a fault replaces what it says, within and after its context. Runs in a worker."""
    from benchmarks.faults.planting import find, plant

    place = FAULTS[fault].where.split()[0]
    before = find(place)
    with plant(fault, architecture):
        within = find(place) is not before
    return within, find(place) is not before


def unknown_layers(architecture: str) -> list[str]:
    """Return the culprits of an architecture that it does not have. Runs in a worker."""
    import keras

    from benchmarks.faults import architectures

    keras.utils.clear_session(free_memory=False)  # names count up within a process
    model = getattr(architectures, architecture)()
    names = {layer.name for layer in model._flatten_layers()}
    names |= {operation.name for operation in getattr(model, "operations", ())}
    culprits = {layer for fault in FAULTS.values() for layer in fault.culprits.get(architecture, ())}
    return [layer for layer in culprits if layer[0] != "(" and layer.rpartition("/")[2] not in names]


def test_the_bench_is_as_wide_as_it_says():
    """Counts that the issue asks for, each with room to spare."""
    assert len(FAULTS) >= 96 + 40
    assert len({fault.kind for fault in FAULTS.values()}) >= 60
    assert len({trial.architecture for trial in planted_trials(list(FAULTS))}) >= 30
    assert len({(t.architecture, t.dtype, t.seed) for t in clean_trials(300)}) == 300
    assert sum(len(fault.parts) > 1 or fault.accepted is not None for fault in FAULTS.values()) >= 12
    assert {trial.backend for trial in planted_trials(list(FAULTS))} == set(TRAINING_BACKENDS)


def test_culprits_are_layers_of_the_architecture(crew):
    """A misspelt culprit would count as the engine's mistake."""
    unknown = {name: crew["torch"].ask(errand(unknown_layers, name)) for name in CASES}

    assert {name: layers for name, layers in unknown.items() if layers} == {}


@pytest.mark.parametrize("backend", TRAINING_BACKENDS)
def test_a_fault_is_gone_when_its_context_is_left(crew, backend):
    """A worker is used for the next check."""
    within, after = crew[backend].ask(errand(count_planted_attributes, "leaky_slope", "dense_net"))

    assert within
    assert not after


@pytest.mark.parametrize("trial", SAMPLE, ids=lambda trial: trial.fault)
def test_a_planted_fault_changes_something(crew, trial):
    """Without the engine: a fault without effect is a defect of the bench. `benchmarks.faults.effect` tries all."""
    effect = crew["torch"].ask(FindEffect(trial.fault, trial.architecture))

    assert effect is not None


def test_a_fault_in_a_layer_that_is_not_there_has_no_effect(crew):
    """The probe for effects can say no."""
    effect = crew["torch"].ask(FindEffect("leaky_slope", "dense_net", "lenet"))

    assert effect is None


@pytest.mark.parametrize("trial", SAMPLE, ids=lambda trial: f"{trial.fault} on {trial.backend}")
def test_a_planted_fault_is_seen_and_blamed_right(crew, trial):
    """The engine names the layer and the backend, and nothing else."""
    result = run_trial(trial, crew)

    assert result.culprits == result.expected
    assert result.blamed_right


@pytest.mark.parametrize("architecture", ["dense_net", "autoencoder"])
def test_a_clean_model_raises_no_alarm(crew, architecture):
    """The twin of the test above: without a fault the same models agree."""
    result = run_trial(Trial(architecture, seed=3), crew)

    assert result.outcome == "agree"


def test_a_verdict_on_another_backend_or_layer_is_not_right(wrong_verdict):
    """The scoring can say no."""
    trial = SAMPLE[0]

    assert score(trial, wrong_verdict("leaky", "tensorflow")).blamed_right
    assert not score(trial, wrong_verdict("leaky", "jax")).blamed_right
    assert not score(trial, wrong_verdict("hidden", "tensorflow")).blamed_right
    assert not score(trial, Verdict(Outcome.AGREE, "they agree", "dense_net", seconds=1.0)).detected


def test_the_table_counts_what_was_missed_and_blamed_wrongly(wrong_verdict):
    """A table that leaves out the failures would be an advertisement."""
    environment = {"command": "c", "date": "2026-01-01T00", "processor": "p", "cores": 2, "versions": {"keras": "3"}}
    results = [
        score(SAMPLE[0], wrong_verdict("leaky", "tensorflow")),
        score(SAMPLE[0], wrong_verdict("hidden", "tensorflow")),
        score(SAMPLE[1], Verdict(Outcome.AGREE, "they agree", "dense_net", seconds=1.0)),
        score(Trial("dense_net"), wrong_verdict("leaky", "jax")),
    ]

    text = render_table(results, environment)

    counts = summarise(results)
    assert (counts["planted"], counts["detected"], counts["blamed_right"], counts["false_alarms"]) == (3, 2, 1, 1)
    for title in ("## Missed", "## Blamed wrongly", "## False alarms"):
        assert title in text


def test_a_result_survives_its_record(wrong_verdict):
    """A bench that was stopped goes on with what it has."""
    result = score(SAMPLE[0], wrong_verdict("leaky", "tensorflow"), effect="ordinary: outputs in inference")

    assert Result.from_json(result.to_json()) == result
