"""(2) Same steps: do backends that start from the same weights stay within the band of rounding?

Float32 training amplifies roundings, so two correct backends drift apart. How fast is measured: each backend is also
trained from weights, and with an optimiser's constants, that differ in the last place. docs/how-compare-decides.md has
the experiments behind the numbers here.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comparing.answers import Answer, unanswered
from comparing.destination import alone
from comparing.details import Band, StepsDetails, StepsPair
from keras_parity.report.wording import backend_title, enumerate_names
from keras_parity.verdict import Outcome

# Ours, between what was measured: 16 for the worst clean system, 11,000 for the smallest fault known in Keras.
LIMIT = 100.0
# A distance is the mean of |difference|^(1/2), squared. A single weight whose gradient is nought but for rounding may
# jump by a whole learning rate; squares would see nothing else.
EXPONENT = 0.5
FLOAT32_SPACING = 2.0**-23


@dataclass(frozen=True)
class Recording:
    """What a backend recorded of its first steps, from the given weights and again from perturbed ones.

    Attributes:
        names: The variables' paths.
        sizes: Their entries.
        batches: A checksum of each step's batch.
        losses: float64 `(1 + perturbed, steps)`.
        followed: For each variable float32 `(1 + perturbed, steps, entries)`, those of its entries that are followed.
    """

    names: list[str]
    sizes: list[int]
    batches: list[str]
    losses: np.ndarray
    followed: list[np.ndarray]


def compare_steps(recordings: Mapping[str, Recording], backends: Sequence[str]) -> Answer:
    """Return the answer, from what each backend recorded.

    Args:
        recordings: For each backend that took the steps.
        backends: All that were to be compared.
    """
    criterion = (
        f"At every step the loss and the weights of two backends differ by at most {LIMIT:g} times what roundings of "
        "one unit do to either of them."
    )
    recordings = {backend: recordings[backend] for backend in backends if backend in recordings}
    if len(recordings) < 2:
        return unanswered("steps", criterion, "Fewer than two backends took the first steps.")
    names = [recording.names for recording in recordings.values()]
    if any(len(name) != len(names[0]) for name in names):
        return unanswered("steps", criterion, "The backends' models have different variables.")
    bands = {backend: _band(recording) for backend, recording in recordings.items()}
    rows = [_compare_pair(pair, recordings, bands) for pair in itertools.combinations(recordings, 2)]
    steps = len(next(iter(recordings.values())).batches)
    details = StepsDetails(
        steps=steps,
        limit=LIMIT,
        pairs=tuple(rows),
        bands={b: Band(tuple(band[0].tolist()), tuple(band[1].tolist())) for b, band in bands.items()},
        losses={backend: tuple(recording.losses[0].tolist()) for backend, recording in recordings.items()},
    )
    worst = max(rows, key=lambda row: row.ratio)
    if not np.isfinite([recording.losses for recording in recordings.values()]).any():
        return unanswered("steps", criterion, "No backend has a finite loss.")
    outside = [row.backends for row in rows if not row.ratio <= LIMIT]
    pair = enumerate_names([backend_title(backend) for backend in worst.backends])
    size = f"{worst.ratio:,.2g}" if worst.ratio < 100 else f"{worst.ratio:,.0f}"
    others = [row.backends for row in rows if len({tuple(recordings[backend].batches) for backend in row.backends}) > 1]
    if not (outside or others):
        reason = (
            f"Over {steps} steps from the same weights the backends stay together: {pair} come apart by at most {size} "
            "times what a rounding does."
        )
        return Answer("steps", Outcome.AGREE.value, worst.ratio, "times the band", criterion, reason, details=details)
    culprit = alone(outside or others, list(recordings))
    first = min((row.first_outside for row in rows if row.first_outside), default=None)
    reason = f"{pair} come apart by {size} times what a rounding does"
    reason += f"; outside the band from step {first} on." if first else "."
    if others:
        reason += " They are not given the same batches: look at the order of the data first."
    elif worst.variable:
        reason += f" Furthest out is {worst.variable}."
    return Answer(
        "steps", Outcome.DISAGREE.value, worst.ratio, "times the band", criterion, reason, culprit, details=details
    )


def _band(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Return how far roundings move the weights and the loss, each `(steps,)`; a band does not get narrower again."""
    perturbed = range(1, len(recording.losses))
    weights = np.max([weight_distance(recording, 0, recording, twin) for twin in perturbed], axis=0)
    losses = recording.losses
    loss = np.abs(losses[1:] - losses[0]).max(axis=0)
    return (
        np.maximum.accumulate(weights),
        np.maximum.accumulate(np.maximum(loss, FLOAT32_SPACING * np.abs(losses[0]))),
    )


def weight_distance(first: Recording, i: int, second: Recording, j: int) -> np.ndarray:
    """Return how far apart two trainings are after each step, float64 `(steps,)`, over all weights."""
    sizes = np.array(first.sizes, np.float64)
    distance: np.ndarray = (sizes @ _of_variables(first, i, second, j) / sizes.sum()) ** (1 / EXPONENT)
    return distance


def _of_variables(first: Recording, i: int, second: Recording, j: int) -> np.ndarray:
    """Return each variable's mean of powers of differences, float64 `(variables, steps)`."""
    pairs = zip(first.followed, second.followed, strict=True)
    return np.stack([(np.abs(a[i].astype(float) - b[j].astype(float)) ** EXPONENT).mean(axis=-1) for a, b in pairs])


def _compare_pair(
    pair: tuple[str, str],
    recordings: Mapping[str, Recording],
    bands: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> StepsPair:
    first, second = (recordings[backend] for backend in pair)
    weights = weight_distance(first, 0, second, 0)
    losses = np.abs(first.losses[0] - second.losses[0])
    widest = [np.maximum(*(bands[backend][kind] for backend in pair)) for kind in (0, 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.fmax(_ratio(weights, widest[0]), _ratio(losses, widest[1]))
    outside = np.flatnonzero(~(ratios <= LIMIT))
    return StepsPair(
        backends=pair,
        ratio=float(ratios.max()),
        weights=tuple(weights.tolist()),
        loss=tuple(losses.tolist()),
        first_outside=int(outside[0]) + 1 if outside.size else None,
        variable=_furthest(first, second, int(outside[0])) if outside.size else None,
    )


def _ratio(distance: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Return distances in units of a band; infinite where only one side is a number or the band is nought."""
    ratio = np.where(distance == 0, 0.0, distance / band)
    return np.where(np.isfinite(ratio), ratio, np.inf)


def _furthest(first: Recording, second: Recording, step: int) -> str:
    """Return the variable that is furthest apart after a step, in units of its own band."""
    apart = _of_variables(first, 0, second, 0)[:, step]
    bands = np.max(
        [_of_variables(r, 0, r, twin)[:, step] for r in (first, second) for twin in range(1, len(r.losses))], axis=0
    )
    return first.names[int(np.argmax(apart / np.maximum(bands, np.finfo(float).tiny)))]
