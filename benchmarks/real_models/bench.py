"""Asking the engine about the models of the catalogue, and scoring what it says."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

import keras_parity
from benchmarks.real_models.catalogue import MODELS
from benchmarks.real_models.entry import Expected, Model
from keras_parity.verdict import Finding, Verdict

SAMPLING_SECONDS = 0.1
# Ours: with more than that after a check the workers are started anew, so that one model's memory is not another's.
RESTART_BYTES = 4 * 2**30
SKIPPED = "skipped"
FAILED = "failed"  # the check raised, which it never should
KEPT_CHARACTERS = 400


@dataclass(frozen=True)
class Trial:
    """One check to run.

    Attributes:
        model: A name of the catalogue.
        dtype: The dtype policy that it asks about.
        seed: Of the check.
    """

    model: str
    dtype: str = "float32"
    seed: int = 1

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.model} {self.dtype} seed {self.seed}"


@dataclass(frozen=True)
class Said:
    """One finding of a verdict that is not accepted.

    Attributes:
        layer: As in `keras_parity.verdict.Finding`.
        backend: Its execution; None where no backend is alone.
        quantity: The same, in words.
        mode: The same.
        draw: The same.
        ordinary: The same.
        message: Its first characters.
        known: The same.
    """

    layer: str
    backend: str | None
    quantity: str
    mode: str
    draw: str
    ordinary: bool
    message: str
    known: str | None = None


@dataclass(frozen=True)
class Result:
    """What the engine said, and what it took.

    Attributes:
        trial: The check.
        asked: A digest of the model and of what the check was given.
        outcome: The verdict's; `skipped` or `failed` where there is none.
        reason: The verdict's, or why there is none.
        findings: Those that are not accepted.
        notes: The verdict's, shortened.
        failures: The verdict's, by backend.
        seconds: Of the check.
        peak_mib: The most memory that this process and the workers held at once, shared pages counted in each.
        engine: A digest of the engine.
    """

    trial: Trial
    asked: str
    outcome: str
    reason: str
    findings: list[Said] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    peak_mib: int = 0
    engine: str = ""

    @property
    def name(self) -> str:
        """The trial's."""
        return self.trial.name

    def to_json(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Result":
        """Return the result that `to_json` wrote."""
        values = json.loads(line)
        findings = [Said(**finding) for finding in values["findings"]]
        return cls(**{**values, "trial": Trial(**values["trial"]), "findings": findings})

    @property
    def mistake(self) -> str | None:
        """What is wrong with the verdict, in a phrase; None where it is right or the model was skipped."""
        return find_mistake(self, MODELS[self.trial.model].expected_in(self.trial.dtype))


def find_mistake(result: Result, expected: Expected) -> str | None:
    """Return what is wrong with a verdict, in a phrase; None where it is right or the model was skipped.

    A verdict that disagrees must name each place that differs and no other. Beside them it may tell of a known
    divergence that shows on edge draws alone.

    Args:
        result: What the engine said.
        expected: The right verdict.
    """
    if result.outcome == SKIPPED:
        return None
    if result.outcome == FAILED:
        return f"the check failed: {result.reason}"
    if result.outcome not in ("agree", "disagree"):
        return f"no answer: {result.reason}"
    if contradiction := find_contradiction(result.findings):
        return contradiction
    if result.outcome == "agree":
        return None if expected.outcome == "agree" else f"silent pass: {expected.reason}"
    if expected.outcome == "agree":
        return f"false alarm: {'; '.join(places(result)) or result.reason}"
    wrong = [
        said
        for said in result.findings
        if not any(place.matches(said.layer, said.backend) for place in expected.places)
        and not (said.known and not said.ordinary)
    ]
    if wrong:
        return f"blames {'; '.join(places(result, wrong))}"
    missed = [
        place
        for place in expected.places
        if not any(place.matches(said.layer, said.backend) for said in result.findings)
    ]
    return f"misses {'; '.join(f'{place.layers} on {place.backend}' for place in missed)}" if missed else None


def find_contradiction(findings: list[Said]) -> str | None:
    """Return where two findings name two backends as alone with one and the same result; None where none do.

    Two may raise an error where a third does not.
    """
    alone: dict[tuple[str, str, str, str], str] = {}
    for said in findings:
        if said.backend is not None and "(error raised)" not in said.message:
            key = (said.layer, said.quantity, said.mode, said.draw)
            other = alone.setdefault(key, said.backend)
            if other != said.backend:
                return (
                    f"contradicts itself: {other} alone and {said.backend} alone with {said.quantity} of {said.layer}"
                )
    return None


def places(result: Result, findings: list[Said] | None = None) -> list[str]:
    """Return the layers and backends that findings name, each once."""
    texts = [f"`{said.layer}` on {said.backend or 'no one backend'}" for said in findings or result.findings]
    return list(dict.fromkeys(texts))


def run_trial(trial: Trial, engine: str = "", check: Callable[..., Verdict] = keras_parity.check) -> Result:
    """Run one check in this process's shared workers, and measure it.

    Args:
        trial: The check.
        engine: A digest of it.
        check: What answers; `keras_parity.check`.
    """
    model = MODELS[trial.model]
    asked = digest_entry(model)
    if missing := model.missing_packages():
        return Result(trial, asked, SKIPPED, f"{' and '.join(missing)} not installed", engine=engine)
    started = time.perf_counter()
    with MemoryPeak() as memory:
        try:
            verdict = check(model.builder, dtype=trial.dtype, **model.arguments(trial.seed))
        except Exception as error:
            outcome, reason, verdict = FAILED, f"{type(error).__name__}: {error}"[:KEPT_CHARACTERS], None
    seconds = round(time.perf_counter() - started, 1)
    if verdict is None:
        return Result(trial, asked, outcome, reason, seconds=seconds, peak_mib=memory.mib, engine=engine)
    return Result(
        trial,
        asked,
        verdict.outcome.value,
        verdict.reason,
        [describe_finding(finding) for finding in verdict.findings if finding.is_open],
        [note[:KEPT_CHARACTERS] for note in verdict.notes],
        {backend: text[:KEPT_CHARACTERS] for backend, text in verdict.failures.items()},
        seconds,
        memory.mib,
        engine,
    )


def describe_finding(finding: Finding) -> Said:
    """Return what is kept of a finding."""
    return Said(
        finding.layer,
        finding.execution,
        str(finding.quantity),
        finding.mode,
        finding.draw,
        finding.ordinary,
        finding.message[:KEPT_CHARACTERS],
        finding.known,
    )


def restart_workers(model: Model) -> None:
    """End the shared workers after a large model, or where they hold much; the next check starts new ones."""
    from keras_parity.crew import shared_crew

    if model.large or held_bytes() > RESTART_BYTES:
        shared_crew().close()


def digest_entry(model: Model) -> str:
    """Return a digest of a model's module and of what its entry says, but for the expectation."""
    module = model.builder.partition(":")[0]
    text = Path(__file__).with_name(f"{module.rpartition('.')[2]}.py").read_bytes()
    asked = [model.builder, model.kwargs, model.gives_inputs, model.gives_targets, model.loss, model.optimizer]
    asked += [model.metrics, model.options, model.batch]
    return hashlib.sha256(text + repr(asked).encode()).hexdigest()[:16]


def held_bytes() -> int:
    """Return the resident memory of this process and of all its descendants."""
    process = psutil.Process(os.getpid())
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.Error:  # it has ended meanwhile
            continue
    return total


class MemoryPeak:
    """The most memory that this process and its descendants hold at once within a `with` block, sampled."""

    def __init__(self) -> None:
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "MemoryPeak":
        self._peak = held_bytes()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._peak = max(self._peak, held_bytes())

    @property
    def mib(self) -> int:
        """The peak in MiB."""
        return round(self._peak / 2**20)

    def _watch(self) -> None:
        while not self._done.wait(SAMPLING_SECONDS):
            self._peak = max(self._peak, held_bytes())
