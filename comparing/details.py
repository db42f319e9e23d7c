"""What each question's answer was found from: the numbers that the report's figures and tables show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckedCase:
    """One check of the engine.

    Attributes:
        outcome: The verdict's.
        headline: The verdict in a sentence.
        reason: Why.
        seconds: What the check took.
    """

    outcome: str
    headline: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class FunctionDetails:
    """(1) Same function: the engine's checks, by what was checked."""

    cases: dict[str, CheckedCase]


@dataclass(frozen=True)
class StepsPair:
    """How far two backends come apart over the first steps.

    Attributes:
        backends: The two.
        ratio: The largest distance of a step, in units of the band.
        weights: The distance of all weights after each step.
        loss: That of the losses.
        first_outside: The first step outside the band, from 1; None where there is none.
        variable: The variable that is then furthest out.
    """

    backends: tuple[str, ...]
    ratio: float
    weights: tuple[float, ...]
    loss: tuple[float, ...]
    first_outside: int | None
    variable: str | None


@dataclass(frozen=True)
class Band:
    """How far roundings of one unit move one backend's weights and loss, at each step."""

    weights: tuple[float, ...]
    loss: tuple[float, ...]


@dataclass(frozen=True)
class StepsDetails:
    """(2) Same steps.

    Attributes:
        steps: How many.
        limit: So many times the band is agreement.
        pairs: Each pair of backends.
        bands: Each backend's.
        losses: Each backend's, at each step.
    """

    steps: int
    limit: float
    pairs: tuple[StepsPair, ...]
    bands: dict[str, Band]
    losses: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class DestinationPair:
    """How the mean accuracies of two backends differ, in percentage points; as `comparing.statistics.Difference`."""

    backends: tuple[str, ...]
    mean: float
    low: float
    high: float
    p_equal: float
    p_apart: float


@dataclass(frozen=True)
class DestinationDetails:
    """(3) Same destination.

    Attributes:
        accuracies: Each backend's, one a seed, in per cent.
        margin: The largest difference that is none, in percentage points.
        resolution: The step in which accuracies are counted.
        pairs: Each pair of backends; none where there are too few seeds.
    """

    accuracies: dict[str, tuple[float, ...]]
    margin: float
    resolution: float
    pairs: tuple[DestinationPair, ...] = ()


@dataclass(frozen=True)
class DifferingBetween:
    """On how many test examples two backends' runs of one seed predict different classes."""

    backends: tuple[str, ...]
    seed: int
    differing: int


@dataclass(frozen=True)
class DifferingWithin:
    """On how many test examples two seeds of one backend predict different classes."""

    backend: str
    seeds: tuple[int, ...]
    differing: int


@dataclass(frozen=True)
class PredictionsPair:
    """How many times as many predictions another backend changes as another seed does, with its 90 % interval."""

    backends: tuple[str, ...]
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class PredictionsDetails:
    """(4) Same predictions.

    Attributes:
        examples: Test examples.
        between: For each pair of backends and each seed.
        within: For each backend and each pair of seeds.
        pairs: Each pair of backends; none where there are too few seeds.
    """

    examples: int
    between: tuple[DifferingBetween, ...]
    within: tuple[DifferingWithin, ...]
    pairs: tuple[PredictionsPair, ...] = ()


Details = FunctionDetails | StepsDetails | DestinationDetails | PredictionsDetails
OF_QUESTION: dict[str, type[Details]] = {
    "function": FunctionDetails,
    "steps": StepsDetails,
    "destination": DestinationDetails,
    "predictions": PredictionsDetails,
}
