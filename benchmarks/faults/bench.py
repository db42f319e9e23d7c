"""Running the engine on planted faults and on clean models, and scoring what it says."""

import functools
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import ClassVar

from benchmarks.faults.cases import CASES
from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.planting import plant
from keras_parity.accepted import Accepted, apply_accepted
from keras_parity.comparison import run_check as run_request
from keras_parity.crew import Crew
from keras_parity.names import TRAINING_BACKENDS
from keras_parity.protocol.cause import Cause
from keras_parity.protocol.tasks import Task
from keras_parity.request import make_request
from keras_parity.verdict import Outcome, Verdict

# A layer, and the backend that is alone with it; None where no two agree.
Blamed = tuple[str, str | None]

# How clean models are checked: dtype and seed.
CLEAN_SETTINGS = (
    ("float32", 1),
    ("float32", 2),
    ("bfloat16", 3),
    ("float32", 4),
    ("float64", 5),
    ("float32", 6),
    ("mixed_float16", 7),
    ("float32", 8),
    ("bfloat16", 9),
    ("float64", 10),
    ("float16", 11),
)


# What Keras itself does otherwise on one backend, by architecture, each with a script in docs/divergences: the
# gradients of UnitNormalization and of the cosine at zero (normalize_gradient_at_zero.py), in float16 Attention to what
# is masked (attention_in_float16_of_masked_inputs.py) and the gradient of a division (divide_gradient_in_float16.py).
KERAS_OWN = {
    "siamese": [("unit", "tensorflow")],
    "time_net": [("attention", "torch"), ("(loss)", "tensorflow")],
    "ops_net": [("divide", "jax")],
    "two_headed": [("read", "jax")],  # softsign divides
}


@dataclass(frozen=True)
class FindEffect(Task[tuple[str, float] | None]):
    """Find, without the engine, where a planted fault shows.

    Attributes:
        fault: The fault.
        architecture: What it is planted in.
        elsewhere: Another architecture to look at in its place; a fault of a layer that is not there has no effect.
    """

    performed_in: ClassVar[str] = "benchmarks.faults.effect"
    fault: str
    architecture: str
    elsewhere: str | None = None


@dataclass(frozen=True)
class Trial:
    """One check to run.

    Attributes:
        architecture: A builder of `architectures.py`.
        dtype: What the check asks about.
        seed: Of the check.
        fault: The planted fault; None for a clean check.
        backend: Where it is planted.
    """

    architecture: str
    dtype: str = "float32"
    seed: int = 1
    fault: str | None = None
    backend: str | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        where = f"{self.architecture} {self.dtype} seed {self.seed}"
        return f"{self.fault} on {self.backend} in {where}" if self.fault else f"clean {where}"

    @property
    def expected(self) -> list[Blamed]:
        """The layers and the backend that the check should blame."""
        if self.fault is None:
            return []
        return [(layer, self.backend) for layer in FAULTS[self.fault].culprits[self.architecture]]


@dataclass(frozen=True)
class Result:
    """What the engine said.

    Attributes:
        trial: The check.
        kind: The fault's kind; empty for a clean check.
        outcome: The verdict's.
        culprits: Layers and backends that it blames, those that are Keras's own left out.
        keras_detours: Layers and backends that it rightly tells of in a clean model, which is neither a false alarm nor
            blame: errors raised, in float64 what Keras computes in float32 outside TensorFlow, and `KERAS_OWN`.
        findings: Its findings' sentences.
        seconds: How long it took.
        reason: The verdict's.
        expected: What it should blame.
        effect: Where the planted fault shows without the engine; None for one that changes nothing, a defect of the
            bench, and for a clean check.
    """

    trial: Trial
    kind: str
    outcome: str
    culprits: list[Blamed]
    keras_detours: list[Blamed]
    findings: list[str]
    seconds: float
    reason: str
    expected: list[Blamed]
    effect: str | None = None

    @property
    def detected(self) -> bool:
        """Whether it says that the backends disagree, on more than Keras's own detours."""
        return self.outcome == Outcome.DISAGREE.value and bool(self.culprits)

    @property
    def blamed_right(self) -> bool:
        """Whether it blames all layers that are wrong, on the right backend, and no others."""
        return self.detected and set(self.culprits) == set(self.expected)

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
        for key in ("culprits", "keras_detours", "expected"):
            values[key] = [tuple(culprit) for culprit in values[key]]
        return cls(**{**values, "trial": Trial(**values["trial"])})


def planted_trials(faults: list[str], first_only: bool = False) -> list[Trial]:
    """Return a check for each fault in each of its architectures, the backend changing from one to the next.

    Faults of a float64 model are planted on TensorFlow: on the others Keras itself computes some layers in float32.
    Those that suit one backend are planted on that one.

    Args:
        faults: Names.
        first_only: Whether each fault's first architecture is enough.
    """
    backends = dict(zip(all_pairs(), itertools.cycle(TRAINING_BACKENDS), strict=False))
    pairs = [pair for pair in all_pairs(first_only) if pair[0] in faults]
    return [
        Trial(
            architecture,
            dtype := FAULTS[fault].dtype,
            fault=fault,
            backend=FAULTS[fault].backend or ("tensorflow" if dtype == "float64" else backends[fault, architecture]),
        )
        for fault, architecture in pairs
    ]


def all_pairs(first_only: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each fault with each of its architectures, or with the first."""
    for name, fault in FAULTS.items():
        for architecture in list(fault.culprits)[: 1 if first_only else None]:
            yield name, architecture


def clean_trials(count: int) -> list[Trial]:
    """Return so many checks of clean models, over all architectures before the settings change."""
    trials = (Trial(architecture, *settings) for settings in CLEAN_SETTINGS for architecture in CASES)
    return list(itertools.islice(trials, count))


def run_trial(trial: Trial, crew: Crew) -> Result:
    """Run one check, and for a planted fault see first that it changes something."""
    if trial.fault is None:
        return score(trial, run_check(trial, crew))
    assert trial.backend is not None  # a fault is planted somewhere
    effect = crew[trial.backend].ask(FindEffect(trial.fault, trial.architecture))
    clean = replace(trial, fault=None, backend=None)
    detours = score(clean, run_check(clean, crew)).keras_detours if trial.dtype == "float64" else []
    return score(trial, run_check(trial, crew), detours, effect and effect[0])


def run_check(trial: Trial, crew: Crew) -> Verdict:
    """Return the engine's verdict, after what the project has accepted."""
    if trial.fault is None or (accepted := FAULTS[trial.fault].accepted) is None:
        return _check(trial, crew)
    before = _check(replace(trial, fault=accepted), crew)
    entries = [
        Accepted(f.layer, f.execution, str(f.quantity), _bound(f.max_abs_error), "known to us", "keras", "99")
        for f in before.findings
    ]
    return apply_accepted(_check(trial, crew), entries)


def _bound(size: float) -> float | None:
    """Return the size up to which a project would accept a difference of this size; none where it has no number."""
    return None if math.isnan(size) else 1.5 * size


def _check(trial: Trial, crew: Crew) -> Verdict:
    request = make_request(
        f"benchmarks.faults.architectures:{trial.architecture}",
        TRAINING_BACKENDS,
        **CASES[trial.architecture].arguments(),
        dtype=trial.dtype,
        seed=trial.seed,
    )
    patches = None
    if trial.fault is not None:
        assert trial.backend is not None  # a fault is planted somewhere
        patches = {trial.backend: functools.partial(plant, trial.fault, trial.architecture)}
    return run_request(request, crew, lambda _: None, patches)


def score(trial: Trial, verdict: Verdict, detours: Sequence[Blamed] = (), effect: str | None = None) -> Result:
    """Return what a verdict says about a trial.

    Args:
        trial: The check.
        verdict: The engine's.
        detours: The clean float64 model's `keras_detours`; a clean check finds its own.
        effect: As in `Result`.
    """
    culprits = [(culprit.layer, culprit.execution) for culprit in verdict.culprits]
    if trial.fault is None:
        # A clean model raises on a backend without a kernel for the dtype, or, on a CPU, for the layout.
        facts = (Cause.ERROR, Cause.DTYPE, Cause.PRECISION) if trial.dtype == "float64" else (Cause.ERROR,)
        others = {(finding.layer, finding.execution) for finding in verdict.findings if finding.cause not in facts}
        detours = [culprit for culprit in culprits if culprit not in others]
    own = [culprit for culprit in KERAS_OWN.get(trial.architecture, ()) if culprit not in trial.expected]
    detours = [culprit for culprit in dict.fromkeys((*detours, *own)) if culprit in culprits]
    return Result(
        trial,
        FAULTS[trial.fault].kind if trial.fault else "",
        verdict.outcome.value,
        [culprit for culprit in culprits if culprit not in detours],
        list(detours),
        [finding.message for finding in verdict.findings],
        round(verdict.seconds, 2),
        verdict.reason,
        trial.expected,
        effect,
    )
